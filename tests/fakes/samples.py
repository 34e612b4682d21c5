"""Samples with the times a test cares about, and everything else ordinary."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from sagellm_benchmark.client.sample import Phase, Sample
from sagellm_benchmark.verdict.columns import Columns, collect


def sample(
    *, start: float = 0.0, ttft: float = 0.1, itl: float = 0.01, tokens: int = 11, **changes: Any
) -> Sample:
    """An answer of `tokens` events, the first `ttft` seconds after `start`, the others `itl` apart."""
    events = tuple(float(start + ttft + itl * i) for i in range(tokens))
    fields: dict[str, Any] = {
        "index": 0,
        "turn": 0,
        "stream": 0,
        "phase": Phase.MEASURED,
        "due_s": None,
        "start_s": start,
        "end_s": events[-1] if events else start + ttft,
        "event_s": events,
        "text": "x" * tokens,
        "asked_input_tokens": 32,
        "asked_output_tokens": tokens,
        "prompt_tokens": 32,
        "completion_tokens": tokens,
        "cached_tokens": 0,
        "finish_reason": "length",
        "status": 200,
        "failure": None,
        "detail": None,
    }
    return Sample(**{**fields, **changes})


def columns(samples: Iterable[Sample]) -> Columns:
    """Their columns, tokens counted by the server's usage."""
    return collect(samples, lambda one: one.completion_tokens)


def closed_loop(requests: int, *, streams: int = 1, seed: int = 0) -> list[Sample]:
    """Requests one after another on each stream, with a little natural variation."""
    rng = np.random.default_rng(seed)
    samples = []
    for stream in range(streams):
        start = 0.0
        for i in range(requests // streams):
            text = f"{i:5} {stream:5}"
            one = sample(start=start, ttft=0.1 + 0.002 * rng.random(), index=i, stream=stream, text=text)
            samples.append(one)
            start = one.end_s + 0.0001
    return samples
