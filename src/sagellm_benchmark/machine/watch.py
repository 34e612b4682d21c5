"""Watch the accelerators of a server's processes while a load runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TypeVar

from sagellm_benchmark.machine.accelerators import Chip, Driver, GpuFigures, Maker, Reading, used_by
from sagellm_benchmark.machine.makers.registry import MAKERS, PROCESSORS
from sagellm_benchmark.machine.processes import Pids, family
from sagellm_benchmark.machine.readings import Readings

INTERVAL_S = 0.5


class GpuWatch:
    """Reads the chips of the first maker whose chips the processes use, every `interval_s`, during each `with` block.

    If the machine has no accelerator, the processors' energy counter is read, if there is one.
    """

    def __init__(
        self,
        pids: Pids,
        *,
        makers: Sequence[Maker] = MAKERS,
        processors: Maker = PROCESSORS,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._pids = pids
        self._makers = makers
        self._processors = processors
        self._interval_s = interval_s
        self._done, self._ready = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._spans: list[tuple[float, GpuFigures]] = []
        self._moments: list[Moment] = []

    def __enter__(self) -> GpuWatch:
        if self._pids:
            self._done, self._ready = threading.Event(), threading.Event()
            self._thread = threading.Thread(target=self._watch, name="gpu-watch", daemon=True)
            self._thread.start()
            self._ready.wait()  # so that energy is counted from here on
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def figures(self) -> GpuFigures:
        """Return what was seen, once the watch has ended; unknown if there was no chip to watch."""
        return joined(self._spans)

    def readings(self) -> tuple[Readings, ...]:
        """Return what was seen over time, once the watch has ended; only quantities that a chip reported."""
        power = Readings.of("power_w", ((one.at_s, one.power_w) for one in self._moments))
        clock = Readings.of("clock_mhz", ((one.at_s, one.clock_mhz) for one in self._moments))
        return tuple(one for one in (power, clock) if one.values)

    def _watch(self) -> None:
        try:
            if not any(self._watched(maker) for maker in self._makers):
                unseen = any(maker.present() for maker in self._makers)  # its energy is not the processors'
                if not unseen:
                    self._watched(self._processors)
        finally:
            self._ready.set()

    def _watched(self, maker: Maker) -> bool:
        """Watch until the end if the processes use chips of this maker; return whether they do."""
        with maker.opened() as driver:
            used = used_by(self._pids, driver.chips()) if driver is not None else []
            if driver is None or not used:
                return False
            watched_s, figures = self._read([_Log(driver, chip) for chip in used])
            source = None if figures.energy_j is None else maker.name
            self._spans.append((watched_s, replace(figures, energy_source=source)))
            return True

    def _read(self, logs: Sequence[_Log]) -> tuple[float, GpuFigures]:
        """Read at once, then after each interval, and once more at the end; return the seconds and what was seen."""
        began = time.monotonic()
        self._look(logs)
        self._ready.set()
        more = True
        while more:
            more = not self._done.wait(self._interval_s)
            self._look(logs)
        watched_s = time.monotonic() - began
        return watched_s, together(logs, watched_s)

    def _look(self, logs: Sequence[_Log]) -> None:
        for log in logs:
            log.read(self._pids)
        self._moments.append(Moment.of(time.time(), [log.readings[-1] for log in logs]))


@dataclass(frozen=True, slots=True)
class Moment:
    """All chips at one moment of the wall clock: the sum of their power, and the lowest clock."""

    at_s: float
    power_w: float | None
    clock_mhz: int | None

    @classmethod
    def of(cls, at_s: float, readings: Sequence[Reading]) -> Moment:
        """Return the moment of these readings: power only if every chip reports it, the clock if any does."""
        clocks = _known([one.clock_mhz for one in readings])
        return cls(at_s, _sum([one.power_w for one in readings]), min(clocks, default=None))


@dataclass(slots=True)
class _Log:
    """One chip's readings."""

    driver: Driver
    chip: Chip
    readings: list[Reading] = field(default_factory=list)
    others: set[int] = field(default_factory=set)

    def read(self, pids: Pids) -> None:
        """Take a reading, and note who else uses the chip."""
        self.readings.append(self.driver.read(self.chip))
        self.others |= self.readings[-1].pids - family(pids)

    @property
    def energy_j(self) -> float | None:
        """By how much the energy counter grew."""
        first, last = self.readings[0].energy_j, self.readings[-1].energy_j
        return None if first is None or last is None else last - first

    @property
    def power_w(self) -> float | None:
        """The mean of the power readings."""
        known = [one.power_w for one in self.readings if one.power_w is not None]
        return sum(known) / len(known) if known else None

    @property
    def capped_share(self) -> float | None:
        """The share of the readings at which the power limit held the clock down."""
        known = [one.capped for one in self.readings if one.capped is not None]
        return sum(known) / len(known) if known else None


def together(logs: Sequence[_Log], watched_s: float) -> GpuFigures:
    """Return the figures of all chips: sums if all chips report, extremes if any does."""
    shares = [share for log in logs if (share := log.capped_share) is not None]
    readings = [one for log in logs for one in log.readings]
    energy_j = _sum([log.energy_j for log in logs])
    return GpuFigures(
        energy_j=energy_j,
        watched_s=None if energy_j is None else watched_s,
        power_w=_sum([log.power_w for log in logs]),
        power_limit_w=_sum([log.readings[0].power_limit_w for log in logs]),
        sm_clock_min_mhz=min((one.clock_mhz for one in readings if one.clock_mhz is not None), default=None),
        power_capped_share=max(shares, default=None),
        throttled=tuple(sorted(frozenset().union(*(one.slowdowns for one in readings)))),
        other_processes=tuple(sorted(set().union(*(log.others for log in logs)))),
    )


def joined(spans: Sequence[tuple[float, GpuFigures]]) -> GpuFigures:
    """Return the figures of several spans, each with its seconds; a sum is known if it is known in every span."""
    if len(spans) < 2:
        return spans[0][1] if spans else GpuFigures()
    parts = [part for _, part in spans]
    work_j = _sum([None if part.power_w is None else part.power_w * span for span, part in spans])
    return GpuFigures(
        energy_j=_sum([part.energy_j for part in parts]),
        watched_s=_sum([part.watched_s for part in parts]),
        power_w=None if work_j is None else work_j / sum(span for span, _ in spans),
        power_limit_w=parts[0].power_limit_w,
        sm_clock_min_mhz=min(_known([part.sm_clock_min_mhz for part in parts]), default=None),
        power_capped_share=max(_known([part.power_capped_share for part in parts]), default=None),
        throttled=tuple(sorted({name for part in parts for name in part.throttled})),
        other_processes=tuple(sorted({pid for part in parts for pid in part.other_processes})),
        energy_source=parts[0].energy_source,
    )


Value = TypeVar("Value", int, float)


def _known(values: Sequence[Value | None]) -> list[Value]:
    return [value for value in values if value is not None]


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
