"""Count the tokens of answers and prompts that came without usage, and judge whether such answers are complete."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sagellm_benchmark.client.sample import Sample, short_of
from sagellm_benchmark.engines.counting import Counting
from sagellm_benchmark.engines.tokens import TokenCounter, attempt
from sagellm_benchmark.verdict import texts
from sagellm_benchmark.verdict.recounts import Recount
from sagellm_benchmark.workload.sources import Source

RECOUNTED = 30  # answers with usage whose text is tokenized again
PRICED = 8  # prompts whose length the server is asked for after a run, if its streams did not tell


class Completer:
    """Gives each sample its tokens: by the server's usage, or else as the plan of counting says, if it can.

    If there are both usage and a tokenizer, some answers, drawn from all, are counted both ways at the end, so that a
    disagreement comes to light.
    """

    def __init__(self, counting: Counting, *, exact_output: bool) -> None:
        self._answers = counting.answers
        self._exact_output = exact_output
        self._tokenizer = _cheap(counting.prompts)
        self._drawn = Draw(RECOUNTED)
        self.echoes = 0  # the number of answers that begin with a piece of their prompt

    def __call__(self, sample: Sample, prompt: str, prices: Mapping[int, int]) -> tuple[Sample, int | None]:
        """Return the completed sample and its answer's tokens; None if it failed, or if nobody counted them.

        `prices` maps a sample's index to its prompt tokens, if the streams did not tell them.
        """
        if not sample.ok:
            return sample, None
        self.echoes += texts.echoes(sample.text, prompt)
        if sample.completion_tokens is not None:
            self._drawn.offer(sample)
            return sample, sample.completion_tokens
        tokens = self._answers.count(sample.text, len(sample.event_s))
        asked = sample.asked_output_tokens
        seen = _generated(sample, tokens)
        short = short_of(seen, asked, sample.finish_reason, exact_output=self._exact_output)
        failure, detail = short or (None, None)
        price = prices.get(sample.index) if sample.prompt_tokens is None else sample.prompt_tokens
        completed = replace(sample, prompt_tokens=price, failure=failure, detail=detail)
        return completed, None if short else tokens

    def recounts(self) -> list[Recount]:
        """Ask the server's tokenizer how many tokens the drawn answers have, for as long as the server answers."""
        counter = self._tokenizer
        nothing = None if counter is None else attempt(counter.count, "")
        if counter is None or nothing is None:
            return []
        found: list[Recount] = []
        for sample in self._drawn.samples:
            whole = attempt(counter.count, sample.text)
            if whole is None:
                break
            found.append(Recount(sample.completion_tokens or 0, whole - nothing, _step_s(sample)))
        return found


class Draw:
    """A fair draw of at most `size` samples from any number offered: Waterman's algorithm R (Knuth, TAOCP 3.4.2).

    No server can know which of its answers will be looked at.
    """

    def __init__(self, size: int) -> None:
        self.samples: list[Sample] = []
        self._size = size
        self._offered = 0
        self._chance = random.SystemRandom()

    def offer(self, sample: Sample) -> None:
        """Keep the sample in place of an earlier one, or drop it, by chance."""
        place = self._chance.randrange(self._offered + 1)
        self._offered += 1
        if len(self.samples) < self._size:
            self.samples.append(sample)
        elif place < self._size:
            self.samples[place] = sample


def _step_s(sample: Sample) -> float | None:
    """Return the mean seconds of a token after the first one, up to the last byte; None for fewer than two tokens.

    The last event is too early an end: tokens without text come after it.
    """
    tokens = sample.completion_tokens or 0
    return (sample.end_s - sample.event_s[0]) / (tokens - 1) if tokens > 1 else None


def prices(counting: Counting, source: Source, turns: int) -> Mapping[int, int]:
    """Return the tokens of a run's first prompts by index, as the server counts them.

    Empty if the streams tell them already, if the server cannot, or for conversations of several turns.
    """
    if counting.charged is None or turns > 1:
        return {}
    return dict(_priced(counting.charged, source))


def _priced(counter: TokenCounter, source: Source) -> Iterator[tuple[int, int]]:
    for index in range(min(source.count, PRICED)):
        found = attempt(counter.count, source.conversation(index)[0].text)
        if found is None:
            return
        yield index, found


def _cheap(counter: TokenCounter | None) -> TokenCounter | None:
    return counter if counter is not None and counter.cheap else None


def _generated(sample: Sample, tokens: int | None) -> int:
    """Return how many tokens the server generated, judging by the tokens of the text and by its events.

    A text that is tokenized again can have fewer tokens than were generated. So if an answer ended because of its
    length, with at least one event for each token asked for, its events count, unless its text has less than half as
    many tokens.
    """
    events = len(sample.event_s)
    if tokens is None:
        return events
    whole = sample.finish_reason == "length" and events >= sample.asked_output_tokens
    return events if whole and 2 * tokens >= events else tokens
