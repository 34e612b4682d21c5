"""Whether one figure really differs from another: ratios with 95 % intervals, and what it would take to decide. Pure.

Ratios are compared as differences of logarithms. Where both sides were repeated it is Welch's interval over the
repeats; elsewhere the two sides' own intervals are put together (MOVER; Zou and Donner 2008).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np

from sagellm_benchmark.verdict.intervals import Floats, Interval, effective_size, student_t

DETECT = 0.05  # the difference that a comparison should be able to find
MOST_REPEATS = 1000
_POWER = 1 + 0.84 / 1.96  # times the half-width is a difference that is found four times in five
_TOGETHER = 1.3  # by which intervals are wider when several figures give one verdict (99 % each)


class Verdict(StrEnum):
    """What can be said of a figure of B beside A's."""

    FASTER = "faster"
    SLOWER = "slower"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of one side, above zero. `interval` is None where nobody knows how sure it is."""

    value: float
    interval: Interval | None = None
    repeats: tuple[float, ...] = ()

    @classmethod
    def over(cls, repeats: Sequence[float]) -> Estimate:
        """The geometric mean over several repeats, and its interval."""
        logs = np.log(np.asarray(repeats))
        centre, half = float(logs.mean()), 0.0
        if len(repeats) > 1:
            half = student_t(len(repeats) - 1) * float(logs.std(ddof=1)) / math.sqrt(len(repeats))
        ends = (math.exp(centre - half), math.exp(centre + half)) if len(repeats) > 1 else None
        return cls(math.exp(centre), ends, tuple(repeats))


@dataclass(frozen=True, slots=True)
class Difference:
    """Of B to A, as shares of A: 0.05 is five per cent more. `more_repeats` of each side would find DETECT."""

    share: float
    interval: Interval | None
    more_repeats: int | None = None

    def verdict(self, better: Literal["higher", "lower"], *, together: bool = False) -> Verdict:
        """Faster or slower where zero lies outside the interval, which is wider where several speak `together`."""
        if self.interval is None:
            return Verdict.CANNOT_TELL
        low, high = self.interval
        if together:
            low, high = self._wider(low), self._wider(high)
        if low <= 0 <= high:
            return Verdict.CANNOT_TELL
        return Verdict.FASTER if (low > 0) == (better == "higher") else Verdict.SLOWER

    def _wider(self, end: float) -> float:
        centre = math.log1p(self.share)
        return math.expm1(centre + _TOGETHER * (math.log1p(end) - centre)) if end > -1 else end


def difference(a: Estimate, b: Estimate, detect: float = DETECT) -> Difference:
    """How B differs from A."""
    centre = math.log(b.value / a.value)
    halves = _welch(a, b) if min(len(a.repeats), len(b.repeats)) > 1 else _mover(a, b)
    if halves is None:
        return Difference(math.expm1(centre), None)
    below, above = halves
    return Difference(
        math.expm1(centre),
        (math.expm1(centre - below), math.expm1(centre + above)),
        _more_repeats(max(below, above), min(len(a.repeats), len(b.repeats)), detect),
    )


def _welch(a: Estimate, b: Estimate) -> tuple[float, float]:
    parts, freedoms = [], []
    for side in (a, b):
        logs = np.log(np.asarray(side.repeats))
        parts.append(float(logs.var(ddof=1)) / len(logs))
        freedoms.append(len(logs) - 1)
    error = sum(parts)
    if error == 0:
        return 0.0, 0.0
    freedom = error**2 / sum(part**2 / free for part, free in zip(parts, freedoms, strict=True))
    half = student_t(freedom) * math.sqrt(error)
    return half, half


def _mover(a: Estimate, b: Estimate) -> tuple[float, float] | None:
    """The distances from the ratio down and up to its limits, in logarithms."""
    if a.interval is None or b.interval is None:
        return None
    (a_low, a_high), (b_low, b_high) = (_distances(side.value, side.interval) for side in (a, b))
    return math.hypot(b_low, a_high), math.hypot(b_high, a_low)


def _distances(value: float, interval: Interval | None) -> tuple[float, float]:
    low, high = interval or (value, value)
    down = math.log(value / low) if low > 0 else math.inf
    return max(down, 0.0), max(math.log(high / value), 0.0)


def _more_repeats(half: float, repeats: int, detect: float) -> int | None:
    """Repeats that each side lacks to find a difference of `detect`; None where no reasonable number would do."""
    aim, begin = math.log1p(detect) / _POWER, max(repeats, 1)
    for count in range(begin, MOST_REPEATS + 1):
        narrower = math.sqrt(begin / count)
        if repeats > 1:
            narrower *= student_t(2 * count - 2) / student_t(2 * begin - 2)
        if half * narrower <= aim:
            return count - repeats if repeats > 1 else max(count, 2)
    return None


def overall(verdicts: Sequence[Verdict]) -> Verdict | None:
    """What all figures say together; None where some are faster and others slower."""
    said = set(verdicts) - {Verdict.CANNOT_TELL}
    if len(said) > 1:
        return None
    return next(iter(said), Verdict.CANNOT_TELL)


def quantile_interval(series: Floats, q: float) -> Interval | None:
    """95 % interval of a quantile of values in their order in time, by their ranks; None where they are too few."""
    if len(series) < 2:
        return None
    half = 1.96 * math.sqrt(q * (1 - q) / effective_size(series))
    low, high = q - half, q + half
    if low <= 0 or high >= 1 - 0.5 / len(series):
        return None
    ends = np.quantile(series, (low, high))
    return float(ends[0]), float(ends[1])
