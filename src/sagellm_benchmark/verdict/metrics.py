"""Every figure of a run, declared once: its name, how it is computed, and where it is shown. Pure.

summary.json, the leaderboard row, the terminal, Markdown and HTML all read METRICS and LATENCIES. To add a figure, add
its line here.
"""

from __future__ import annotations

from sagellm_benchmark.verdict import objectives, stats
from sagellm_benchmark.verdict.columns import known
from sagellm_benchmark.verdict.figures import Latency, Measurement, Metric


def _error_rate(seen: Measurement) -> float | None:
    columns = seen.columns
    return (columns.attempted - columns.answered) / columns.attempted if columns.attempted else None


def _request_rate_rps(seen: Measurement) -> float | None:
    return seen.columns.answered / seen.columns.window_s if seen.columns.window_s else None


def _tokens_per_event(seen: Measurement) -> float | None:
    tokens, events = stats.total(seen.columns.tokens), float(seen.columns.events.sum())
    return tokens / events if tokens is not None and events else None


def _tokens_per_s_per_user(seen: Measurement) -> float | None:
    """Return 1 / mean TPOT: the rate at which one user sees tokens arrive."""
    tpot = known(seen.columns.tpot_s)
    return float(1 / tpot.mean()) if len(tpot) and tpot.mean() > 0 else None


def _energy_per_token_j(seen: Measurement) -> float | None:
    energy, tokens = seen.gpu.energy_j, stats.total(seen.columns.tokens)
    return energy / tokens if energy is not None and tokens and seen.energy_is_the_windows else None


def _usd_per_mtok_in(seen: Measurement) -> float | None:
    """Return dollars per million prompt tokens: the part of the price for the time to the first tokens."""
    return _usd_per_mtok(seen, stats.total(seen.columns.prompt_tokens), first=True)


def _usd_per_mtok_out(seen: Measurement) -> float | None:
    """Return dollars per million output tokens: the rest of the price."""
    return _usd_per_mtok(seen, stats.total(seen.columns.tokens), first=False)


def _usd_per_mtok(seen: Measurement, tokens: float | None, *, first: bool) -> float | None:
    """Return dollars per million prompt (`first`) or output tokens; all of them together cost what the window cost."""
    columns, price = seen.columns, seen.price_per_hour_usd
    whole = float(columns.e2e_s.sum())
    if price is None or not tokens or not whole or not columns.window_s:
        return None
    share = float(columns.ttft_s.sum()) / whole
    return price / 3600 * columns.window_s * (share if first else 1 - share) / tokens * 1e6


THROUGHPUT = Metric(
    "throughput_tps",
    "throughput",
    lambda seen: stats.throughput_tps(seen.columns),
    unit="tokens/s",
    shown="always",
    row="throughput_tps",
    better="higher",
    headline=True,
)
REQUESTS = Metric(
    "requests",
    "requests",
    lambda seen: seen.columns.attempted,
    digits=0,
    shown="always",
    row="requests",
)
ERRORS = Metric(
    "errors", "failed requests", lambda seen: seen.columns.attempted - seen.columns.answered, shown="never"
)
ERROR_RATE = Metric(
    "error_rate",
    "error rate",
    _error_rate,
    percent=True,
    shown="always",
    row="error_rate",
    better="lower",
    headline=True,
)
REQUEST_RATE = Metric(
    "request_rate_rps",
    "request rate",
    _request_rate_rps,
    unit="/s",
    digits=2,
    shown="always",
    better="higher",
)
TOKENS_PER_USER = Metric(
    "tokens_per_s_per_user",
    "speed per user",
    _tokens_per_s_per_user,
    unit="tokens/s",
    shown="always",
    better="higher",
)
OUTPUT_TOKENS = Metric(
    "output_tokens",
    "output tokens",
    lambda seen: stats.total(seen.columns.tokens),
    digits=0,
    shown="always",
)
PROMPT_TOKENS = Metric(
    "prompt_tokens", "prompt tokens", lambda seen: stats.total(seen.columns.prompt_tokens), shown="never"
)
PEAK_MEMORY = Metric(
    "peak_memory_mib",
    "peak memory",
    lambda seen: seen.peak_memory_mib,
    unit="MiB",
    digits=0,
    shown="always",
    better="lower",
)
GOODPUT = Metric(
    "goodput_rps",
    "goodput",
    lambda seen: objectives.goodput_rps(seen.columns, seen.slo_s),
    unit="/s",
    digits=2,
    row="goodput_rps",
    better="higher",
)
SLO_ATTAINMENT = Metric(
    "slo_attainment",
    "SLO attainment",
    lambda seen: objectives.attainment(seen.columns, seen.slo_s),
    percent=True,
    digits=0,
    shown="never",
)
SENT_RATE = Metric(
    "sent_rate_rps",
    "sent",
    lambda seen: None if seen.asked_rate_rps is None else seen.sent_rate_rps,
    unit="/s",
    digits=2,
)

