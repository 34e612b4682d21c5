"""The result of a search for the highest rate, in one sentence and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from sagellm_benchmark.files import Document
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.runs.search import ATTAINMENT, Found, found, is_burst


def of(records: Sequence[Record]) -> Found:
    """Return what the runs of a search show together."""
    return found(record.summary for record in records)


def sentence(records: Sequence[Record]) -> str:
    """Return a sentence with the rate and its interval, or with the reason why there is none and what to do."""
    result, first = of(records), records[0]
    objectives = ", ".join(f"{metric} ≤ {limit:g} ms" for metric, limit in first.summary.slo_ms.items())
    keeps = f"keeps {objectives} for {ATTAINMENT:.0%} of the requests"
    if result.rate_rps is None:
        return _not_found(result, records, objectives)
    if result.limited_by is not None:
        return f"≥ {_rate(result.rate_rps)} {keeps}: {_gave_out(result, first)}"
    if result.rate_rps == max(step.rate_rps for step in result.steps):
        return f"≥ {_rate(result.rate_rps)} {keeps}, and no higher rate was tried"
    return f"{_rate(result.rate_rps)}{_interval(result)} is the highest rate that {keeps}"


def as_data(records: Sequence[Record]) -> Document:
    """Return the result as data; rates are in requests per second."""
    result = of(records)
    return {
        "highest_rate_rps": result.rate_rps,
        "interval_rps": result.interval_rps,
        "limited_by": result.limited_by,
        "steps": [
            {"rate_rps": step.rate_rps, "outcome": step.outcome, "limited_by": step.limited_by}
            for step in result.steps
        ],
    }


def _not_found(result: Found, records: Sequence[Record], objectives: str) -> str:
    if result.limited_by is not None:
        lowest = min(step.rate_rps for step in result.steps)
        return f"not found, not even at {_rate(lowest)}: {_gave_out(result, records[0])}"
    if any(is_burst(record.summary) for record in records):
        return "not found: the runs were too short beside their latency; give a longer --duration"
    return f"no rate that was tried keeps {objectives} in a valid run"


def _gave_out(result: Found, record: Record) -> str:
    if result.limited_by == "client":
        return f"the client gives out above; use --client-processes {2 * record.config.client_processes}"
    return "the machine was busy above; stop what else runs on it"


def _interval(result: Found) -> str:
    low, high = result.interval_rps or (0.0, None)
    if high is None:
        return f" (at least {_rate(low)} is sure)" if low else ""
    return f" ({four_digits(low)} to {four_digits(high)})"


def _rate(rate_rps: float) -> str:
    return f"{four_digits(rate_rps)}/s"


def four_digits(value: float) -> str:
    """Return the value with four significant digits and without an exponent."""
    return f"{float(f'{value:.4g}'):,.12g}"
