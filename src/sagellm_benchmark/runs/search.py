"""Find the highest rate that keeps the objectives, by doubling and then bisection. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sagellm_benchmark.runs.record import Summary
from sagellm_benchmark.runs.spec import LoadShape, RunSpec
from sagellm_benchmark.verdict.evidence import Bottleneck
from sagellm_benchmark.verdict.metrics import E2E, REQUESTS, SLO_ATTAINMENT

ATTAINMENT = 0.9  # the share of requests that must meet every objective, as in DistServe (OSDI 2024)
FIRST_RATE = 1.0
PRECISION = 0.05  # the search is over when the bracket is this narrow, relative to its upper end
MOST_STEPS = 16
MOST_MISSES = 6  # at the start, each at half the rate of the one before: then the rate is not the reason
LATENCIES = 2.0  # a step sends requests for at least this many latencies; a shorter burst is not a rate


class Outcome(StrEnum):
    """What a run at one rate showed of the server."""

    KEPT = "kept"  # the server keeps the objectives
    MISSED = "missed"  # it does not
    LIMITED = "limited"  # nobody can tell: the client or its machine reached a limit


@dataclass(frozen=True, slots=True)
class Step:
    """One rate that was tried; `sure` says whether chance is ruled out at 95 %."""

    rate_rps: float
    outcome: Outcome
    sure: bool
    limited_by: Bottleneck | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search."""

    rate_rps: float | None  # the highest rate at which the objectives were kept
    interval_rps: tuple[float, float | None] | None  # from the highest sure KEPT to the lowest sure MISSED
    limited_by: Bottleneck | None  # what reached its limit above that rate, if it was not the server
    steps: tuple[Step, ...]


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

    def after(self, rate: float, outcome: Outcome) -> Search:
        """Return what is known after a run at `rate`; a run that cannot be judged also ends the search upwards."""
        if outcome is Outcome.KEPT:
            return replace(self, kept=max(self.kept, rate), steps=self.steps + 1)
        return replace(
            self, missed=rate if self.missed is None else min(self.missed, rate), steps=self.steps + 1
        )


def judged(summary: Summary) -> Step:
    """Return what a run showed about its rate; LIMITED if something other than the server reached its limit."""
    rate, share = summary.asked_rate_rps or 0.0, summary.value(SLO_ATTAINMENT)
    low, high = summary.numbers.intervals.get(SLO_ATTAINMENT.name, (0.0, 1.0))
    if summary.limited_by is not None:
        return Step(rate, Outcome.LIMITED, sure=False, limited_by=summary.limited_by)
    if share is not None and share >= ATTAINMENT and summary.valid and not is_burst(summary):
        return Step(rate, Outcome.KEPT, sure=low >= ATTAINMENT)
    return Step(rate, Outcome.MISSED, sure=high < ATTAINMENT or not summary.valid)


def is_burst(summary: Summary) -> bool:
    """Return whether all requests had been sent before the first answers could hold anything up."""
    latency, requests, rate = summary.latency(E2E), summary.value(REQUESTS), summary.asked_rate_rps
    sent_ms = requests / rate * 1e3 if requests and rate else 0.0
    return sent_ms < LATENCIES * (latency.p50 or latency.mean or 0.0)


def found(summaries: Iterable[Summary]) -> Found:
    """Return what the runs of a search say together, without those that were broken off."""
    steps = tuple(judged(summary) for summary in summaries if summary.status == "complete")
    kept = [step for step in steps if step.outcome is Outcome.KEPT]
    if not kept:
        return Found(None, None, _lowest(steps).limited_by if steps else None, steps)
    best = max(step.rate_rps for step in kept)
    above = [step for step in steps if step.rate_rps > best]
    low = max((step.rate_rps for step in kept if step.sure), default=0.0)
    high = min((step.rate_rps for step in above if step.sure), default=None)
    return Found(best, (low, high), _lowest(above).limited_by if above else None, steps)


def _lowest(steps: Sequence[Step]) -> Step:
    return min(steps, key=lambda step: step.rate_rps)


def shapes(spec: RunSpec) -> Generator[LoadShape, Summary, None]:
    """Yield the load shapes to measure; the caller sends back the summary of each, on which a search's next depends."""
    if not spec.search_goodput:
        for shape in spec.shapes:  # noqa: UP028 - a tuple cannot be sent anything
            yield shape
        return
    base = spec.shapes[0]
    search = Search(first=base.rate_rps or FIRST_RATE)
    while not search.done:
        rate = search.rate
        seen = yield replace(base, rate_rps=rate)
        search = search.after(rate, judged(seen).outcome)
