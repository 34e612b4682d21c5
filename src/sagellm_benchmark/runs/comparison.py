"""Runs and rows side by side: which figures they have, whether they may be compared, and how they differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from sagellm_benchmark.board.identity import identity
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.runs import row as rows
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.runs.requests import Request
from sagellm_benchmark.verdict import compare, intervals
from sagellm_benchmark.verdict.columns import Columns, collect, known
from sagellm_benchmark.verdict.compare import DETECT, Difference, Estimate, Verdict
from sagellm_benchmark.verdict.metrics import LATENCIES, METRICS, THROUGHPUT, Figures, Latency
from sagellm_benchmark.verdict.summarize import Numbers
from sagellm_benchmark.verdict.timeline import Timeline, at_most

STATISTICS = ("mean", "p50", "p90", "p99")
MAY_DIFFER = {"engine", "engine_version", "sagellm_version", "unnamed"}  # it is what comparisons are made for
BATCHES = 30  # of a run that was not repeated
FEWEST_REPEATS = 3  # of each side, after which there is something to say of how many would decide
OURS = "sagellm-benchmark"

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that both sides have: `throughput`, `ttft.p99`."""

    name: str
    label: str
    unit: str
    better: Better
    decides: bool  # whether it takes part in the verdict over all figures
    of: Callable[[Figures], float | None]
    in_row: str | None
    digits: int  # after the point, for people


def _quantities() -> Iterator[Quantity]:
    for metric in METRICS:
        if metric.better is not None and not metric.percent:  # a share of errors makes a run invalid instead
            short = re.sub(r"_(tps|rps|mib|ms|j)$", "", metric.name)
            yield Quantity(
                short,
                metric.label,
                metric.unit,
                metric.better,
                metric is THROUGHPUT,
                partial(Figures.value, metric=metric),
                metric.row,
                max(metric.digits, 1),
            )
    for latency in LATENCIES:
        if not latency.open_loop:
            yield from (_statistic(latency, name) for name in STATISTICS)


def _statistic(latency: Latency, statistic: str) -> Quantity:
    def of(figures: Figures) -> float | None:
        value: float | None = getattr(figures.latency(latency), statistic)
        return value

    percentile = latency.row_percentiles and f"{latency.row_percentiles}_{statistic}"
    return Quantity(
        f"{latency.name.removesuffix('_ms')}.{statistic}",
        f"{latency.label} {statistic}",
        "ms",
        "lower",
        statistic == "mean" and latency.headline,
        of,
        latency.row if statistic == "mean" else percentile,
        2,
    )


QUANTITIES: tuple[Quantity, ...] = tuple(_quantities())


@dataclass(frozen=True, slots=True)
class Side:
    """One run or row. `against` says why it should not be believed."""

    name: str
    configuration: Mapping[str, str]
    against: tuple[str, ...]
    estimates: Mapping[str, Estimate]  # by the quantity's name
    not_checked: tuple[str, ...] = ()  # of another client's run
    client: str = OURS  # the tool that measured it

    @property
    def figures(self) -> Mapping[str, float]:
        """Every figure by its quantity's name."""
        return {name: one.value for name, one in self.estimates.items()}


@dataclass(frozen=True, slots=True)
class Compared:
    """A quantity of two sides; `difference` is None where there is no ratio to speak of."""

    quantity: Quantity
    a: float
    b: float
    difference: Difference | None

    @property
    def word(self) -> str:
        """The verdict; what is no speed is better or worse."""
        if self.quantity.unit in ("ms", "") or self.quantity.unit.endswith("/s"):
            return self.verdict.value
        return {Verdict.FASTER: "better", Verdict.SLOWER: "worse"}.get(self.verdict, self.verdict.value)

    @property
    def verdict(self) -> Verdict:
        """Whether B is faster, as far as this quantity goes."""
        if self.difference is None:
            return Verdict.CANNOT_TELL
        return self.difference.verdict(self.quantity.better)


