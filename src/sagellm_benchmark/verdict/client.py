"""Checks of the client: that it measured the server and not itself."""

from __future__ import annotations

import numpy as np

from sagellm_benchmark.client.calibration import MAX_BIAS_S
from sagellm_benchmark.verdict import nodes
from sagellm_benchmark.verdict.evidence import Evidence, Findings, NotChecked
from sagellm_benchmark.verdict.stats import events_per_s

MAX_LAG_S = 0.025  # how late the client's event loop may wake up (p99), unless TTFT is much longer


def clocks(e: Evidence) -> Findings:
    """Check that time goes forward within every request."""
    if (e.columns.ttft_s < 0).any() or (e.columns.gap_s < 0).any():
        yield "clocks ran backwards: an answer came before its request; run on a machine with a steady monotonic clock"


def was_clean(e: Evidence) -> Findings:
    """Check that the client did not run late: it would have measured itself instead of the server."""
    lag, share = e.health.loop_lag_p99_s, e.health.cpu_share
    action = "use --client-processes, move the client to another machine, or lower the load"
    if lag is None:
        yield NotChecked("client's event loop: the load was too short to measure it")
    typical_ttft = float(np.median(e.columns.ttft_s)) if e.columns.answered else None
    if lag is not None and typical_ttft is not None and lag > max(MAX_LAG_S, 0.25 * typical_ttft):
        where = nodes.worst(e, "loop_lag_p99_s")
        yield f"the client was the bottleneck: its event loop woke up {lag * 1e3:.0f} ms late (p99){where}; {action}"
    if share is not None and share > 0.95:
        yield f"the client was the bottleneck: it used {share:.0%} of a core{nodes.worst(e, 'cpu_share')}; {action}"
    yield from _calibrated(e, typical_ttft, action)


def _calibrated(e: Evidence, typical_ttft: float | None, action: str) -> Findings:
    if e.calibrated_ttft_bias_s is None:
        yield NotChecked("client bias: not calibrated")
    elif typical_ttft is not None and e.calibrated_ttft_bias_s > max(MAX_BIAS_S, 0.1 * typical_ttft):
        yield (
            f"the client reports TTFT {e.calibrated_ttft_bias_s * 1e3:.1f} ms too high at this load shape "
            f"on this machine; {action}"
        )
    rate = events_per_s(e.columns)
    if e.most_events_per_s is not None and rate is not None and rate > e.most_events_per_s:
        yield (
            f"{rate:.0f} events/s are more than the {e.most_events_per_s:.0f} that this client "
            f"was found able to handle on this machine; {action}"
        )
