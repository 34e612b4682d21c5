"""Regressions that are not accepted: `ttft.p99>+5%`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.runs.comparison import Comparison
from sagellm_benchmark.runs.quantities import QUANTITIES
from sagellm_benchmark.verdict.compare import Difference

_LIMIT = re.compile(r"(?P<name>[a-z0-9_.]+)\s*(?P<sign>[<>])\s*(?P<share>[+-]?\d+(\.\d+)?)\s*%")


@dataclass(frozen=True, slots=True)
class Limit:
    """A regression that is not accepted, such as `ttft.p99>+5%`; `share` is 0.05 then."""

    text: str
    name: str
    share: float
    above: bool

    def broken(self, comparison: Comparison) -> bool:
        """Return whether the change exceeds the limit and noise cannot explain it."""
        found = self._difference(comparison)
        if found is None or found.interval is None:
            return False
        low, high = found.interval
        return found.share > self.share and low > 0 if self.above else found.share < self.share and high < 0

    def undecided(self, comparison: Comparison) -> bool:
        """Return whether the limit cannot be checked, because nobody knows how much of the change is noise."""
        found = self._difference(comparison)
        return found is None or found.interval is None

    def _difference(self, comparison: Comparison) -> Difference | None:
        return next((one.difference for one in comparison.lines if one.quantity.name == self.name), None)


def limit(text: str) -> Limit:
    """Parse a limit such as `ttft.p99>+5%` or `throughput<-5%`. Raise UsageError for anything else."""
    match = _LIMIT.fullmatch(text.strip().lower())
    names = [one.name for one in QUANTITIES]
    found = None if match is None else match["name"]
    if found is not None and f"{found}.mean" in names:
        found = f"{found}.mean"
    if match is None or found not in names:
        raise UsageError(
            f"--fail-if does not understand {text!r}",
            hint=f"write it as ttft.p99>+5% or throughput<-5%; the names are {', '.join(names)}",
        )
    share, above = float(match["share"]) / 100, match["sign"] == ">"
    grows_worse = next(one.better for one in QUANTITIES if one.name == found) == "lower"
    if above != grows_worse or (share < 0 if above else share > 0):
        raise UsageError(
            f"--fail-if {text} would call an improvement a regression",
            hint="a figure that must not grow has a limit such as >+5%, one that must not shrink <-5%",
        )
    return Limit(text, found, share, above)
