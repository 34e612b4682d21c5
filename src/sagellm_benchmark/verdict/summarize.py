"""From the columns of a run to the figures of its summary. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sagellm_benchmark.verdict import intervals, stats
from sagellm_benchmark.verdict.stats import Columns, Floats

LATENCIES = ("ttft_ms", "itl_ms", "tpot_ms", "e2e_ms")


def numbers(repeats: Sequence[Columns], slo_s: Mapping[str, float]) -> dict[str, Any]:
    """Everything of a summary that is computed from the samples alone."""
    columns = stats.join(repeats)
    refused: dict[str, str] = {}
    failed = columns.attempted - columns.answered
    return {
        "requests": columns.attempted,
        "errors": failed,
        "error_rate": failed / columns.attempted if columns.attempted else None,
        "failures": dict(columns.failures),
        "window_s": columns.window_s,
        "throughput_tps": stats.throughput_tps(columns),
        "request_rate_rps": columns.answered / columns.window_s if columns.window_s else None,
        "sent_rate_rps": _mean([stats.achieved_rate_rps(one) for one in repeats]),
        "goodput_rps": stats.goodput_rps(columns, slo_s),
        "slo_attainment": stats.attainment(columns, slo_s),
        "slo_ms": {metric: limit * 1e3 for metric, limit in slo_s.items()},
        "output_tokens": stats.total(columns.tokens),
        "prompt_tokens": stats.total(columns.prompt_tokens),
        "cached_tokens": stats.total(columns.cached_tokens),
        "tokens_per_event": _ratio(stats.total(columns.tokens), float(columns.events.sum())),
        **_latencies(columns, _mean_intervals(repeats, columns, refused), refused),
        **_scheduled(columns, refused),
        "tokens_per_s_per_user": _per_user(columns),
        "mean_in_flight": stats.mean_in_flight(columns),
        "refused": refused,
        "histograms": {"ttft_ms": _histogram(columns.ttft_s), "itl_ms": _histogram(columns.gap_s)},
        "repeats": _over_repeats(repeats),
    }


def _latencies(
    columns: Columns, intervals: Mapping[str, tuple[float, float] | None], refused: dict[str, str]
) -> dict[str, Any]:
    return {
        name: {**stats.distribution(values, refused, name), "mean_ci95": intervals[name]}
        for name, values in zip(LATENCIES, _values(columns), strict=True)
    }


def _values(columns: Columns) -> tuple[Floats, ...]:
    """The values, in seconds, that LATENCIES are the distributions of."""
    return columns.ttft_s, columns.gap_s, columns.tpot_s, columns.e2e_s


def _mean_intervals(
    repeats: Sequence[Columns], columns: Columns, refused: dict[str, str]
) -> Mapping[str, tuple[float, float] | None]:
    """95 % intervals of the means: over the repeats where there are several, else over the requests."""
    if len(repeats) < 2:
        return stats.mean_intervals_ms(columns, refused)
    means = [
        [float(known.mean() * 1e3) for values in _values(one) if len(known := stats.known(values))]
        for one in repeats
    ]
    if any(len(row) < len(LATENCIES) for row in means):
        return dict.fromkeys(LATENCIES)
    return {
        name: intervals.over_repeats(row)
        for name, row in zip(LATENCIES, zip(*means, strict=True), strict=True)
    }


def _scheduled(columns: Columns, refused: dict[str, str]) -> dict[str, Any]:
    """Latency from when an open loop's requests were due, so that the client's own queue is never hidden."""
    if not len(stats.known(columns.due_s)):
        return {}
    ends = {"scheduled_ttft_ms": columns.first_s, "scheduled_e2e_ms": columns.last_s}
    return {name: stats.distribution(end - columns.due_s, refused, name) for name, end in ends.items()}


def _per_user(columns: Columns) -> float | None:
    """1 / mean TPOT: the rate at which one user sees tokens come."""
    tpot = stats.known(columns.tpot_s)
    return float(1 / tpot.mean()) if len(tpot) and tpot.mean() > 0 else None


def _over_repeats(repeats: Sequence[Columns]) -> dict[str, Any] | None:
    if len(repeats) < 2:
        return None
    rates = [stats.throughput_tps(columns) for columns in repeats]
    known = [rate for rate in rates if rate is not None]
    return {"throughput_tps": rates, "throughput_tps_ci95": intervals.over_repeats(known)}


def _histogram(values_s: Floats, bins: int = 40) -> dict[str, list[float]] | None:
    """Counts over equal bins up to the 99.5th percentile; what lies above is counted in the last bin."""
    values = stats.known(values_s) * 1e3
    if len(values) < 2 or values.max() <= values.min():
        return None
    top = max(float(np.percentile(values, 99.5)), float(values.min()) * 1.0001)
    counts, edges = np.histogram(
        np.minimum(values, top), bins=min(bins, len(values)), range=(values.min(), top)
    )
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _ratio(above: float | None, below: float) -> float | None:
    return above / below if above is not None and below else None
