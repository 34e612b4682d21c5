"""Whether one figure really differs from another: ratios with 95 % intervals, and what it would take to decide. Pure.

Ratios are compared as differences of logarithms. If both sides were measured in turn, the interval is a paired one over
the rounds; if both were repeated, it is Welch's over the repeats; otherwise the two sides' own intervals are combined
(MOVER; Zou and Donner 2008).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

import numpy as np

from sagellm_benchmark.verdict.intervals import Floats, Interval, effective_size, student_t

DETECT = 0.05  # the difference that a comparison should be able to find
MOST_REPEATS = 1000
_FEWEST_FOR_WAVES, _MOST_WAVES = 10, 6  # rounds; half waves over the whole time
FEWEST_ROUNDS = 4  # AB, BA, AB, BA: fewer say nothing about two sides that were measured in turn
_POWER = 1.28  # standard errors beyond the critical value: then a difference is found nine times in ten


class Speed(StrEnum):
    """How B does in a figure, compared with A."""

    FASTER = "faster"
    SLOWER = "slower"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of one side, above zero. `interval` is a 95 % one, None if the uncertainty is unknown."""

    value: float
    interval: Interval | None = None
    repeats: tuple[float, ...] = ()

    @classmethod
    def over(cls, repeats: Sequence[float]) -> Estimate:
        """Return the geometric mean over repeats, with its interval unless there is only one."""
        logs = np.log(np.asarray(repeats))
        centre, half = float(logs.mean()), 0.0
        if len(repeats) > 1:
            half = student_t(len(repeats) - 1) * float(logs.std(ddof=1)) / math.sqrt(len(repeats))
        ends = (math.exp(centre - half), math.exp(centre + half)) if len(repeats) > 1 else None
        return cls(math.exp(centre), ends, tuple(repeats))


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of B from A, relative to A: 0.05 is 5 % more."""

    share: float
    interval: Interval | None  # 95 %
    more_repeats: int | None = None  # of each side, to find the wanted difference; None: no number would do
    freedom: float = math.inf  # the degrees of freedom of the interval

    @property
    def sure(self) -> bool:
        """Whether it is known how much the figure varies.

        The interval of two short runs can be so wide that it says nothing, not even how many repeats it would take.
        """
        return self.interval is not None and (self.more_repeats is not None or math.isfinite(self.freedom))

    def verdict(self, better: Literal["higher", "lower"], *, together: bool = False) -> Speed:
        """Return faster or slower if zero lies outside the 95 % interval, or the 99 % one if figures decide `together`.

        With four figures, one of them would otherwise be wrong too often.
        """
        if self.interval is None:
            return Speed.CANNOT_TELL
        low, high = self.interval
        if together:
            low, high = self._wider(low), self._wider(high)
        if low <= 0 <= high:
            return Speed.CANNOT_TELL
        return Speed.FASTER if (low > 0) == (better == "higher") else Speed.SLOWER

    def _wider(self, end: float) -> float:
        centre, wider = math.log1p(self.share), student_t(self.freedom, 99) / student_t(self.freedom)
        return math.expm1(centre + wider * (math.log1p(end) - centre)) if end > -1 else end


def difference(a: Estimate, b: Estimate, detect: float = DETECT) -> Difference:
    """Return how B differs from A, from the repeats of both or else from their intervals."""
    centre, repeats = math.log(b.value / a.value), min(len(a.repeats), len(b.repeats))
    if repeats > 1:
        error, freedom = _welch(a, b)
        half = student_t(freedom) * error
        return _around(centre, (half, half), freedom, _more(error, repeats, detect, lambda n: 2 * n - 2))
    halves = _mover(a, b)
    if halves is None:
        return Difference(math.expm1(centre), None)
    error = max(halves) / student_t(math.inf)
    return _around(centre, halves, math.inf, _more(error, 0, detect, lambda n: 2 * n - 2))


def paired(a: Estimate, b: Estimate, detect: float = DETECT) -> Difference:
    """Return how B differs from A if they took turns: A first in even rounds (counted from 0), B first in odd ones.

    The logarithm of each round's ratio is modelled, by least squares, as the difference, plus or minus the drift within
    a round depending on the order, plus noise. So a drift cancels, and so does anything that slows down both sides of a
    round. If the drift itself changes in slow waves, an F test tells them from noise, and they are modelled, too.
    """
    ratios = np.log(np.asarray(b.repeats)) - np.log(np.asarray(a.repeats))
    rounds = len(ratios)
    steady = _fitted(ratios, waves=0)
    if rounds < FEWEST_ROUNDS:
        return Difference(math.expm1(steady.centre), None)
    waves = min(rounds // 2 - 1, _MOST_WAVES) if rounds >= _FEWEST_FOR_WAVES else 0
    found = steady
    if waves and _are_real(steady, wavy := _fitted(ratios, waves)):
        found = wavy
    error, half = found.error, student_t(found.freedom) * found.error
    more = _more(error, rounds, detect, lambda n: n - (rounds - found.freedom))
    return _around(found.centre, (half, half), found.freedom, more)


class _Fitted(NamedTuple):
    centre: float  # the logarithm of the ratio of B to A
    squares: float  # the sum of the squared residuals
    weight: float  # the variance of the centre / that of a round
    freedom: int  # degrees of freedom

    @property
    def error(self) -> float:
        """The standard error of the centre."""
        return math.sqrt(self.squares / self.freedom * self.weight)


def _fitted(ratios: Floats, waves: int) -> _Fitted:
    """Fit a difference, and a drift whose slope is a constant plus `waves` half waves."""
    rounds = np.arange(len(ratios))
    orders = np.where(rounds % 2 == 0, 1.0, -1.0)
    slopes = [np.cos(np.pi * wave * (rounds + 0.5) / len(ratios)) for wave in range(waves + 1)]
    design = np.column_stack([np.ones(len(ratios)), *(orders * slope for slope in slopes)])
    best = np.linalg.lstsq(design, ratios)[0]
    left = ratios - design @ best
    weight = float(np.linalg.pinv(design.T @ design)[0, 0])
    return _Fitted(float(best[0]), float(left @ left), weight, len(ratios) - 2 - waves)


def _are_real(steady: _Fitted, wavy: _Fitted) -> bool:
    """Return whether the waves explain more than noise would in 99 of 100 cases.

    The critical value of F(6, n) is at most 64/n for n from 4 to 16.
    """
    explained = (steady.squares - wavy.squares) / (steady.freedom - wavy.freedom)
    return explained > max(4.0, 64.0 / wavy.freedom) * wavy.squares / wavy.freedom


def _around(centre: float, halves: tuple[float, float], freedom: float, more: int | None) -> Difference:
    below, above = halves
    ends = math.expm1(centre - below), math.expm1(centre + above)
    return Difference(math.expm1(centre), ends, more, freedom)


def _welch(a: Estimate, b: Estimate) -> tuple[float, float]:
    """Return the standard error of the difference, and its degrees of freedom."""
    parts, freedoms = [], []
    for side in (a, b):
        logs = np.log(np.asarray(side.repeats))
        parts.append(float(logs.var(ddof=1)) / len(logs))
        freedoms.append(len(logs) - 1)
    error = sum(parts)
    if error == 0:
        return 0.0, float(sum(freedoms))
    freedom = error**2 / sum(part**2 / free for part, free in zip(parts, freedoms, strict=True))
    return math.sqrt(error), freedom


def _mover(a: Estimate, b: Estimate) -> tuple[float, float] | None:
    """Return the distances from the ratio down and up to its limits, in logarithms; None if an interval is unknown."""
    if a.interval is None or b.interval is None:
        return None
    (a_low, a_high), (b_low, b_high) = (_distances(side.value, side.interval) for side in (a, b))
    return math.hypot(b_low, a_high), math.hypot(b_high, a_low)


def _distances(value: float, interval: Interval | None) -> tuple[float, float]:
    low, high = interval or (value, value)
    down = math.log(value / low) if low > 0 else math.inf
    return max(down, 0.0), max(math.log(high / value), 0.0)


def _more(error: float, have: int, detect: float, freedom: Callable[[int], float]) -> int | None:
    """Return how many repeats each side lacks to find a difference of `detect`; None if MOST_REPEATS are too few.

    `error` is the standard error with the `have` repeats that there are; 0 stands for a single run.
    """
    begin = max(have, 1)
    for count in range(max(begin, 2), MOST_REPEATS + 1):
        decides = student_t(freedom(count), 99) + _POWER
        if error * math.sqrt(begin / count) * decides <= math.log1p(detect):
            return count - have
    return None


def overall(verdicts: Sequence[Speed]) -> Speed | None:
    """Return the verdict of all figures together; None if some are faster and others slower."""
    said = set(verdicts) - {Speed.CANNOT_TELL}
    if len(said) > 1:
        return None
    return next(iter(said), Speed.CANNOT_TELL)


def quantile_interval(series: Floats, q: float) -> Interval | None:
    """Return the 95 % interval of quantile `q` of values in order of time, by ranks; None if there are too few."""
    if len(series) < 2:
        return None
    half = 1.96 * math.sqrt(q * (1 - q) / effective_size(series))
    low, high = q - half, q + half
    if low <= 0 or high >= 1 - 0.5 / len(series):
        return None
    ends = np.quantile(series, (low, high))
    return float(ends[0]), float(ends[1])
