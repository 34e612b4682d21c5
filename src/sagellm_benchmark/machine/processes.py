"""Processes of this machine."""

from __future__ import annotations

import psutil


def family(pid: int) -> frozenset[int]:
    """Return a process and its descendants, as engines compute in children; empty where it is gone."""
    try:
        process = psutil.Process(pid)
        return frozenset({pid, *(child.pid for child in process.children(recursive=True))})
    except psutil.Error:
        return frozenset()
