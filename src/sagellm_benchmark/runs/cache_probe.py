"""The repeat-prompt test: what a prompt cache would make of prompts that this server has seen."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sagellm_benchmark.client.terms import Conversations, Observed
from sagellm_benchmark.engines.tokens import TokenCounter
from sagellm_benchmark.verdict.cached import FEWEST, RepeatTest
from sagellm_benchmark.verdict.columns import Columns, known
from sagellm_benchmark.workload.lexicon import Lexicon
from sagellm_benchmark.workload.sources import RANDOM, open_source
from sagellm_benchmark.workload.workloads import Workload

PROMPTS = 32
SHORTEST_S, LONGEST_S = 5.0, 20.0  # for both passes; in between half as long as the run
SHORTEST_ANSWER = 4  # tokens; enough to see the first one come
_TOLD_ALONE_S = 0.01  # TTFT of a new prompt that is alone: below it a cache may save too little to be seen

Send = Callable[[Conversations, int, int], Observed]
"""Sends that many of these conversations, in that many streams."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many prompts are sent twice, and how long their answers are."""

    prompts: int
    answer_tokens: int


def plan(columns: Columns, workload: Workload, streams: int) -> Plan | None:
    """Return what fits into the time: as many prompts as tell, then as long answers as the run's; None where too few
    would.

    A prompt that is alone waits for nobody's answer, so `streams` of one are given no time for the sake of long ones.
    """
    ttft_s, tpot = float(np.median(columns.ttft_s)), known(columns.tpot_s)
    tpot_s = float(np.median(tpot)) if len(tpot) else 0.0
    shortest = min(workload.output_tokens, SHORTEST_ANSWER)
    one_s = max(ttft_s + shortest * tpot_s, 1e-6)
    least_s = SHORTEST_S if streams > 1 else min(2 * PROMPTS * one_s, SHORTEST_S)
    time_s = min(max(columns.window_s / 2, least_s), LONGEST_S) * streams
    prompts = min(int(time_s / 2 / one_s + 1e-6), max(PROMPTS, streams))
    if prompts < FEWEST:
        return None
    room = (time_s / 2 / prompts - ttft_s) / tpot_s if tpot_s else float(workload.output_tokens)
    return Plan(prompts, int(min(max(room, shortest), workload.output_tokens)))


def repeat_test(
    asked: Plan,
    workload: Workload,
    counter: TokenCounter | None,
    send: Send,
    streams: int,
    lexicon: Lexicon | None = None,
) -> RepeatTest | None:
    """Send new prompts of the workload's length twice, at its concurrency; None where that was not answered.

    Where prompts meet, what one waits for depends on which are batched together, and all of a batch wait alike: that
    can look like a cache, as can a machine that was busy while new prompts were sent. So what looks like one is looked
    at again with other prompts that are alone, where a cache shows as well, and that test stands where it sees none.

    Their words come from a seed of its own, so that they are new even when a run is repeated with --seed; what they
    cost the run's `lexicon` knows. Raises KeyboardInterrupt where it was stopped.
    """
    sent_twice = partial(_sent_twice, workload=workload, counter=counter, send=send, lexicon=lexicon)
    together = sent_twice(asked, streams=streams)
    if together is None or not together.shows_cache:
        return together
    fitting = int(LONGEST_S / 2 / min(together.new_s))
    few = Plan(max(FEWEST, min(asked.prompts, fitting)), min(asked.answer_tokens, SHORTEST_ANSWER))
    alone = sent_twice(few, streams=1)
    cleared = alone is not None and alone.new_ttft_s >= _TOLD_ALONE_S and not alone.much_sooner
    return alone if cleared else together


def _sent_twice(
    asked: Plan,
    workload: Workload,
    counter: TokenCounter | None,
    send: Send,
    streams: int,
    lexicon: Lexicon | None,
) -> RepeatTest | None:
    short = replace(workload, requests=asked.prompts, output_tokens=asked.answer_tokens, turns=1)
    prompts = open_source(RANDOM, short, secrets.randbelow(2**31), counter, lexicon=lexicon).conversation
    passes = []
    for _ in range(2):
        observed = send(prompts, asked.prompts, streams)
        if observed.interrupted:
            raise KeyboardInterrupt
        times = [sample.ttft_s for sample in observed.samples() if sample.ok and sample.ttft_s is not None]
        if len(times) < max(asked.prompts // 2, FEWEST):
            return None
        passes.append(times)
    return RepeatTest.of(*passes, shorter_answers=asked.answer_tokens < workload.output_tokens)