METRICS: tuple[Metric, ...] = (
    THROUGHPUT,
    REQUESTS,
    ERRORS,
    ERROR_RATE,
    REQUEST_RATE,
    TOKENS_PER_USER,
    OUTPUT_TOKENS,
    PROMPT_TOKENS,
    Metric("cached_tokens", "cached", lambda seen: stats.total(seen.columns.cached_tokens), shown="never"),
    Metric("tokens_per_event", "tokens an event", _tokens_per_event, shown="never"),
    Metric("window_s", "window", lambda seen: seen.columns.window_s, unit="s", shown="never"),
    Metric("mean_in_flight", "in flight", lambda seen: stats.mean_in_flight(seen.columns), shown="never"),
    PEAK_MEMORY,
    GOODPUT,
    SLO_ATTAINMENT,
    SENT_RATE,
    Metric(
        "prefix_hit_rate",
        "prefix hit rate",
        lambda seen: seen.server.prefix_hit_rate,
        percent=True,
        row="prefix_hit_rate",
    ),
    Metric(
        "kv_used_tokens",
        "KV cache tokens",
        lambda seen: seen.server.kv_used_tokens,
        digits=0,
        row="kv_used_tokens",
    ),
    Metric("evict_count", "preemptions", lambda seen: seen.server.evict_count, digits=0, row="evict_count"),
    Metric(
        "spec_accept_rate",
        "speculation accepted",
        lambda seen: seen.server.spec_accept_rate,
        percent=True,
        row="spec_accept_rate",
    ),
    Metric(
        "energy_per_token_j",
        "energy per token",
        _energy_per_token_j,
        unit="J",
        digits=3,
        row="energy_per_token_j",
        better="lower",
    ),
    Metric(
        "cost_in_usd_per_mtok",
        "cost of input",
        _usd_per_mtok_in,
        unit="$/Mtok",
        digits=4,
        better="lower",
    ),
    Metric(
        "cost_out_usd_per_mtok",
        "cost of output",
        _usd_per_mtok_out,
        unit="$/Mtok",
        digits=4,
        better="lower",
    ),
)

TTFT = Latency(
    "ttft_ms",
    "TTFT",
    "time to first token",
    lambda columns: columns.ttft_s,
    row="ttft_ms",
    row_percentiles="ttft_ms",
    histogram=True,
    headline=True,
)
ITL = Latency(
    "itl_ms",
    "ITL",
    "gap between content events",
    lambda columns: columns.gap_s,
    row="tbt_ms",
    row_percentiles="itl_ms",
    histogram=True,
    headline=True,
)
TPOT = Latency("tpot_ms", "TPOT", "time per output token", lambda columns: columns.tpot_s, row="tpot_ms")
E2E = Latency(
    "e2e_ms",
    "E2E",
    "whole answer",
    lambda columns: columns.e2e_s,
    row="e2e_ms",
    row_percentiles="e2e_ms",
    headline=True,
)

LATENCIES: tuple[Latency, ...] = (
    TTFT,
    ITL,
    TPOT,
    E2E,
    Latency(
        "scheduled_ttft_ms",
        "TTFT, scheduled",
        "from when the request was due",
        lambda columns: columns.first_s - columns.due_s,
        open_loop=True,
    ),
    Latency(
        "scheduled_e2e_ms",
        "E2E, scheduled",
        "from when the request was due",
        lambda columns: columns.last_s - columns.due_s,
        open_loop=True,
    ),
)
