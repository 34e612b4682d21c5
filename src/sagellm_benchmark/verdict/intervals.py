"""95 % intervals of the means of latencies, which are correlated: a request in a queue waits for the others.

They use Student's t over the number of independent values that the series is worth. That number comes from the lag-one
autocorrelation of the series and of its batch means (as in Skart, Tafazzoli et al. 2011). It is corrected for its bias
in short series (Kendall 1954) and taken at its upper confidence bound, because a correlation that a short series
happens not to show would make the interval too narrow. Latencies are skewed, and so is the interval (Willink 2005).

In a closed loop, as many requests as there are streams make a round. Streams wait for each other in the same order in
each round, so requests are correlated while rounds hardly differ. The means of rounds then say more, and the narrower
of the two intervals is taken. No queue outlasts a round, since the number of requests in flight is constant, so the
correlation of rounds is taken only one standard error higher. scripts/statistics_tables.py measures the coverage.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Interval = tuple[float, float]

METHOD = (
    "Student t over effective sample size (lag-one autocorrelation of batch means), adjusted for skewness; "
    "of a closed loop over its requests or its rounds (correlation bounded at one standard error), "
    "whichever is narrower"
)
OVER_REPEATS = "Student t over repeats"
FEWEST = 10  # values; fewer say too little about their own spread

_ONE_SIDED_Z = 1.645  # standard errors, to the upper 95 % bound of a correlation
_BOUND_FROM = 50  # values; with more, the bound is lowered by the fourth root of their number
_FEWEST_BATCHES = 12  # with fewer, their correlation cannot be told
_ONE_FREEDOM = 15  # n values have at least log2(n / 15) degrees of freedom
_FREEDOM_OF_ROUNDS = 2.0  # the least degrees of freedom, as each round is already a mean
_CAUTION_OF_ROUNDS = 1.0  # standard errors
_HIGHEST_CORRELATION = 0.97
_SKEWNESS = (-3.0, 6.0)  # limits for that of a sample; beyond them, a single value causes it
_LONGEST_SIDE = 1.5  # times the side's length without skewness

# Two-sided quantiles of Student's t for 1 … 30 degrees of freedom.
_STUDENT_T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_STUDENT_T_99 = (
    *(63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169),
    *(3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898, 2.878, 2.861, 2.845),
    *(2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.750),
)


@dataclass(frozen=True, slots=True)
class TooFew:
    """Why there is no interval."""

    values: int
    needed: int = FEWEST

    def __str__(self) -> str:
        return f"{self.values} values; an interval needs at least {self.needed}"


def student_t(freedom: float, percent: Literal[95, 99] = 95) -> float:
    """Return the two-sided quantile of Student's t; below one degree of freedom, the one for one degree."""
    table, normal, bend = (_STUDENT_T_95, 1.96, 2.4) if percent == 95 else (_STUDENT_T_99, 2.576, 5.2)
    whole = int(min(max(freedom, 1.0), 1e9))
    if whole >= len(table):
        return normal + bend / freedom
    here, above = table[whole - 1], table[whole]
    return here + (above - here) * (max(freedom, 1.0) - whole)


