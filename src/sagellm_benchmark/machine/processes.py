"""Processes of this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

import psutil

Pids = Collection[int]
"""The processes of one server, each with all its descendants: a gateway and the engines behind it, or only one."""


def family(pids: Pids) -> frozenset[int]:
    """Return processes and their descendants, as engines compute in children; without those that are gone."""
    return frozenset(member for pid in pids for member in _with_descendants(pid))


def words(pid: int) -> list[str]:
    """Return the command line of a process; nothing of one that is gone, or that we may not look at."""
    with suppress(psutil.Error):
        return psutil.Process(pid).cmdline()
    return []


def _with_descendants(pid: int) -> Iterator[int]:
    with suppress(psutil.Error):
        yield from (pid, *(child.pid for child in psutil.Process(pid).children(recursive=True)))
