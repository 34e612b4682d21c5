"""Checks of the load: that it was as asked for, from the first request to the last."""

from __future__ import annotations

import numpy as np

from sagellm_benchmark.verdict.columns import known
from sagellm_benchmark.verdict.evidence import Evidence, Findings, NotChecked
from sagellm_benchmark.verdict.stats import achieved_rate_rps, mean_in_flight

UNSTEADY = "never steady"  # the beginning of the reason
VISIBLE_DRIFT = 0.3  # over the window; if a drift above it could have gone unnoticed, the run says so


def rate_was_reached(e: Evidence) -> Findings:
    """Check that an open loop really sent requests at the asked rate."""
    if e.asked_rate_rps is None:
        return
    due = known(e.columns.due_s)
    late = np.sort(e.columns.start_s[~np.isnan(e.columns.due_s)] - due) if len(due) else np.empty(0)
    achieved = achieved_rate_rps(e.columns)
    if achieved is None or len(late) < 20:
        yield NotChecked("arrival rate: fewer than 20 requests")
    elif float(np.percentile(late, 90)) > max(0.01, 1 / e.asked_rate_rps):
        yield (
            f"requests were sent late (p90 {np.percentile(late, 90) * 1e3:.0f} ms; {achieved:.2f}/s instead of "
            f"{e.asked_rate_rps:g}/s); use --client-processes or a lower --rate"
        )


def littles_law(e: Evidence) -> Findings:
    """Check that concurrency = rate × latency (Little 1961) in a closed loop that is long compared with its ends."""
    if e.concurrency is None or not e.columns.answered:
        return
    in_flight = mean_in_flight(e.columns)
    if in_flight is not None and in_flight > e.concurrency * 1.01 + 0.01:
        yield (
            f"Little's law: {in_flight:.2f} requests were in flight on average, more than the "
            f"{e.concurrency} streams allow; this is a fault of the client: please report it"
        )
    elif e.columns.answered < 10 * e.concurrency:
        yield NotChecked("Little's law: fewer than 10 requests per stream")
    elif in_flight is not None and in_flight < 0.8 * e.concurrency and not e.columns.failures:
        yield (
            f"Little's law: only {in_flight:.2f} of {e.concurrency} streams were busy on average; "
            "send more --requests, or use fewer streams"
        )


def steady(e: Evidence) -> Findings:
    """Check that latency did not grow or fall during the window."""
    trend = e.trend
    if isinstance(trend, NotChecked):
        yield trend
    elif trend.real:
        direction = "grew" if trend.by > 0 else "fell"
        yield (
            f"{UNSTEADY}: latency {direction} by {abs(trend.by):.0%} over the window; "
            "use a longer --warmup, or a rate that the server keeps up with"
        )
    elif trend.least > VISIBLE_DRIFT:
        yield NotChecked(
            f"steadiness: a drift below {trend.least:.0%} could not have been detected; send more --requests"
        )
