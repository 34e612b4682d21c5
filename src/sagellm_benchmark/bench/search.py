"""The highest rate that keeps the objectives, by doubling and then bisection. Pure."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace

from sagellm_benchmark.bench.spec import LoadShape, RunSpec

ATTAINMENT = 0.9  # the share of requests that must meet every objective, as in DistServe (OSDI 2024)
FIRST_RATE = 1.0
PRECISION = 0.05  # the bracket's width, relative to its upper end, at which the search is over
MOST_STEPS = 16


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
        return narrow or self.steps >= MOST_STEPS

    def after(self, rate: float, *, kept: bool) -> Search:
        """What is known after a run at `rate`."""
        if kept:
            return replace(self, kept=max(self.kept, rate), steps=self.steps + 1)
        return replace(
            self, missed=rate if self.missed is None else min(self.missed, rate), steps=self.steps + 1
        )


def highest(attained: Iterable[tuple[float, float | None]]) -> float | None:
    """Of (rate, share of requests that met the objectives), the highest rate that kept them; None where none did."""
    return max((rate for rate, share in attained if share is not None and share >= ATTAINMENT), default=None)


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
