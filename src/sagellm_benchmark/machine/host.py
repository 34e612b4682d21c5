"""This machine: its processor, memory and system. `None`: the system does not say."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from sagellm_benchmark.machine.accelerators import Maker, Versions
from sagellm_benchmark.machine.makers.registry import MAKERS

_VENDORS = {"GenuineIntel": "Intel", "AuthenticAMD": "AMD"}
_ARM_HUAWEI = "0x48"  # HiSilicon, in ARM's list of implementers
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processors of a machine; `vendor` is the leaderboard's name for it, Unknown if the system does not say."""

    vendor: str
    model: str | None
    sockets: int | None
    cores: int | None  # physical
    threads: int | None


@dataclass(frozen=True, slots=True)
class Host:
    """What a machine is made of, and which part of it we may use."""

    cpu: Cpu
    usable_threads: int | None  # this process's share, as containers and taskset limit it
    memory_bytes: int
    os: str
    python_version: str


def host() -> Host:
    """Describe this machine."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return Host(
        cpu=cpu(),
        usable_threads=usable,
        memory_bytes=psutil.virtual_memory().total,
        os=f"{platform.system()} {platform.release()}".strip(),
        python_version=platform.python_version(),
    )


def cpu() -> Cpu:
    """Return the processor by /proc/cpuinfo, else (on macOS) by the system's name for it."""
    text = _CPUINFO.read_text(encoding="utf-8", errors="replace") if _CPUINFO.is_file() else ""
    vendor, model, sockets = parse_cpuinfo(text)
    if model is None and sys.platform == "darwin":
        model = _sysctl("machdep.cpu.brand_string")
        vendor = "Intel" if model and "Intel" in model else "Other"
    return Cpu(
        vendor=vendor,
        model=model,
        sockets=sockets,
        cores=psutil.cpu_count(logical=False),
        threads=psutil.cpu_count(),
    )


def parse_cpuinfo(text: str) -> tuple[str, str | None, int | None]:
    """Return vendor, model and sockets by the text of /proc/cpuinfo.

    ARM names its implementer by number, and often has no model name.
    """
    vendor_id, implementer = _field(text, "vendor_id"), _field(text, "CPU implementer")
    if vendor_id is not None:
        vendor = _VENDORS.get(vendor_id, "Other")
    elif implementer is not None:
        vendor = "Huawei" if implementer.lower() == _ARM_HUAWEI else "Other"
    else:
        vendor = "Unknown"
    sockets = {match.group(1) for match in re.finditer(r"^physical id\s*: *(\d+)", text, re.MULTILINE)}
    model = _field(text, "model name") or _field(text, "Model")
    return vendor, model, len(sockets) or None


def _field(text: str, name: str) -> str | None:
    match = re.search(rf"^{re.escape(name)}\s*:[ \t]*(.+)$", text, re.MULTILINE)
    return " ".join(match.group(1).split()) if match else None


def _sysctl(name: str) -> str | None:
    try:
        done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def environment(*, server_is_local: bool = True) -> dict[str, str | None]:
    """Return the contract's `environment`; for a server elsewhere, only this program's own side is known."""
    here, found = host(), driver_versions() if server_is_local else Versions()
    return {
        "os": here.os,
        "python_version": here.python_version,
        "pytorch_version": None,  # the engine's own, which no server tells
        "cuda_version": found.cuda,
        "cann_version": found.cann,
        "driver_version": found.driver,
    }


def driver_versions(makers: Sequence[Maker] = MAKERS) -> Versions:
    """Return the versions of the first maker whose driver is here; empty if there is none."""
    for maker in makers:
        with maker.opened() as driver:
            if driver is not None:
                return driver.versions()
    return Versions()
