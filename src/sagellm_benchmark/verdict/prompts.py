"""Checks that prompts were computed and not cached, by the server's own report and by how soon it answered."""

from __future__ import annotations

import numpy as np

from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.columns import known
from sagellm_benchmark.verdict.evidence import Evidence, Findings, NotChecked
from sagellm_benchmark.verdict.machine import MOST_SLOWED, busy
from sagellm_benchmark.verdict.streams import LENGTH_TOLERANCE


def uncached(e: Evidence) -> Findings:
    """Check that prompts were not answered from a prefix cache, whatever the server says."""
    if e.prompts_repeated:
        yield "prompts were sent more than once, so a cache may have answered them; give a larger dataset"
    if e.may_cache or not e.columns.answered:
        return
    cached = known(e.columns.cached_tokens)
    # 1: the beginning-of-text token is always shared
    beyond = float(np.maximum(cached - e.shared_prefix_tokens - 1, 0).sum())
    share = beyond / max(np.nansum(e.columns.prompt_tokens), 1)
    if share > LENGTH_TOLERANCE:
        yield f"{share:.0%} of the prompt tokens came from the server's cache; use another --seed or restart the server"
    else:
        yield from _as_slow_as_new_prompts(e)


def _as_slow_as_new_prompts(e: Evidence) -> Findings:
    """Check that the run's prompts were not answered as quickly as repeated ones."""
    test = e.repeat_test
    if test is None or not test.tells:
        yield NotChecked(
            "prefix cache, apart from what the server says: there was not enough time to send enough new prompts twice"
        )
    elif share := test.answered(e.columns.ttft_s, _slowed(test)):
        yield (
            f"{share:.0%} of the prompts were answered from a cache: their TTFT is like that of repeated ones "
            f"({test.quick_s * 1e3:.1f} ms), not of new ones ({test.new_ttft_s * 1e3:.1f} ms); "
            "use another --seed or restart the server"
        )
    elif test.answered(e.columns.ttft_s):
        yield NotChecked(
            "prefix cache: the machine was busy while prompts were sent twice, so their TTFT cannot be compared"
        )
    elif test.shows_cache and float(np.median(e.columns.ttft_s)) > max(test.new_s):
        yield NotChecked("prefix cache: requests waited for each other, so TTFT cannot show it")
    elif few := test.too_few(e.columns.ttft_s):
        yield NotChecked(f"prefix cache: {few} requests were as quick as repeated ones, which may be chance")
    elif share := test.known(e.columns.ttft_s, e.concurrency or 1):
        yield _known_in_advance(share, test)


def _known_in_advance(share: float, test: RepeatTest) -> str | NotChecked:
    """Return what it means that a run's TTFTs are much shorter than those of new prompts after the run."""
    new_ms = test.new_ttft_s * 1e3
    if test.recall is None:
        return NotChecked(
            f"prompts known in advance: {share:.0%} may have been, for their TTFT is much shorter than that of new "
            f"ones ({new_ms:.1f} ms); there was not enough time to send them again"
        )
    if not test.recall.knew:
        return NotChecked(
            f"prompts known in advance: {share:.0%} may have been, for their TTFT is much shorter than that of new "
            f"ones ({new_ms:.1f} ms); sent again, they took as long as new ones, "
            "so the server may only have been slower after the run"
        )
    return (
        f"{share:.0%} of the prompts were known in advance: their TTFT is much shorter than that of new ones "
        f"({new_ms:.1f} ms), repeated or not; use another --seed"
    )


def _slowed(test: RepeatTest) -> float:
    """Return how many times slower than during the run the server may have been during the test."""
    return MOST_SLOWED if test.contention is not None and busy(test.contention) else 1.0
