"""The repeat-prompt test: what a prompt cache would make of prompts that this server has seen."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sagellm_benchmark.bench.load import Conversations, Observed
from sagellm_benchmark.bench.sources import RANDOM, open_source
from sagellm_benchmark.bench.workload import Workload
from sagellm_benchmark.engines.tokens import TokenCounter

PROMPTS = 3
_ANSWER_TOKENS = 4  # enough to see the first one come
_VISIBLE = 0.6  # of a new prompt's TTFT: a repeated one that takes longer shows no cache
_VISIBLE_S = 0.002  # by which it must be quicker, too; less is noise


@dataclass(frozen=True, slots=True)
class RepeatTest:
    """TTFT (median, seconds) of prompts that nobody can have sent before, and of the same ones sent once more."""

    new_ttft_s: float
    repeated_ttft_s: float

    @property
    def shows_cache(self) -> bool:
        """Whether the server answers a prompt much sooner when it has seen it."""
        saved_s = self.new_ttft_s - self.repeated_ttft_s
        return saved_s >= _VISIBLE_S and self.repeated_ttft_s <= _VISIBLE * self.new_ttft_s

    def explains(self, ttft_s: float) -> bool:
        """Whether such a TTFT is that of a prompt which the server had seen: nearer to those than to the new ones."""
        return self.shows_cache and ttft_s < (self.new_ttft_s + self.repeated_ttft_s) / 2


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
