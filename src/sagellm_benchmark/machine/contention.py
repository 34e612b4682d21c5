"""How much of this machine's processors other programs used while a load ran on it."""

from __future__ import annotations

import os
import time
from types import TracebackType

import psutil

from sagellm_benchmark.machine.nvidia import family

_SHORTEST_S = 0.5  # processor time is counted in hundredths of a second


class Contention:
    """Watches from entering to leaving; `pid` is the server's process, None where it is not ours to see."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._began = (0.0, 0.0, 0.0)
        self.share: float | None = None  # 1.0: other programs used every processor all the time

    def __enter__(self) -> Contention:
        if self._pid is not None:
            self._began = self._now(self._pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pid is None:
            return
        wall, busy, ours = (now - then for now, then in zip(self._now(self._pid), self._began, strict=True))
        if wall >= _SHORTEST_S:
            self.share = min(max(busy - ours, 0.0) / wall / (psutil.cpu_count() or 1), 1.0)

    @staticmethod
    def _now(pid: int) -> tuple[float, float, float]:
        """Wall clock, the machine's busy time, and ours and the server's part of it; seconds."""
        machine = psutil.cpu_times()
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        ours = sum(_seconds(member) for member in family(pid) | family(os.getpid())) + _of_the_gone(
            os.getpid()
        )
        return time.monotonic(), sum(machine[:7]) - idle, ours


def _of_the_gone(pid: int) -> float:
    """Processor time of children that have ended, such as client processes after a load."""
    times = psutil.Process(pid).cpu_times()
    return times.children_user + times.children_system


def _seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
