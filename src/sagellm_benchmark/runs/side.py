"""One side of a comparison: a run or a published row, with its figures and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sagellm_benchmark.board.identity import Row, identity
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.runs import row as rows
from sagellm_benchmark.runs.quantities import QUANTITIES, Quantity
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.runs.requests import Request
from sagellm_benchmark.verdict import compare, intervals
from sagellm_benchmark.verdict.columns import Columns, collect, known
from sagellm_benchmark.verdict.compare import Estimate
from sagellm_benchmark.verdict.metrics import LATENCIES
from sagellm_benchmark.verdict.summarize import Numbers
from sagellm_benchmark.verdict.timeline import Timeline, at_most

MAY_DIFFER = {
    "engine",
    "engine_version",
    "sagellm_version",
    "unnamed",
}  # comparisons are made because of these
BATCHES = 30  # parts of a run that was not repeated
OURS = "sagellm-benchmark"


@dataclass(frozen=True, slots=True)
class Side:
    """One run or row. `against` says why it should not be believed."""

    name: str
    configuration: Mapping[str, str]
    against: tuple[str, ...]
    estimates: Mapping[str, Estimate]  # by the quantity's name
    not_checked: tuple[str, ...] = ()  # what could not be checked in another client's run
    client: str = OURS  # the tool that measured this side
    is_row: bool = False  # a row of the leaderboard, which states no uncertainty

    @property
    def figures(self) -> Mapping[str, float]:
        """Every figure by its quantity's name."""
        return {name: one.value for name, one in self.estimates.items()}


def of_run(name: str, record: Record, requests: Sequence[Request] = ()) -> Side:
    """Return a side from a run, whose repeats say how sure its figures are, or else its requests and its timeline.

    Raise DataError if the run has no figures.
    """
    row = rows.build(record)
    if row is None:
        raise DataError(f"{name} has no figures", hint="compare runs that have figures")
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


def of_row(name: str, row: Row) -> Side:
    """Return a side from a leaderboard row; it has no repeats, so its uncertainty is unknown.

    Raise DataError if `row` has no metrics.
    """
    metrics, validity = row.get("metrics"), row.get("validity")
    if not isinstance(metrics, dict):
        raise DataError(
            f"{name} is not a leaderboard row: it has no metrics", hint="name a run folder or a row"
        )
    values = {one.name: metrics.get(one.in_row) for one in QUANTITIES if one.in_row is not None}
    reasons = validity.get("reasons") if isinstance(validity, dict) and not validity.get("valid") else ()
    return Side(
        name,
        _configuration(row),
        tuple(map(str, reasons)) if isinstance(reasons, list | tuple) else ("it is not valid",),
        {name: Estimate(float(value)) for name, value in values.items() if value and _positive(value)},
        is_row=True,
    )


def _configuration(row: Row) -> Mapping[str, str]:
    fields = identity(row)._asdict()
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
    """Return a figure of a run that was not repeated, with an interval from its variation during the run.

    None if the run does not have that figure.
    """
    value = quantity.of(numbers.figures)
    if value is None or value <= 0:
        return None
    return Estimate(value, _within(quantity, numbers, timeline, columns, value))


def _within(
    quantity: Quantity, numbers: Numbers, timeline: Timeline | None, columns: Columns, value: float
) -> intervals.Interval | None:
    name, _, statistic = quantity.name.partition(".")
    if quantity.name == "throughput":
        return None if timeline is None else throughput_interval(timeline, value)
    latency = next((one for one in LATENCIES if one.name == f"{name}_ms"), None)
    if latency is None:
        return None
    if statistic == "mean":
        return numbers.figures.latency(latency).mean_ci95
    return compare.quantile_interval(known(latency.of(columns)) * 1e3, float(statistic[1:]) / 100)


def throughput_interval(timeline: Timeline, value: float) -> intervals.Interval | None:
    """Return the 95 % interval of a throughput `value` in tokens/s, from batches of the measured time.

    None if there are too few.
    """
    fewer = at_most(timeline, BATCHES)
    middles = ((i + 0.5) * fewer.bin_s for i in range(len(fewer.tokens_per_s)))
    inside = [any(begin <= middle < end for begin, end in fewer.windows) for middle in middles]
    series = np.asarray(fewer.tokens_per_s)[np.asarray(inside, dtype=bool)]
    found = intervals.mean(series)
    if isinstance(found, intervals.TooFew) or not series.mean():
        return None
    scale = value / float(series.mean())
    return found[0] * scale, found[1] * scale
