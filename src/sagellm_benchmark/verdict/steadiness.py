"""Whether latency grew or fell during a run, as distinct from the ups and downs of a queue. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sagellm_benchmark.verdict import intervals
from sagellm_benchmark.verdict.columns import Columns, Floats

FEWEST = 100  # requests; with fewer, a trend cannot be told from chance
MOST_DRIFT = 0.15  # of the mean, over the window
_CAUTION = 0.5  # standard errors of a correlation; with more, fewer real drifts would be found
_NINE_IN_TEN = 1.2816  # standard errors, one-sided
_EDGE = 0.15  # of a series at either end, in which no step is looked for
_BEYOND_CHANCE = 3.5  # the least t value of a step
_LOOSE = 0.25  # the least number of independent values / values in which a step is believed
_ROUNDING = 1e-6  # of a value; residuals below it are rounding errors, whose correlation means nothing
_PARTS = 8
_INVERSIONS = 1  # of the 28 pairs of parts; even a queue with a long memory hardly ever has so few by chance


@dataclass(frozen=True, slots=True)
class Trend:
    """How a series changed over its window.

    `change` is that of the least-squares line, relative to the mean. `certainty` is the change / its critical value at
    95 %, with as many independent values as the residuals are worth. `least` is the change that is found nine times in
    ten: the limit that it must exceed, plus 1.28 standard errors (minimum detectable effect, Bloom 1995). `persistent`
    says that the parts of the series hardly ever go back; an overloaded queue varies so widely that only this shows it.
    `step` is a change at one moment, beyond chance, relative to the mean; 0 if there is none.
    """

    change: float
    certainty: float
    persistent: bool
    least: float = MOST_DRIFT
    step: float = 0.0

    @property
    def real(self) -> bool:
        """Whether the series was not steady."""
        drifts = abs(self.change) > MOST_DRIFT and (abs(self.certainty) > 1 or self.persistent)
        return drifts or abs(self.step) > MOST_DRIFT

    @property
    def by(self) -> float:
        """By how much the series changed: the step, if there is a large one, since a line only approximates it."""
        return self.step if abs(self.step) > MOST_DRIFT else self.change


@dataclass(frozen=True, slots=True)
class Drift:
    """What a run's record says about its steadiness; both numbers are relative to the mean."""

    change: float  # over the window
    least: float  # the change that would have been found nine times in ten


def of(columns: Columns) -> Trend | None:
    """Return the trend of latency per token over the requests' starts; None if there are too few."""
    if columns.answered < FEWEST:
        return None
    order = np.argsort(columns.start_s, kind="stable")
    tokens = np.maximum(np.nan_to_num(columns.tokens[order], nan=1.0), 1.0)
    return trend(columns.start_s[order], columns.e2e_s[order] / tokens)


def trend(moments: Floats, values: Floats) -> Trend | None:
    """Return the trend of values at moments, both in order of time; None if all moments are equal or the mean is 0."""
    x, mean = moments - moments.mean(), float(values.mean())
    spread = float((x * x).sum())
    if spread == 0 or mean == 0:
        return None
    slope = float((x * values).sum() / spread)
    residual = values - mean - slope * x
    size = intervals.effective_size(residual, _CAUTION)
    worth = max(size - 2, 1.0) / len(values)
    deviation, critical = (
        float(np.sqrt((residual * residual).mean() / spread / worth)),
        intervals.student_t(size - 2),
    )
    window = float(moments[-1] - moments[0]) / mean
    certainty = slope / (deviation * critical) if deviation > 0 else math.copysign(math.inf, slope)
    least = max(MOST_DRIFT, critical * deviation * window) + _NINE_IN_TEN * deviation * window
    return Trend(slope * window, certainty, _persistent(values), least, _step(values) / mean)


def _step(values: Floats) -> float:
    """Return the largest step: by how much later values are higher than earlier ones; 0 if chance explains it.

    Chance is that of Andrews (1993): the largest t value over all moments, except those near the ends, is below 3.5 in
    99 of 100 series. This holds for values that are little correlated once both levels are subtracted. A queue has
    steps of its own, so 0 is returned if the values are worth less than a quarter of their number.
    """
    n = len(values)
    at = np.arange(max(int(n * _EDGE), 1), n - max(int(n * _EDGE), 1))
    if not len(at):
        return 0.0
    sums = values.cumsum()
    before, after = sums[at - 1] / at, (sums[-1] - sums[at - 1]) / (n - at)
    best = int((np.abs(after - before) * np.sqrt(at * (n - at))).argmax())
    residual = values - np.where(np.arange(n) < at[best], before[best], after[best])
    exact = float(np.abs(residual).max()) <= _ROUNDING * float(np.abs(values).max())
    size = float(n) if exact else intervals.effective_size(residual, _CAUTION)
    weight = at[best] * (n - at[best]) / n * max(size - 2, 1.0) / n
    error = float(np.sqrt((residual * residual).mean() / weight))
    step = float(after[best] - before[best])
    return step if size >= n * _LOOSE and abs(step) > _BEYOND_CHANCE * error else 0.0


def _persistent(values: Floats) -> bool:
    parts = np.array([part.mean() for part in np.array_split(values, _PARTS)])
    earlier, later = np.triu_indices(_PARTS, 1)
    rises = int((parts[later] > parts[earlier]).sum())
    return rises <= _INVERSIONS or len(later) - rises <= _INVERSIONS
