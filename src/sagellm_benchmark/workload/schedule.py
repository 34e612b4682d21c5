"""When requests are sent. Pure: numbers in, numbers out. Times are seconds from the start of the load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from sagellm_benchmark.errors import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np

Times = tuple[float, ...]
"""Non-decreasing moments; the first one is 0."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When conversations start, in a closed or an open loop.

    Closed (`due_s` is None): `concurrency` streams, each starting its next conversation when its last one ends.
    Open (`due_s` given): conversation i starts at `due_s[i]` seconds, whether or not earlier ones have ended.
    """

    concurrency: int | None = None
    due_s: tuple[float, ...] | None = None
    duration_s: float | None = None  # no conversation starts after this long
    stagger_s: float = 0.0  # closed loop: the time between the first requests of neighbouring streams


def constant(rate: float, n: int) -> Times:
    """Return `n` moments with equal gaps of 1/`rate` seconds; at an infinite rate, all are 0."""
    gap = 1 / _positive(rate, "rate")
    return tuple(gap * i for i in range(n))


def poisson(rate: float, n: int, rng: np.random.Generator) -> Times:
    """Return `n` moments with exponentially distributed gaps whose mean is exactly 1/`rate` seconds."""
    return gamma(rate, n, 1.0, rng)


def gamma(rate: float, n: int, burstiness: float, rng: np.random.Generator) -> Times:
    """Return `n` moments with gamma-distributed gaps whose mean is exactly 1/`rate` seconds.

    `burstiness` is the shape of the distribution, as in vLLM: 1 is Poisson, less is burstier, more is more even.
    """
    shape = _positive(burstiness, "burstiness")
    if math.isinf(shape) or math.isinf(_positive(rate, "rate")) or n < 2:
        return constant(rate, n)
    gaps = rng.gamma(shape, 1 / (rate * shape), n - 1)
    gaps *= (n - 1) / rate / gaps.sum()  # this run has the asked rate, and not only the mean of many runs
    return (0.0, *(float(moment) for moment in gaps.cumsum()))


def ramp(first_rate: float, last_rate: float, n: int) -> Times:
    """Return `n` moments at a rate that changes linearly from the first to the last. Raise UsageError if one is inf."""
    first, last = _positive(first_rate, "rate"), _positive(last_rate, "rate")
    if math.isinf(first) or math.isinf(last):
        raise UsageError("a ramp goes between two finite rates", hint="use --rate inf to send all at once")
    if n < 2:
        return (0.0,) * n
    # i = first·t + (last − first)·t² / 2T, solved for t in the form that stays exact when the rates are equal.
    growth = (last * last - first * first) / (n - 1)
    return tuple(2 * i / (first + math.sqrt(first * first + growth * i)) for i in range(n))


def trace(times: Sequence[float]) -> Times:
    """Return the moments of a recorded trace, shifted so that the first is 0. Raise DataError if they are unordered."""
    if not all(math.isfinite(moment) for moment in times) or any(b < a for a, b in pairwise(times)):
        raise DataError("the trace's timestamps are not in order", hint="sort the trace by its timestamps")
    return tuple(moment - times[0] for moment in times)


def busiest(load: Schedule, seconds: float, most: int) -> Schedule:
    """Return the busiest `seconds` of a load, as a load of its own with at most `most` streams or requests.

    A closed loop is busiest when all of its streams have started. An open loop with too many requests keeps only every
    second, every third and so on, so that its bursts stay bursts.
    """
    if load.due_s is None:
        return Schedule(concurrency=min(load.concurrency or 1, most), duration_s=seconds)
    first = end = begin = 0
    for reached, moment in enumerate(load.due_s):
        while load.due_s[begin] <= moment - seconds:
            begin += 1
        if reached + 1 - begin > end - first:
            first, end = begin, reached + 1
    step = max(1, math.ceil((end - first) / most))
    return Schedule(due_s=tuple(moment - load.due_s[first] for moment in load.due_s[first:end:step]))


def _positive(value: float, name: str) -> float:
    if value > 0:
        return value
    raise UsageError(f"a {name} of {value:g} sends nothing", hint=f"give a {name} above 0")
