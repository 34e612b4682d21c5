"""The repeat-prompt test: whether the server answers prompts that it has seen sooner, as a prompt cache would."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sagellm_benchmark.client.terms import Conversations, Observed
from sagellm_benchmark.engines.tokens import TokenCounter
from sagellm_benchmark.verdict.cached import FEWEST, Recall, RepeatTest
from sagellm_benchmark.verdict.columns import Columns, known
from sagellm_benchmark.workload.lexicon import Lexicon
from sagellm_benchmark.workload.sources import RANDOM, open_source
from sagellm_benchmark.workload.workloads import Conversation, Workload

PROMPTS = 32
SHORTEST_S, LONGEST_S = 5.0, 20.0  # both passes together; half as long as the run, within these limits
SHORTEST_ANSWER = 4  # tokens; enough to see the first one arrive
_TOLD_ALONE_S = 0.01  # TTFT of a new prompt sent alone; below it, a cache may save too little to be seen

Send = Callable[[Conversations, int, int], Observed]
"""Sends conversations: takes them, their number, and the number of streams."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many prompts are sent twice, and the length of their answers."""

    prompts: int
    answer_tokens: int


def plan(columns: Columns, workload: Workload, streams: int) -> Plan | None:
    """Return what fits into the time: first enough prompts, then answers up to the length of the run's.

    None if fewer than FEWEST prompts fit. A single stream gets no extra time for long answers, because its prompts
    never wait for other answers.
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


@dataclass(frozen=True, slots=True)
class CacheProbe:
    """Sends prompts of the workload's length that nobody can have sent before.

    Their words come from a fresh seed, so they are new even if a run is repeated with --seed; the run's `lexicon` knows
    how many tokens each word has. Every method that sends raises KeyboardInterrupt if it is stopped.
    """

    workload: Workload
    counter: TokenCounter | None
    send: Send
    lexicon: Lexicon | None = None

    def test(self, asked: Plan, columns: Columns, run: Conversations, streams: int) -> RepeatTest | None:
        """Return the repeat test of a run with these columns and conversations; None if too few were answered."""
        test = self.repeat_test(asked, streams)
        if test is None or not test.known(columns.ttft_s, streams):
            return test
        return replace(test, recall=self._recall(columns, run, min(test.new_s)))

    def repeat_test(self, asked: Plan, streams: int) -> RepeatTest | None:
        """Send new prompts twice in `streams` streams, and return the times of both passes; None if too few were
        answered.

        Prompts that are sent together wait for each other, depending on how the server batches them. That can look
        like a cache, and so can a machine that was busy during the first pass. If the test sees a cache, it is
        therefore repeated with other prompts, one at a time. If that second test clearly sees none, it counts.
        """
        together = self._sent_twice(asked, streams)
        if together is None or not together.shows_cache:
            return together
        prompts = min(asked.prompts, _fitting(2, min(together.new_s)))
        alone = self._sent_twice(Plan(max(FEWEST, prompts), min(asked.answer_tokens, SHORTEST_ANSWER)), 1)
        cleared = alone is not None and alone.new_ttft_s >= _TOLD_ALONE_S and not alone.much_sooner
        return alone if cleared else together

    def _sent_twice(self, asked: Plan, streams: int) -> RepeatTest | None:
        prompts = self._new_prompts(asked)
        passes = []
        for _ in range(2):
            times = list(self._ttfts_s(prompts, asked.prompts, streams).values())
            if len(times) < max(asked.prompts // 2, FEWEST):
                return None
            passes.append(times)
        return RepeatTest.of(*passes, shorter_answers=asked.answer_tokens < self.workload.output_tokens)

    def _recall(self, columns: Columns, run: Conversations, one_s: float) -> Recall | None:
        """Send the run's quickest prompts again, each after a new prompt and before the repetition of that prompt."""
        quickest = columns.conversation[np.argsort(columns.ttft_s)][: min(PROMPTS, _fitting(3, one_s))]
        if len(quickest) < FEWEST:
            return None
        answer_tokens = min(self.workload.output_tokens, SHORTEST_ANSWER)
        new = self._new_prompts(Plan(len(quickest), answer_tokens))

        def in_turn(index: int) -> Conversation:
            which, place = divmod(index, 3)
            if place != 1:
                return new(which)
            return tuple(replace(turn, output_tokens=answer_tokens) for turn in run(int(quickest[which])))

        times = self._ttfts_s(in_turn, 3 * len(quickest), 1)
        new_s, run_s, repeated_s = (
            tuple(time for index, time in times.items() if index % 3 == place) for place in range(3)
        )
        if min(len(new_s), len(run_s), len(repeated_s)) < FEWEST:
            return None
        return Recall(run_s, new_s, repeated_s)

    def _new_prompts(self, asked: Plan) -> Conversations:
        short = replace(self.workload, requests=asked.prompts, output_tokens=asked.answer_tokens, turns=1)
        seed = secrets.randbelow(2**31)
        return open_source(RANDOM, short, seed, self.counter, lexicon=self.lexicon).conversation

    def _ttfts_s(self, conversations: Conversations, count: int, streams: int) -> dict[int, float]:
        """Return the TTFT in seconds of each conversation that was answered, by its index."""
        observed = self.send(conversations, count, streams)
        if observed.interrupted:
            raise KeyboardInterrupt
        return {
            sample.index: sample.ttft_s
            for sample in observed.samples()
            if sample.ok and sample.ttft_s is not None
        }


def _fitting(passes: int, one_s: float) -> int:
    """Return how many prompts with a TTFT of `one_s` can be sent `passes` times within LONGEST_S, one at a time."""
    return int(LONGEST_S / passes / one_s)
