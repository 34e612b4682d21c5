"""What a process on this machine uses."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

_PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


def peak_memory_mib(pid: int) -> int | None:
    """The most memory that a process and its children have had resident so far, in MiB; None when it is gone.

    Linux keeps the peak itself. Elsewhere this is what they hold now: ask again while they work, and keep the maximum.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return round(sum(_peak_bytes(member) for member in family) / (1 << 20)) or None
    except (psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError):
        return None


def _peak_bytes(process: psutil.Process) -> int:
    match = _PEAK.search(Path(f"/proc/{process.pid}/status").read_text()) if psutil.LINUX else None
    return int(match.group(1)) * 1024 if match else int(process.memory_info().rss)
