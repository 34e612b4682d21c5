"""Compute numbers from columns. Pure: arrays in, numbers out; a number that needs more values is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sagellm_benchmark.verdict import intervals
from sagellm_benchmark.verdict.columns import Columns, Floats, known

PERCENTILES = (50, 90, 99)


def total(values: Floats) -> float | None:
    """Return the sum, or None if there are no values or one is missing."""
    return float(values.sum()) if len(values) and not np.isnan(values).any() else None


def throughput_tps(columns: Columns) -> float | None:
    """Return the system's rate: output tokens of the answers, or of a fixed window, per second.

    0 if there is no answer; None if there is no time, or if nobody counted the tokens.
    """
    if columns.window_s == 0:
        return None
    if columns.inside is not None:
        return None if np.isnan(columns.inside.tokens) else columns.inside.tokens / columns.window_s
    if not columns.answered:
        return 0.0
    tokens = total(columns.tokens)
    return None if tokens is None else tokens / columns.window_s


_LEAST = {q: round(100 / (100 - q)) for q in (50, 90, 99)}
"""How many values each percentile needs."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The distribution of a latency, in milliseconds; None if there are too few values."""

    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    min: float | None
    max: float | None
    count: int
    mean_ci95: tuple[float, float] | None = None


def distribution(values_s: Floats, refused: dict[str, str], name: str) -> Distribution:
    """Return the distribution of the known values; add the reason for a refused percentile to `refused`.

    Percentiles interpolate linearly between order statistics (numpy's default, method 7 of Hyndman and Fan 1996). The
    percentile q of n values is refused if n < 1/(1 − q), because it would only be the largest value. The key of a
    reason is, for example, `name.p99`.
    """
    values = known(values_s) * 1e3
    count = len(values)
    enough = [q for q, needed in _LEAST.items() if count >= needed]
    percentiles = dict(zip(enough, np.percentile(values, enough).tolist(), strict=True)) if enough else {}
    for q in _LEAST.keys() - percentiles.keys():
        refused[f"{name}.p{q}"] = f"{count} values; a p{q} needs at least {_LEAST[q]}"
    return Distribution(
        mean=float(values.mean()) if count else None,
        p50=percentiles.get(50),
        p90=percentiles.get(90),
        p99=percentiles.get(99),
        min=float(values.min()) if count else None,
        max=float(values.max()) if count else None,
        count=count,
    )


def mean_intervals_ms(
    columns: Columns, streams: int | None = None, refused: dict[str, str] | None = None
) -> dict[str, intervals.Interval | None]:
    """Return 95 % intervals of the mean TTFT, ITL, TPOT and E2E, in milliseconds.

    `streams` are those of a closed loop. The reason why one is None is added to `refused`.
    """
    together = streams or 1
    order = np.argsort(columns.start_s, kind="stable")
    spans, gaps = (columns.last_s - columns.first_s)[order] * 1e3, columns.events[order] - 1
    found = {
        "ttft_ms": intervals.mean(known(columns.ttft_s[order]) * 1e3, together),
        "itl_ms": intervals.ratio(spans[gaps > 0], gaps[gaps > 0], together),
        "tpot_ms": intervals.mean(known(columns.tpot_s[order]) * 1e3, together),
        "e2e_ms": intervals.mean(columns.e2e_s[order] * 1e3, together),
    }
    if refused is not None:
        refused |= {
            f"{name}.mean_ci95": str(one) for name, one in found.items() if isinstance(one, intervals.TooFew)
        }
    return {name: None if isinstance(one, intervals.TooFew) else one for name, one in found.items()}


def events_per_s(columns: Columns) -> float | None:
    """Return the content events per second that the client received; None if nothing was measured."""
    return (
        float(columns.events.sum()) / columns.window_s if columns.answered and columns.window_s > 0 else None
    )


def achieved_rate_rps(columns: Columns) -> float | None:
    """Return the conversations started per second, from the first start to the last; None for fewer than two."""
    if len(columns.starts_s) < 2:
        return None
    span = float(columns.starts_s[-1] - columns.starts_s[0])
    return (len(columns.starts_s) - 1) / span if span > 0 else None


def mean_in_flight(columns: Columns) -> float | None:
    """Return the mean number of answered requests in flight in the window, each from its start to its last byte."""
    if columns.window_s == 0:
        return None
    busy_s = (
        float((columns.end_s - columns.start_s).sum()) if columns.inside is None else columns.inside.busy_s
    )
    return busy_s / columns.window_s
