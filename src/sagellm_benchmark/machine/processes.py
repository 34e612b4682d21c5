"""Processes of this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

import psutil

Pids = Collection[int]
"""The processes of one server, each with all its descendants: a gateway and the engines behind it, or only one."""


def family(pids: Pids) -> frozenset[int]:
    """Return processes and their descendants, in which engines compute; those that have ended are left out."""
    return frozenset(member for pid in pids for member in _with_descendants(pid))


def words(pid: int) -> list[str]:
    """Return the words of a process's command line; empty if it has ended, or we may not look at it."""
    with suppress(psutil.Error):
        return psutil.Process(pid).cmdline()
    return []


def _with_descendants(pid: int) -> Iterator[int]:
    with suppress(psutil.Error):
        yield from (pid, *(child.pid for child in psutil.Process(pid).children(recursive=True)))
