"""What a run leaves for everything after it: `config` (what was asked, of what) and `summary` (what came of it)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sagellm_benchmark.bench import stats
from sagellm_benchmark.bench.checks import Verdict
from sagellm_benchmark.bench.stats import Columns, Floats

RECORD_VERSION = 1  # 1: the first


@dataclass(frozen=True, slots=True)
class Record:
    """One finished (or interrupted) run; both parts are plain JSON values."""

    config: Mapping[str, Any]
    summary: Mapping[str, Any]


def numbers(repeats: Sequence[Columns], slo_s: Mapping[str, float], seed: int) -> dict[str, Any]:
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
        "sent_rate_rps": stats.achieved_rate_rps(columns),
        "goodput_rps": stats.goodput_rps(columns, slo_s),
        "slo_ms": {metric: limit * 1e3 for metric, limit in slo_s.items()},
        "output_tokens": stats.total(columns.tokens),
        "prompt_tokens": stats.total(columns.prompt_tokens),
        "cached_tokens": stats.total(columns.cached_tokens),
        "tokens_per_event": _ratio(stats.total(columns.tokens), float(columns.events.sum())),
        **_latencies(columns, refused, seed),
        **_scheduled(columns, refused),
        "tokens_per_s_per_user": _per_user(columns),
        "mean_in_flight": stats.mean_in_flight(columns),
        "refused": refused,
        "histograms": {"ttft_ms": _histogram(columns.ttft_s), "itl_ms": _histogram(columns.gap_s)},
        "repeats": _over_repeats(repeats),
    }


def _latencies(columns: Columns, refused: dict[str, str], seed: int) -> dict[str, Any]:
    intervals = stats.mean_intervals_ms(columns, np.random.default_rng(seed))
    values = {
        "ttft_ms": columns.ttft_s,
        "itl_ms": columns.gap_s,
        "tpot_ms": columns.tpot_s,
        "e2e_ms": columns.e2e_s,
    }
    return {
        name: {**stats.distribution(of, refused, name), "mean_ci95": intervals[name]}
        for name, of in values.items()
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
    return {"throughput_tps": rates, "throughput_tps_ci95": stats.repeat_interval(known)}


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


def _ratio(above: float | None, below: float) -> float | None:
    return above / below if above is not None and below else None


def verdict_fields(verdict: Verdict, *, interrupted: bool) -> dict[str, Any]:
    """The part of a summary that says whether to believe the rest."""
    return {
        "status": "interrupted" if interrupted else "complete",
        "valid": verdict.valid,
        "reasons": list(verdict.reasons),
        "not_checked": list(verdict.not_checked),
    }
