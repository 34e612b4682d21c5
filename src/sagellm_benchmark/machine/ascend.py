"""Huawei's Ascend processors, as `npu-smi info` lists them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

_TIMEOUT_S = 15.0
_MAX_CHARS = 1_000_000
_VERSION = re.compile(r"^\|\s*npu-smi\s+\S+\s+Version:\s*(\S+)")
_NUMBER_PAIR = re.compile(r"(\d+)\s*/\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Npu:
    """One chip. `memory_mb` is its HBM (or its DDR, where it has no HBM), as npu-smi counts it."""

    name: str
    memory_mb: int | None
    bus_id: str


@dataclass(frozen=True, slots=True)
class NpuInfo:
    """Everything of the listing that we use."""

    driver_version: str | None = None
    npus: tuple[Npu, ...] = ()
    processes: tuple[tuple[int, int], ...] = ()  # (position of the NPU in the listing's numbering, pid)


def npu_info(command: tuple[str, ...] = ("npu-smi", "info")) -> NpuInfo:
    """What the driver's tool says; empty, quietly, where there is none or it fails."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return NpuInfo()
    return parse(done.stdout[:_MAX_CHARS].decode("utf-8", "replace")) if done.returncode == 0 else NpuInfo()


def driver_version() -> str | None:
    """The driver's version, where there is one."""
    return npu_info().driver_version


def parse(text: str) -> NpuInfo:
    """The table: each chip takes two rows of three cells, and a second table lists the processes.

    | 0     910B3    | OK           | 90.4   37     0 / 0              |
    | 0              | 0000:C1:00.0 | 0      0 / 0  4153 / 65536       |
    """
    version: str | None = None
    npus: list[Npu] = []
    processes: list[tuple[int, int]] = []
    name: str | None = None
    for line in text.splitlines():
        if found := _VERSION.match(line):
            version = found.group(1)
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if len(cells) == 4 and (process := _process(cells)):
            processes.append(process)
        elif len(cells) == 3:
            npu = _chip(cells, name)
            if npu is not None:
                npus.append(npu)
            name = _name(cells) or name
    return NpuInfo(version, tuple(npus), tuple(processes))


def _name(cells: list[str]) -> str | None:
    """The chip's name in the first of its two rows: a number, the name, and a health that is no bus."""
    words = cells[0].split()
    return words[1] if len(words) == 2 and words[0].isdigit() and ":" not in cells[1] else None


def _chip(cells: list[str], name: str | None) -> Npu | None:
    """The second row of a chip, known by its bus; the last pair of numbers in it is the larger memory's."""
    if name is None or not re.fullmatch(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d", cells[1]):
        return None
    totals = [int(total) for _, total in _NUMBER_PAIR.findall(cells[2])]
    memory = max(totals, default=0)
    return Npu(f"Ascend {name}", memory or None, cells[1])


def _process(cells: list[str]) -> tuple[int, int] | None:
    words = cells[0].split()
    if words and words[0].isdigit() and cells[1].isdigit():
        return int(words[0]), int(cells[1])
    return None