@dataclass(frozen=True, slots=True)
class Comparison:
    """B beside A."""

    a: Side
    b: Side
    lines: tuple[Compared, ...]
    objections: tuple[str, ...]  # against comparing them at all, which were overruled
    detect: float = DETECT  # the share that it should be able to find
    in_turn: bool = False  # they were measured in turn, round by round

    @property
    def verdict(self) -> Verdict | None:
        """Of throughput and the mean latencies together; None where they contradict each other."""
        return compare.overall(
            [
                one.difference.verdict(one.quantity.better, together=True)
                for one in self.lines
                if one.quantity.decides and one.difference is not None
            ]
        )

    @property
    def more_repeats(self) -> int | None:
        """Of each side, that would find a difference of DETECT in every deciding figure; None where 1,000 would not.

        What nobody knows how sure it is counts with the fewest repeats that would tell: see `at_least`.
        """
        needed = [one.more_repeats if one.sure else FEWEST_REPEATS for one in self._deciding]
        return None if None in needed or not needed else max(one for one in needed if one is not None)

    @property
    def at_least(self) -> bool:
        """Whether it may take more than `more_repeats`, as nobody knows yet how much a deciding figure varies."""
        return not all(one.sure for one in self._deciding)

    @property
    def _deciding(self) -> list[Difference]:
        return [one.difference for one in self.lines if one.quantity.decides and one.difference is not None]


def of_run(name: str, record: Record, requests: Sequence[Request] = ()) -> Side:
    """Return a run, whose own repeats say how sure its figures are; else its requests, and its course over time."""
    row = rows.build(record)
    if row is None:
        raise DataError(f"{name} gave no numbers", hint="compare runs that measured something")
    return Side(
        name,
        _configuration(row),
        tuple(record.summary.reasons),
        {
            one.name: estimate
            for one in QUANTITIES
            if (estimate := _of_run(one, record, requests)) is not None
        },
    )


def of_row(name: str, row: Mapping[str, Any]) -> Side:
    """Return a row of the leaderboard: it holds no repeats, and so nothing tells how sure it is."""
    metrics, validity = row.get("metrics"), row.get("validity")
    if not isinstance(metrics, dict):
        raise DataError(f"{name} is no leaderboard row: it has no metrics", hint="name a run folder or a row")
    values = {one.name: metrics.get(one.in_row) for one in QUANTITIES if one.in_row is not None}
    reasons = validity.get("reasons") if isinstance(validity, dict) and not validity.get("valid") else ()
    return Side(
        name,
        _configuration(row),
        tuple(map(str, reasons)) if isinstance(reasons, list | tuple) else ("it is not valid",),
        {name: Estimate(float(value)) for name, value in values.items() if value and _positive(value)},
    )


def _configuration(row: Mapping[str, Any]) -> Mapping[str, str]:
    fields = identity(dict(row))._asdict()
    return {name: str(value) for name, value in fields.items() if name not in MAY_DIFFER}


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _of_run(quantity: Quantity, record: Record, requests: Sequence[Request]) -> Estimate | None:
    numbers = record.summary.numbers
    value = quantity.of(numbers.figures)
    repeats = [each for one in numbers.repeats if (each := quantity.of(one)) is not None and each > 0]
    if value is not None and value > 0 and len(repeats) > 1 and len(repeats) == len(numbers.repeats):
        return Estimate.over(repeats)
    ordered = sorted(requests, key=lambda one: (one.repeat, one.sample.start_s))
    columns = collect((one.sample for one in ordered), lambda one: one.completion_tokens)
    return estimate(quantity, numbers, record.timeline, columns)


def estimate(
    quantity: Quantity, numbers: Numbers, timeline: Timeline | None, columns: Columns
) -> Estimate | None:
    """Return a figure of a run that was not repeated, as sure as its own ups and downs are; None where it has none."""
    value = quantity.of(numbers.figures)
    if value is None or value <= 0:
        return None
    return Estimate(value, _within(quantity, numbers, timeline, columns, value))


def _within(
    quantity: Quantity, numbers: Numbers, timeline: Timeline | None, columns: Columns, value: float
) -> intervals.Interval | None:
    name, _, statistic = quantity.name.partition(".")
    if quantity.name == "throughput":
        return None if timeline is None else _of_batches(timeline, value)
    latency = next((one for one in LATENCIES if one.name == f"{name}_ms"), None)
    if latency is None:
        return None
    if statistic == "mean":
        return numbers.figures.latency(latency).mean_ci95
    return compare.quantile_interval(known(latency.of(columns)) * 1e3, float(statistic[1:]) / 100)


