"""The highest rate that keeps the objectives, by doubling and then bisection. Pure."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace

from sagellm_benchmark.runs.record import Summary
from sagellm_benchmark.runs.spec import LoadShape, RunSpec
from sagellm_benchmark.verdict.metrics import E2E, REQUESTS, SLO_ATTAINMENT
from sagellm_benchmark.workload.workloads import Workload

ATTAINMENT = 0.9  # the share of requests that must meet every objective, as in DistServe (OSDI 2024)
FIRST_RATE = 1.0
PRECISION = 0.05  # the bracket's width, relative to its upper end, at which the search is over
MOST_STEPS = 16
MOST_MISSES = 6  # at the start, each at half the rate of the one before: then it is no matter of the rate
SPAN_S = 5.0  # for which a step sends requests, at least
LATENCIES = 2.0  # and for so many times the latency of one: a shorter burst is no rate


@dataclass(frozen=True, slots=True)
class Search:
    """What is known so far: `kept` requests per second keep the objectives, `missed` do not."""

    first: float = FIRST_RATE
    kept: float = 0.0
    missed: float | None = None
    steps: int = 0

    @property
    def rate(self) -> float:
        """The next rate to try, requests per second."""
        if self.missed is None:
            return self.kept * 2 or self.first
        return (self.kept + self.missed) / 2

    @property
    def done(self) -> bool:
        """Whether the bracket is narrow enough, or the search has gone on for too long."""
        narrow = self.missed is not None and self.missed - self.kept <= PRECISION * self.missed
        hopeless = not self.kept and self.steps >= MOST_MISSES
        return narrow or hopeless or self.steps >= MOST_STEPS

    def after(self, rate: float, *, kept: bool) -> Search:
        """What is known after a run at `rate`."""
        if kept:
            return replace(self, kept=max(self.kept, rate), steps=self.steps + 1)
        return replace(
            self, missed=rate if self.missed is None else min(self.missed, rate), steps=self.steps + 1
        )


def keeps(summary: Summary) -> bool:
    """Whether a run shows that its rate can be kept: valid, within the objectives, and no mere burst."""
    share = summary.value(SLO_ATTAINMENT)
    return bool(share is not None and share >= ATTAINMENT and summary.valid and not is_burst(summary))


def is_burst(summary: Summary) -> bool:
    """Whether all requests had been sent before the first answers could hold anything up."""
    latency, requests, rate = summary.latency(E2E), summary.value(REQUESTS), summary.asked_rate_rps
    sent_ms = requests / rate * 1e3 if requests and rate else 0.0
    return sent_ms < LATENCIES * (latency.p50 or latency.mean or 0.0)


def highest(summaries: Iterable[Summary]) -> float | None:
    """The highest rate, requests per second, that one of these runs kept; None where none did."""
    kept = [summary.asked_rate_rps for summary in summaries if keeps(summary)]
    return max((rate for rate in kept if rate is not None), default=None)


def lasting(workload: Workload, shape: LoadShape) -> Workload:
    """The workload with enough requests to last for SPAN_S at the shape's rate."""
    return replace(workload, requests=max(workload.requests, math.ceil((shape.rate_rps or 0.0) * SPAN_S)))


def shapes(spec: RunSpec) -> Generator[LoadShape, bool, None]:
    """The load shapes to measure, in order; send back whether the last one kept the objectives."""
    if not spec.search_goodput:
        for shape in spec.shapes:  # noqa: UP028 - a tuple cannot be sent anything
            yield shape
        return
    base = spec.shapes[0]
    search = Search(first=base.rate_rps or FIRST_RATE)
    while not search.done:
        rate = search.rate
        kept = yield replace(base, rate_rps=rate)
        search = search.after(rate, kept=kept)
