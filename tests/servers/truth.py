"""What a server's own account of a run says that a client should have measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean, median

from sagellm_benchmark.verdict.summarize import Numbers
from tests.servers.protocol import Did

NEAR_MS, NEAR = 1.0, 0.01  # a figure is right within either


def wrong(numbers: Numbers, did: Sequence[Did]) -> list[str]:
    """Figures that are off by more than a millisecond and by more than a hundredth, each with what is true."""
    return [
        f"{name} is {measured:.4g}, and {true:.4g} in truth"
        for name, measured, true in _figures(numbers, did)
        if abs(measured - true) > max(NEAR * abs(true), NEAR_MS if name.endswith("ms") else 0)
    ]


def _figures(numbers: Numbers, did: Sequence[Did]) -> Iterator[tuple[str, float, float]]:
    """Name, as measured, as it was: means, and the TTFT's median."""
    latencies, metrics = numbers.figures.latencies, numbers.figures.metrics
    ttfts = [1e3 * (one.sent[0][0] - one.asked.moment) for one in did]
    spans = [1e3 * (one.sent[-1][0] - one.sent[0][0]) for one in did]
    gaps = [1e3 * (b - a) for one in did for (a, _), (b, _) in pairwise(one.sent)]
    later = [sum(tokens for _, tokens in one.sent[1:]) for one in did]
    tokens = sum(tokens for one in did for _, tokens in one.sent)
    yield "mean ttft_ms", latencies["ttft_ms"].mean or 0.0, fmean(ttfts)
    yield "p50 of ttft_ms", latencies["ttft_ms"].p50 or 0.0, median(ttfts)
    yield "mean e2e_ms", latencies["e2e_ms"].mean or 0.0, fmean(map(sum, zip(ttfts, spans, strict=True)))
    if gaps:
        yield "mean itl_ms", latencies["itl_ms"].mean or 0.0, fmean(gaps)
        yield (
            "mean tpot_ms",
            latencies["tpot_ms"].mean or 0.0,
            fmean(span / after for span, after in zip(spans, later, strict=True) if after),
        )
    window_s = max(one.ended for one in did) - min(one.asked.moment for one in did)
    yield "output_tokens", metrics["output_tokens"] or 0.0, tokens
    yield "throughput_tps", metrics["throughput_tps"] or 0.0, tokens / window_s