def _of_batches(timeline: Timeline, value: float) -> intervals.Interval | None:
    """Of the throughput, by that of batches of the measured time."""
    fewer = at_most(timeline, BATCHES)
    middles = ((i + 0.5) * fewer.bin_s for i in range(len(fewer.tokens_per_s)))
    inside = [any(begin <= middle < end for begin, end in fewer.windows) for middle in middles]
    series = np.asarray(fewer.tokens_per_s)[np.asarray(inside, dtype=bool)]
    found = intervals.mean(series)
    if isinstance(found, intervals.TooFew) or not series.mean():
        return None
    scale = value / float(series.mean())
    return found[0] * scale, found[1] * scale


def compared(
    a: Side, b: Side, *, force: bool = False, detect: float = DETECT, in_turn: bool = False
) -> Comparison:
    """B beside A, round by round where they were measured `in_turn`.

    Raises DataError where they are unlike, or not to be believed, unless it is forced.
    """
    objections = tuple(_objections(a, b))
    if objections and not force:
        raise DataError(
            f"{b.name} cannot be compared with {a.name}:" + "".join(f"\n       {one}" for one in objections),
            hint="compare runs of the same load on the same hardware, or add --force",
        )
    lines = tuple(
        Compared(
            one,
            a.estimates[one.name].value,
            b.estimates[one.name].value,
            _difference(a.estimates[one.name], b.estimates[one.name], detect, in_turn=in_turn),
        )
        for one in QUANTITIES
        if one.name in a.estimates and one.name in b.estimates
    )
    return Comparison(a, b, lines, objections, detect, in_turn)


def _difference(a: Estimate, b: Estimate, detect: float, *, in_turn: bool) -> Difference:
    if in_turn and len(a.repeats) == len(b.repeats) > 0:
        return compare.paired(a, b, detect)
    return compare.difference(a, b, detect)


def _objections(a: Side, b: Side) -> Iterator[str]:
    if a.figures and a.figures == b.figures:
        yield "both are the same run: no figure differs in any digit"
    if a.client != b.client:
        yield (
            f"one was measured by {a.client} and the other by {b.client}: each takes times in its own way, "
            "so that a difference may be that of the clients"
        )
    for side in (a, b):
        if side.against:
            yield f"{side.name} is not valid ({'; '.join(side.against)})"
    for name, value in a.configuration.items():
        if value != b.configuration.get(name, value):  # another client does not tell all of it
            yield f"{name} is {value or 'not known'} in one and {b.configuration[name] or 'not known'} in the other"


@dataclass(frozen=True, slots=True)
class Limit:
    """A regression that is not accepted, such as `ttft.p99>+5%`."""

    text: str
    name: str
    share: float
    above: bool

    def broken(self, comparison: Comparison) -> bool:
        """Tell whether the change is beyond the limit, and noise cannot be what made it."""
        for one in comparison.lines:
            if one.quantity.name == self.name and one.difference is not None and one.difference.interval:
                low, high = one.difference.interval
                share = one.difference.share
                return share > self.share and low > 0 if self.above else share < self.share and high < 0
        return False


_LIMIT = re.compile(r"(?P<name>[a-z0-9_.]+)\s*(?P<sign>[<>])\s*(?P<share>[+-]?\d+(\.\d+)?)\s*%")


def limit(text: str) -> Limit:
    """`ttft.p99>+5%` or `throughput<-5%`, parsed."""
    match = _LIMIT.fullmatch(text.strip().lower())
    names = [one.name for one in QUANTITIES]
    found = None if match is None else match["name"]
    if found is not None and f"{found}.mean" in names:
        found = f"{found}.mean"
    if match is None or found not in names:
        raise UsageError(
            f"--fail-if does not understand {text!r}",
            hint=f"write it as ttft.p99>+5% or throughput<-5%; there are {', '.join(names)}",
        )
    share, above = float(match["share"]) / 100, match["sign"] == ">"
    if (above and share < 0) or (not above and share > 0):
        raise UsageError(
            f"--fail-if {text} would call an improvement a regression",
            hint="a figure that must not grow has a limit such as >+5%, one that must not shrink <-5%",
        )
    return Limit(text, found, share, above)
