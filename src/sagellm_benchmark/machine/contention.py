"""Measure what part of this machine's processors other programs used during a load, and how long we waited for one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from sagellm_benchmark.machine.processes import Pids, family

_SHORTEST_S = 0.5  # processor time is counted in hundredths of a second
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Contended:
    """Shares over a load, from 0 to 1. `None`: not measured."""

    others_share: float | None  # of all processors, used by other programs; 1.0 is all of them all the time
    steal_share: float | None  # of all processors, taken by the host of a virtual machine
    server_wait_share: float | None  # of the time the server could have run, waited for a processor
    client_wait_share: float | None
    pressure_share: float | None = None  # of the time, some program waited for a processor (Linux's PSI)


@dataclass(frozen=True, slots=True)
class _Moment:
    """What the system has counted so far, in seconds."""

    wall: float
    busy: float
    steal: float
    ours: float
    server: tuple[float, float] | None  # ran, waited
    client: tuple[float, float] | None
    pressure: float | None


class Contention:
    """Watches during each `with` block; `pids` are the server's processes, empty if they cannot be seen.

    Without them, nobody knows which programs are others, but the client's wait and the host's share are known.
    """

    def __init__(self, pids: Pids) -> None:
        self._pids = pids
        self._began: _Moment | None = None
        self._spans: list[tuple[_Moment, _Moment]] = []

    def __enter__(self) -> Contention:
        self._began = _now(self._pids)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._began is not None:
            self._spans.append((self._began, _now(self._pids)))

    @property
    def share(self) -> float | None:
        """The share of the processors that other programs used; None if not measured."""
        return None if self.seen is None else self.seen.others_share

    @property
    def seen(self) -> Contended | None:
        """The shares over all spans together; None if they were too short."""
        wall = sum(ended.wall - began.wall for began, ended in self._spans)
        if wall < _SHORTEST_S:
            return None
        whole = wall * (psutil.cpu_count() or 1)
        others = sum(max(e.busy - b.busy - (e.ours - b.ours), 0.0) for b, e in self._spans)
        steal = sum(max(e.steal - b.steal, 0.0) for b, e in self._spans)
        return Contended(
            others_share=min(others / whole, 1.0) if self._pids else None,
            steal_share=min(steal / whole, 1.0),
            server_wait_share=_wait_share([(b.server, e.server) for b, e in self._spans]),
            client_wait_share=_wait_share([(b.client, e.client) for b, e in self._spans]),
            pressure_share=_pressure_share([(b.pressure, e.pressure) for b, e in self._spans], wall),
        )


def _now(pids: Pids) -> _Moment:
    machine = psutil.cpu_times()
    steal = getattr(machine, "steal", 0.0)
    server, client = family(pids), family((os.getpid(),))
    ours = sum(_seconds(member) for member in server | client) + _of_the_gone(os.getpid())
    return _Moment(
        wall=time.monotonic(),
        busy=sum(machine[:7]) - machine.idle - getattr(machine, "iowait", 0.0),
        steal=steal,
        ours=ours,
        server=run_and_wait_s(_apart(server, client)),
        client=run_and_wait_s(_apart(client, server)),
        pressure=pressure_s(),
    )


def _apart(these: frozenset[int], others: frozenset[int]) -> frozenset[int]:
    """Return the processes of one side alone: an engine that we started is a child of the client, but is the server."""
    return these if these < others else these - others


def run_and_wait_s(pids: Iterable[int]) -> tuple[float, float] | None:
    """Return for how many seconds all threads of processes ran, and waited for a processor; None if not on Linux."""
    ran = waited = 0
    told = False
    for pid in pids:
        for path in (_PROC / str(pid) / "task").glob("*/schedstat"):
            with suppress(OSError, ValueError):  # the thread has gone, or counts are switched off
                on_it, in_queue, _ = map(int, path.read_text().split())
                ran, waited, told = ran + on_it, waited + in_queue, True
    return (ran / 1e9, waited / 1e9) if told else None


def pressure_s(path: Path = _PROC / "pressure" / "cpu") -> float | None:
    """Return for how many seconds since boot some program waited for a processor; None if Linux does not say."""
    with suppress(OSError, ValueError, IndexError):  # not Linux, an old Linux, or PSI is switched off
        some = path.read_text().splitlines()[0]
        return int(some.rpartition("total=")[2]) / 1e6
    return None


def _pressure_share(spans: Iterable[tuple[float | None, float | None]], wall: float) -> float | None:
    waited = 0.0
    for before, after in spans:
        if before is None or after is None:
            return None
        waited += max(after - before, 0.0)
    return min(waited / wall, 1.0)


_Times = tuple[float, float] | None  # ran, waited


def _wait_share(spans: Iterable[tuple[_Times, _Times]]) -> float | None:
    """Return which share of the time when they could have run processes waited; None if not known throughout."""
    ran = waited = 0.0
    for before, after in spans:
        if before is None or after is None:
            return None
        ran += max(after[0] - before[0], 0.0)
        waited += max(after[1] - before[1], 0.0)
    return waited / (ran + waited) if ran + waited > 0 else None


def _of_the_gone(pid: int) -> float:
    """Return the processor time, in seconds, of children that have ended, such as client processes after a load."""
    times = psutil.Process(pid).cpu_times()
    return times.children_user + times.children_system


def _seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
