"""Whether one figure really differs from another: ratios with 95 % intervals, and what it would take to decide. Pure.

Ratios are compared as differences of logarithms. Where both sides were measured in turn it is a paired interval over
the rounds, where both were repeated Welch's over the repeats; elsewhere the two sides' own intervals are put together
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
_FEWEST_FOR_WAVES, _MOST_WAVES = 10, 6  # rounds, half waves of the whole time
FEWEST_ROUNDS = 4  # AB, BA, AB, BA: what there is to say of two sides that were measured in turn begins here
_POWER = 1.28  # standard errors beyond what decides: a difference is then found nine times in ten


class Verdict(StrEnum):
    """The verdict on a figure of B compared with A's."""

    FASTER = "faster"
    SLOWER = "slower"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of one side, above zero. `interval` is None if its uncertainty is unknown."""

    value: float
    interval: Interval | None = None
    repeats: tuple[float, ...] = ()

    @classmethod
    def over(cls, repeats: Sequence[float]) -> Estimate:
        """Return the geometric mean over several repeats, and its interval."""
        logs = np.log(np.asarray(repeats))
        centre, half = float(logs.mean()), 0.0
        if len(repeats) > 1:
            half = student_t(len(repeats) - 1) * float(logs.std(ddof=1)) / math.sqrt(len(repeats))
        ends = (math.exp(centre - half), math.exp(centre + half)) if len(repeats) > 1 else None
        return cls(math.exp(centre), ends, tuple(repeats))


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of B from A as a share of A: 0.05 is 5 % more. `more_repeats` of each side would find DETECT."""

    share: float
    interval: Interval | None  # 95 %
    more_repeats: int | None = None
    freedom: float = math.inf  # degrees of it, that the interval rests on

    @property
    def sure(self) -> bool:
        """Whether it is known how much the figure varies: two short runs have an interval so wide that it says nothing,
        and no number of repeats can be foretold from it.
        """
        return self.interval is not None and (self.more_repeats is not None or math.isfinite(self.freedom))

    def verdict(self, better: Literal["higher", "lower"], *, together: bool = False) -> Verdict:
        """Faster or slower if zero lies outside the interval, which is a 99 % one if four figures decide `together`."""
        if self.interval is None:
            return Verdict.CANNOT_TELL
        low, high = self.interval
        if together:
            low, high = self._wider(low), self._wider(high)
        if low <= 0 <= high:
            return Verdict.CANNOT_TELL
        return Verdict.FASTER if (low > 0) == (better == "higher") else Verdict.SLOWER

    def _wider(self, end: float) -> float:
        centre, wider = math.log1p(self.share), student_t(self.freedom, 99) / student_t(self.freedom)
        return math.expm1(centre + wider * (math.log1p(end) - centre)) if end > -1 else end


def difference(a: Estimate, b: Estimate, detect: float = DETECT) -> Difference:
    """Return how B differs from A."""
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
    """Return how B differs from A if they took turns: A first in the even rounds, B first in the odd ones.

    The logarithms of the rounds' ratios are a difference, plus what a server drifts within a round with the sign of the
    order, plus noise (least squares). A drift cancels, and so does whatever slows down both sides of a round. Where the
    drift itself comes and goes in slow waves, they are no noise either: they are told from it by an F test.
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
    centre: float  # logarithm of the ratio of B to A
    squares: float  # what is left over, squared and added up
    weight: float  # of the centre's variance, in that of a round
    freedom: int

    @property
    def error(self) -> float:
        """Return the standard error of the centre."""
        return math.sqrt(self.squares / self.freedom * self.weight)


def _fitted(ratios: Floats, waves: int) -> _Fitted:
    """Fit a difference, and a drift whose slope is a constant plus that many half waves."""
    rounds = np.arange(len(ratios))
    orders = np.where(rounds % 2 == 0, 1.0, -1.0)
    slopes = [np.cos(np.pi * wave * (rounds + 0.5) / len(ratios)) for wave in range(waves + 1)]
    design = np.column_stack([np.ones(len(ratios)), *(orders * slope for slope in slopes)])
    best = np.linalg.lstsq(design, ratios)[0]
    left = ratios - design @ best
    weight = float(np.linalg.pinv(design.T @ design)[0, 0])
    return _Fitted(float(best[0]), float(left @ left), weight, len(ratios) - 2 - waves)


def _are_real(steady: _Fitted, wavy: _Fitted) -> bool:
    """Return whether the waves explain more than noise does once in 100 times, F(6, n) ≤ 64/n from n = 4 to 16."""
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
    """Return the distances from the ratio down and up to its limits, in logarithms."""
    if a.interval is None or b.interval is None:
        return None
    (a_low, a_high), (b_low, b_high) = (_distances(side.value, side.interval) for side in (a, b))
    return math.hypot(b_low, a_high), math.hypot(b_high, a_low)


def _distances(value: float, interval: Interval | None) -> tuple[float, float]:
    low, high = interval or (value, value)
    down = math.log(value / low) if low > 0 else math.inf
    return max(down, 0.0), max(math.log(high / value), 0.0)


def _more(error: float, have: int, detect: float, freedom: Callable[[int], float]) -> int | None:
    """Repeats that each side lacks for a verdict on a difference of `detect`; None where no reasonable number would do.

    `error` is the standard error with the `have` repeats there are; 0 of them are a single run.
    """
    begin = max(have, 1)
    for count in range(max(begin, 2), MOST_REPEATS + 1):
        decides = student_t(freedom(count), 99) + _POWER
        if error * math.sqrt(begin / count) * decides <= math.log1p(detect):
            return count - have
    return None


def overall(verdicts: Sequence[Verdict]) -> Verdict | None:
    """Return the verdict of all figures together; None if some are faster and others slower."""
    said = set(verdicts) - {Verdict.CANNOT_TELL}
    if len(said) > 1:
        return None
    return next(iter(said), Verdict.CANNOT_TELL)


def quantile_interval(series: Floats, q: float) -> Interval | None:
    """Return the 95 % interval of a quantile of values in order of time, by their ranks.

    None where they are too few.
    """
    if len(series) < 2:
        return None
    half = 1.96 * math.sqrt(q * (1 - q) / effective_size(series))
    low, high = q - half, q + half
    if low <= 0 or high >= 1 - 0.5 / len(series):
        return None
    ends = np.quantile(series, (low, high))
    return float(ends[0]), float(ends[1])
