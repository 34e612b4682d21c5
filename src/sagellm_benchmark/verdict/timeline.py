"""How a run went over time, in a bounded number of bins and requests, however long it took.

Bins begin narrow; when there are too many, they are joined in pairs. When there are too many requests, every second one
is dropped. Either way, the whole run stays in sight.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sagellm_benchmark.client.sample import Failure, Sample
from sagellm_benchmark.machine.readings import Readings
from sagellm_benchmark.verdict import marks
from sagellm_benchmark.verdict.marks import Asked, Mark

MOST_BINS = 600
MOST_REQUESTS = 240
MOST_READINGS = 600  # of one gauge
FIRST_BIN_S = 0.01


@dataclass(frozen=True, slots=True)
class Span:
    """One request; moments are seconds from the run's beginning, None if something did not happen."""

    due_s: float | None
    start_s: float
    first_s: float | None  # the first content event
    end_s: float  # the last byte, or the failure
    failed: bool


@dataclass(frozen=True, slots=True)
class Gauge:
    """What the server or accelerators reported again and again during the loads, with the moments in the run."""

    name: str  # running, waiting, kv_tokens, power_w, clock_mhz
    at_s: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run in bins of `bin_s` seconds: timeline.json. Repeats follow each other; `windows` are the measured parts."""

    bin_s: float
    tokens_per_s: tuple[float, ...]
    in_flight: tuple[float, ...]  # requests, the mean over a bin
    ttft_ms: tuple[float | None, ...]  # the mean of the requests that began in a bin
    errors: tuple[int, ...]  # failures that happened in a bin
    windows: tuple[tuple[float, float], ...]
    requests: tuple[Span, ...]  # all of them, or every second, every fourth, …
    marks: tuple[Mark, ...] = ()  # earlier versions recorded none
    gauges: tuple[Gauge, ...] = ()  # likewise


class Recorder:
    """Makes a timeline from the samples of a run as they are decoded."""

    def __init__(self) -> None:
        self._bin_s = FIRST_BIN_S
        self._tokens, self._busy_s, self._ttft_s, self._begun, self._errors = np.zeros((5, MOST_BINS))
        self._windows: list[tuple[float, float]] = []
        self._spans: list[Span] = []
        self._marks: list[Mark] = []
        # of each repeat: the wall clock at its moment 0, and its beginning and end in the run
        self._clocks: list[tuple[float, float, float]] = []
        self._arrivals, self._starts, self._ends = array("d"), array("d"), array("d")  # of this repeat
        self._stride, self._seen = 1, 0
        self._offset_s = self._end_s = 0.0

    def through(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        """Record every sample of a repeat, then yield it."""
        for sample in samples:
            if sample.failure is not Failure.INTERRUPTED:
                self._note(sample)
            yield sample

    def end_repeat(
        self, window_s: tuple[float, float], asked: Asked = marks.PLAIN, started_at: float | None = None
    ) -> None:
        """End this repeat; samples that follow belong to the next one.

        `window_s` is the measured part of this repeat, on its own clock, and `started_at` the wall clock at its moment
        0, in seconds since the epoch.
        """
        begin, end = window_s
        if self._starts:
            moments = (np.array(one) for one in (self._arrivals, self._starts, self._ends))
            self._marks += (self._moved(mark) for mark in marks.of(asked, *moments))
        self._windows.append((self._offset_s + begin, self._offset_s + end))
        begun_s = self._offset_s
        self._offset_s = self._end_s = max(self._end_s, self._offset_s + end)
        if started_at is not None:
            self._clocks.append((started_at, begun_s, self._end_s))
        for moments_s in (self._arrivals, self._starts, self._ends):
            del moments_s[:]

    def timeline(self, readings: Sequence[Readings] = ()) -> Timeline | None:
        """Return the timeline, with what was read during the repeats; None if there are no samples."""
        if not self._seen:
            return None
        count = min(int(self._end_s / self._bin_s) + 1, MOST_BINS)
        begun = self._begun[:count]
        with np.errstate(invalid="ignore"):
            ttft_ms = self._ttft_s[:count] / begun * 1e3
        return Timeline(
            bin_s=self._bin_s,
            tokens_per_s=_rounded(self._tokens[:count] / self._bin_s),
            in_flight=_rounded(self._busy_s[:count] / self._bin_s),
            ttft_ms=tuple(None if np.isnan(one) else round(float(one), 3) for one in ttft_ms),
            errors=tuple(int(one) for one in self._errors[:count]),
            windows=tuple(self._windows),
            requests=tuple(self._spans),
            marks=tuple(self._marks),
            gauges=tuple(gauge for one in readings if (gauge := self._gauge(one)).at_s),
        )

    def _gauge(self, readings: Readings) -> Gauge:
        """Return what was read during the repeats, on the run's clock, thinned out to MOST_READINGS."""
        placed = [
            (round(at_s, 3), value)
            for moment, value in zip(readings.at_s, readings.values, strict=True)
            if (at_s := self._place(moment)) is not None
        ]
        kept = placed[:: -(-len(placed) // MOST_READINGS) or 1]
        return Gauge(readings.name, tuple(at_s for at_s, _ in kept), tuple(value for _, value in kept))

    def _place(self, moment: float) -> float | None:
        """Return a moment of the wall clock on the run's clock; None if it is in no repeat."""
        for started_at, begin_s, end_s in self._clocks:
            if begin_s <= (at_s := begin_s + moment - started_at) <= end_s:
                return at_s
        return None

    def _note(self, sample: Sample) -> None:
        start, end = self._offset_s + sample.start_s, self._offset_s + sample.end_s
        self._end_s = max(self._end_s, end)
        self._arrivals.append(sample.start_s if sample.due_s is None else sample.due_s)
        self._starts.append(sample.start_s)
        self._ends.append(sample.end_s)
        while self._end_s >= self._bin_s * MOST_BINS:
            self._join_bins()
        first = self._bin(start)
        if sample.failure is not None:
            self._errors[self._bin(end)] += 1
        elif sample.event_s:
            events = np.frombuffer(array("d", sample.event_s)) + self._offset_s
            bins = (events / self._bin_s).astype(np.intp)
            counts = np.bincount(bins - bins[0])
            tokens = sample.completion_tokens or len(events)
            self._tokens[bins[0] : bins[0] + len(counts)] += counts * (tokens / len(events))
            self._ttft_s[first] += float(events[0]) - start
            self._begun[first] += 1
        self._note_busy(start, end)
        self._note_span(sample, start, end)

    def _moved(self, mark: Mark) -> Mark:
        """Return a mark on the run's clock instead of this repeat's."""
        begin_s, end_s = (round(self._offset_s + at, 6) for at in (mark.begin_s, mark.end_s))
        return Mark(mark.kind, begin_s, end_s)

    def _note_busy(self, start: float, end: float) -> None:
        """Add the request's time in flight to each bin that it overlaps."""
        first, last = self._bin(start), self._bin(end)
        self._busy_s[first : last + 1] += self._bin_s
        self._busy_s[first] -= start - first * self._bin_s
        self._busy_s[last] -= (last + 1) * self._bin_s - end

    def _note_span(self, sample: Sample, start: float, end: float) -> None:
        if self._seen % self._stride == 0:
            events = sample.event_s
            self._spans.append(
                Span(
                    due_s=None if sample.due_s is None else round(self._offset_s + sample.due_s, 6),
                    start_s=round(start, 6),
                    first_s=round(self._offset_s + events[0], 6) if events else None,
                    end_s=round(end, 6),
                    failed=sample.failure is not None,
                )
            )
        if len(self._spans) > MOST_REQUESTS:
            del self._spans[1::2]
            self._stride *= 2
        self._seen += 1

    def _bin(self, moment: float) -> int:
        return int(moment / self._bin_s)

    def _join_bins(self) -> None:
        self._bin_s *= 2
        for values in (self._tokens, self._busy_s, self._ttft_s, self._begun, self._errors):
            joined = values.reshape(-1, 2).sum(axis=1)
            values[:] = 0
            values[: len(joined)] = joined


def _rounded(values: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Return the values without the rounding errors of adding and subtracting."""
    return tuple(max(round(float(one), 3), 0.0) for one in values)


def at_most(timeline: Timeline, bins: int) -> Timeline:
    """Return the timeline in at most `bins` bins, for a picture that has no room for more."""
    step = -(-len(timeline.errors) // bins)
    if step == 1:
        return timeline
    return replace(
        timeline,
        bin_s=timeline.bin_s * step,
        tokens_per_s=_means(timeline.tokens_per_s, step),
        in_flight=_means(timeline.in_flight, step),
        ttft_ms=tuple(_mean(timeline.ttft_ms[i : i + step]) for i in range(0, len(timeline.ttft_ms), step)),
        errors=tuple(sum(timeline.errors[i : i + step]) for i in range(0, len(timeline.errors), step)),
    )


def _means(values: Sequence[float], step: int) -> tuple[float, ...]:
    return tuple(_mean(values[i : i + step]) or 0.0 for i in range(0, len(values), step))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
