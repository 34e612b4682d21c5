"""Measure the memory that a server's processes on this machine use."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

from sagellm_benchmark.machine.processes import Pids, family

_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


def peak_memory_mib(pids: Pids) -> int | None:
    """Return the sum of the peaks of resident memory of processes and their descendants, in MiB; None if all are gone.

    Linux keeps each peak. Elsewhere this is the memory held now: ask repeatedly while they work, and keep the maximum.
    """
    return round(sum(map(_peak_bytes, family(pids))) / (1 << 20)) or None


def _peak_bytes(pid: int) -> int:
    """Return a process's peak of resident memory in bytes; 0 if the process has just ended."""
    try:
        match = _PEAK.search(Path(f"/proc/{pid}/status").read_text()) if psutil.LINUX else None
        return int(match.group(1)) * 1024 if match else int(psutil.Process(pid).memory_info().rss)
    except (psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError):
        return 0
