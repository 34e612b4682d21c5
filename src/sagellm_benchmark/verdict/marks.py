"""Stretches of a load that differ from the rest of it: warm-up, ramp, bursts, cool-down, tail. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Kind = Literal["warm-up", "ramp", "burst", "cool-down", "tail"]

MOST_PARTS = 120  # of a load, each of which may be a burst; so marks stay few, however long it is
_FEWEST = 5  # arrivals per part on average; with fewer, chance makes bursts
_CROWD = 2  # times the average
_CHANCE = 0.02  # the probability that any part of a load with Poisson arrivals is called a burst


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a run, in seconds from the run's beginning."""

    kind: Kind
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Asked:
    """The course that a load was asked to take, in seconds from its beginning."""

    ramp_s: float = 0.0  # the time during which it grew; inf for all of it
    by_the_clock: bool = False  # whether it is an open loop: only there can arrivals come in bursts
    measured_s: tuple[float, float] = (0.0, math.inf)  # warm-up is before this window, cool-down after it


PLAIN = Asked()


def of(asked: Asked, arrivals: Floats, starts: Floats, ends: Floats) -> Iterator[Mark]:
    """Yield the marks of one load, without empty ones; `arrivals` are the moments when requests were due."""
    last_start_s, end_s = float(starts.max()), float(ends.max())
    begin_s, cool_s = asked.measured_s
    later = ends[ends > last_start_s]
    found = [
        Mark("warm-up", 0.0, min(begin_s, end_s)),
        Mark("ramp", 0.0, min(asked.ramp_s, last_start_s)),
        Mark("cool-down", cool_s, last_start_s),
        Mark("tail", float(later.min()) if len(later) else end_s, end_s),
    ]
    yield from (mark for mark in found if mark.end_s > mark.begin_s)
    if asked.by_the_clock and not asked.ramp_s:
        yield from _bursts(arrivals)


def _bursts(arrivals: Floats) -> Iterator[Mark]:
    """Yield stretches with at least twice the average number of arrivals, beyond chance.

    Chance is that of Poisson arrivals, by Chernoff's bound: if m are expected, c or more come with a probability of at
    most exp(c - m - c ln(c / m)) (Mitzenmacher and Upfal 2005, theorem 5.4).
    """
    parts = min(MOST_PARTS, len(arrivals) // _FEWEST)
    if parts < 2 or arrivals.max() == arrivals.min():
        return
    counts, edges = np.histogram(arrivals, parts)
    mean = len(arrivals) / parts
    bound = counts * np.log(np.maximum(counts, 1) / mean) - counts + mean
    crowded = (counts >= _CROWD * mean) & (bound >= math.log(parts / _CHANCE))
    for is_burst, group in groupby(range(parts), key=lambda part: bool(crowded[part])):
        of_it = list(group)
        if is_burst:
            yield Mark("burst", float(edges[of_it[0]]), float(edges[of_it[-1] + 1]))