def effective_size(series: Floats, caution: float | None = None) -> float:
    """Return how many independent values the mean of a series in order of time is worth; never more than it has.

    `caution` is by how many standard errors the correlation is assumed higher than it looks. None stands for what
    intervals need, which is more for correlated values, because short series underestimate their correlation most.
    """
    n = len(series)
    spread = float(series.var(ddof=1)) if n > 1 else 0.0
    if spread <= 0:
        return float(n)
    z = _caution(n) * (1 + _correlation(series, 0.0) ** 2) if caution is None else caution
    inflation, length = _inflation(_correlation(series, z)), 2
    while n // length >= _FEWEST_BATCHES:
        means = series[: n // length * length].reshape(-1, length).mean(axis=1)
        of_batches = length * float(means.var(ddof=1)) / spread
        inflation = max(inflation, of_batches * _inflation(_correlation(means, z)))
        length *= 2
    return max(n / max(inflation, 1.0), 1.0)


def mean(series: Floats, streams: int = 1) -> Interval | TooFew:
    """Return the interval of the mean of non-negative values in order of time.

    `streams` are those of a closed loop; 1 for an open one.
    """
    n = len(series)
    if n < FEWEST:
        return TooFew(n)
    single = _around(series, max(math.log2(n / _ONE_FREEDOM), 1.0))
    if streams < 2 or n < FEWEST * streams:
        return single
    begins = np.arange(0, n, streams)
    rounds = np.add.reduceat(series, begins) / np.diff(np.append(begins, n))  # the last one may be incomplete
    rounds += series.mean() - rounds.mean()
    told = _around(rounds, _FREEDOM_OF_ROUNDS, _CAUTION_OF_ROUNDS)
    return min(single, told, key=lambda ends: ends[1] - ends[0])


def ratio(sums: Floats, counts: Floats, streams: int = 1) -> Interval | TooFew:
    """Return the interval of Σ sums / Σ counts, both in order of time, by linearising the ratio."""
    n = len(sums)
    if n < FEWEST or not counts.sum():
        return TooFew(n if counts.sum() else 0)
    centre = float(sums.sum() / counts.sum())
    return mean(centre + (sums - centre * counts) / counts.mean(), streams)


def _around(series: Floats, freedom: float, caution: float | None = None) -> Interval:
    """Return Student's interval with at least `freedom` degrees of freedom; `caution` is that of `effective_size`."""
    centre, spread = float(series.mean()), float(series.std(ddof=1))
    if spread <= 1e-12 * abs(centre):
        return centre, centre
    size = effective_size(series, caution)
    error, t = spread / math.sqrt(size), student_t(max(size - 1, freedom))
    skewness = float(np.clip((((series - centre) / spread) ** 3).mean(), *_SKEWNESS))
    bend = skewness / (6 * math.sqrt(max(size, 2.0)))
    return max(float(centre - _bent(t, bend) * error), 0.0), float(centre + _bent(t, -bend) * error)


def of_share(share: float, size: float) -> Interval:
    """Return the interval of a share that was observed in `size` independent values (Wilson 1927)."""
    z2 = 1.96**2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 * (share * (1 - share) / size + z2 / (4 * size * size))) / (1 + z2 / size)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def over_repeats(values: Sequence[float]) -> Interval | None:
    """Return the interval of the mean over a run's repeats, which are independent; None for a single one."""
    n = len(values)
    if n < 2:
        return None
    half = student_t(n - 1) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return float(np.mean(values)) - half, float(np.mean(values)) + half


def _caution(n: int) -> float:
    return float(_ONE_SIDED_Z * min(1.0, (_BOUND_FROM / n) ** 0.25))


def _correlation(series: Floats, caution: float) -> float:
    """Return the lag-one autocorrelation, at least 0.

    It is corrected for its bias in short series, and raised by `caution` standard errors.
    """
    n, apart = len(series), series - series.mean()
    power = float((apart * apart).sum())
    if power <= 0:
        return 0.0
    seen = float((apart[1:] * apart[:-1]).sum()) / power
    seen += (1 + 3 * max(seen, 0.0)) / n
    return min(max(seen + caution * math.sqrt(max(1 - seen * seen, 0.0) / n), 0.0), _HIGHEST_CORRELATION)


def _inflation(correlation: float) -> float:
    """Return the factor by which the variance of an autoregressive series' mean exceeds that of independent values."""
    return (1 + correlation) / (1 - correlation)


def _bent(t: float, bend: float) -> float:
    """Transform a t quantile as Willink (2005) does: the side of the values' longer tail becomes longer.

    With few independent values, the transformation would have no bound, so the longer side is limited.
    """
    if abs(bend) < 1e-4:
        return t
    return min(float((np.cbrt(1 + 6 * bend * (t - bend)) - 1) / (2 * bend)), _LONGEST_SIDE * t)
