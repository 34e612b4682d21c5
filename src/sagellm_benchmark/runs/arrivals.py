"""When the conversations of a load start, and how many of them there are."""

from __future__ import annotations

import math

import numpy as np

from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.runs.context import Context
from sagellm_benchmark.runs.spec import LoadShape
from sagellm_benchmark.workload import schedule
from sagellm_benchmark.workload.schedule import Schedule

MOST_ARRIVALS = 10_000_000


def schedule_for(context: Context, repeat: int = 0) -> tuple[Schedule, int | None]:
    """Return when the conversations start, and their number; None if only the duration limits it.

    Raise UsageError for more than MOST_ARRIVALS requests.
    """
    workload, shape = context.workload, context.shape
    if context.source.due_s is not None:
        return Schedule(due_s=context.source.due_s, duration_s=shape.duration_s), len(context.source.due_s)
    if shape.rate_rps is None:
        stagger = shape.ramp_s / workload.concurrency
        count = context.source.count if shape.duration_s is None else None
        return Schedule(workload.concurrency, duration_s=shape.duration_s, stagger_s=stagger), count
    due = _arrivals(
        shape, shape.rate_rps, context.source.count, np.random.default_rng((context.spec.seed, repeat))
    )
    return Schedule(due_s=due, duration_s=shape.duration_s), len(due)


def _arrivals(shape: LoadShape, rate: float, count: int, rng: np.random.Generator) -> schedule.Times:
    """Return the moments of `count` arrivals in seconds, or of as many as fall into the duration if there is one."""
    if shape.duration_s is not None and shape.last_rate_rps is not None:
        count = math.ceil((rate + shape.last_rate_rps) / 2 * shape.duration_s)
    elif shape.duration_s is not None and math.isfinite(rate):
        count = math.ceil(rate * shape.duration_s * 1.5 + 10 * math.sqrt(rate * shape.duration_s) + 10)
    if count > MOST_ARRIVALS:
        raise UsageError(
            f"that load has {count:,} requests", hint="give a lower --rate or a shorter --duration"
        )
    if shape.last_rate_rps is not None:
        due = schedule.ramp(rate, shape.last_rate_rps, count)
    elif shape.arrival == "constant":
        due = schedule.constant(rate, count)
    elif shape.arrival == "gamma":
        due = schedule.gamma(rate, count, shape.burstiness, rng)
    else:
        due = schedule.poisson(rate, count, rng)
    limit = math.inf if shape.duration_s is None else shape.duration_s
    return tuple(moment for moment in due if moment < limit)
