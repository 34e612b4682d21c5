"""The repeat-prompt test: what a prompt cache would make of prompts that this server has seen."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sagellm_benchmark.client.terms import Conversations, Observed
from sagellm_benchmark.engines.tokens import TokenCounter
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.workload.sources import RANDOM, open_source
from sagellm_benchmark.workload.workloads import Workload

PROMPTS = 3
_ANSWER_TOKENS = 4  # enough to see the first one come


def repeat_test(
    workload: Workload, counter: TokenCounter | None, send: Callable[[Conversations, int], Observed]
) -> RepeatTest | None:
    """Send a few new prompts of the workload's length one after the other, twice; None where that was not answered.

    Their words come from a seed of its own, so that they are new even when a run is repeated with --seed. Raises
    KeyboardInterrupt where it was stopped.
    """
    answer = min(workload.output_tokens, _ANSWER_TOKENS)
    short = replace(workload, requests=PROMPTS, output_tokens=answer, turns=1)
    prompts = open_source(RANDOM, short, secrets.randbelow(2**31), counter).conversation
    medians = []
    for _ in range(2):
        observed = send(prompts, PROMPTS)
        if observed.interrupted:
            raise KeyboardInterrupt
        answers = [sample for sample in observed.samples() if sample.ok]
        times = [answer.ttft_s for answer in answers if answer.ttft_s is not None]
        if len(times) < PROMPTS:
            return None
        medians.append(float(np.median(times)))
    return RepeatTest(*medians)
