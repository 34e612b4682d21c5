"""How many prompts are sent twice, how long their answers are, and what is made of their known times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.client.terms import Conversations
from sagellm_benchmark.runs.cache_probe import CacheProbe, Plan, plan
from sagellm_benchmark.verdict.cached import Recall, RepeatTest
from sagellm_benchmark.verdict.columns import Columns
from sagellm_benchmark.workload.workloads import Turn, Workload
from tests.fakes.samples import columns, sample


def run_of(seconds: float, *, ttft: float, itl: float) -> Columns:
    """A run that lasted so long, of answers of 64 tokens."""
    each_s = ttft + 63 * itl
    starts = [seconds - each_s] if seconds > each_s else []
    return columns(sample(start=start, ttft=ttft, itl=itl, tokens=64) for start in (0.0, *starts))


def work(streams: int = 1) -> Workload:
    return Workload("custom", 5, 32, 64, streams)


def test_a_prompt_that_is_alone_is_answered_no_longer_than_it_tells() -> None:
    assert plan(run_of(0.5, ttft=0.01, itl=0.01), work(), 1) == Plan(prompts=32, answer_tokens=4)


def test_prompts_in_company_have_answers_as_long_as_the_runs_own() -> None:
    assert plan(run_of(0.5, ttft=0.01, itl=0.002), work(8), 8) == Plan(prompts=32, answer_tokens=64)


def test_a_longer_run_leaves_time_for_longer_answers() -> None:
    assert plan(run_of(40.0, ttft=0.01, itl=0.002), work(), 1) == Plan(prompts=32, answer_tokens=64)


def test_a_slow_server_is_asked_fewer_prompts_within_the_time() -> None:
    assert plan(run_of(30.0, ttft=0.5, itl=0.0), work(), 1) == Plan(prompts=15, answer_tokens=64)


def test_too_few_prompts_are_none() -> None:
    assert plan(run_of(0.5, ttft=0.4, itl=0.0), work(), 1) is None


def test_one_after_another_under_a_workload_of_many_has_no_more_time_than_one_stream() -> None:
    within_15_s = plan(run_of(30.0, ttft=1.0, itl=0.0), work(16), 1)
    assert within_15_s is None  # 7 requests twice; 16 streams would send 32


@dataclass(frozen=True)
class Load:
    """A load that is over."""

    sent: list[Sample]
    interrupted: bool = False

    def samples(self) -> Iterator[Sample]:
        return iter(self.sent)


class Sends:
    """Answers each load with the TTFT of its next line, seconds, and keeps how many streams sent it."""

    def __init__(self, *loads: Sequence[float]) -> None:
        self.streams: list[int] = []
        self._loads = iter(loads)

    def __call__(self, conversations: object, count: int, streams: int) -> Any:
        self.streams.append(streams)
        times = cycle(next(self._loads))
        return Load([sample(index=i, ttft=ttft) for i, ttft in enumerate(islice(times, count))])

    def test(self, streams: int = 4) -> RepeatTest | None:
        return CacheProbe(work(streams), None, self).repeat_test(Plan(32, 64), streams)


BATCHED = [0.6, 0.6, 0.6, 0.6]  # all four at once
WAITING = [0.3, 5.6, 5.6, 5.6]  # one, and then the others


def test_prompts_that_were_batched_differently_are_no_cache_where_alone_they_take_as_long() -> None:
    sends = Sends(WAITING, BATCHED, [0.25, 0.3], [0.24, 0.31])
    found = sends.test()
    assert found is not None
    assert not found.shows_cache
    assert found.repeated_ttft_s == 0.275
    assert sends.streams == [4, 4, 1, 1]


def test_a_cache_shows_alone_as_well_and_stands() -> None:
    found = Sends(WAITING, BATCHED, [0.25, 0.3], [0.02, 0.03]).test()
    assert found is not None
    assert found.shows_cache
    assert found.repeated_ttft_s == 0.6


def test_a_cache_of_some_prompts_stands() -> None:
    found = Sends(WAITING, BATCHED, [0.25], [0.02, 0.25, 0.25, 0.25]).test()
    assert found is not None
    assert found.shows_cache


def test_prompts_so_quick_alone_that_a_cache_would_not_show_clear_nobody() -> None:
    found = Sends(WAITING, BATCHED, [0.005], [0.005]).test()
    assert found is not None
    assert found.shows_cache


def test_a_machine_that_was_busy_while_new_prompts_were_sent_is_no_cache() -> None:
    found = Sends([0.35], [0.07], [0.07], [0.07]).test(streams=1)
    assert found is not None
    assert not found.shows_cache


def test_what_does_not_look_like_a_cache_is_not_looked_at_again() -> None:
    sends = Sends(BATCHED, BATCHED)
    assert sends.test() is not None
    assert sends.streams == [4, 4]


QUICK, SLOW = 0.03, 0.1
RUN = [SLOW, QUICK, QUICK, QUICK]  # three prompts of four as if they had been known


class Remembers:
    """Answers new prompts slowly and those of the run as it is told; keeps what it was asked."""

    def __init__(self, run_again_s: float, repeated_s: float = SLOW) -> None:
        self.run_again_s, self.repeated_s = run_again_s, repeated_s
        self.asked: list[tuple[str, int]] = []

    def __call__(self, conversations: Conversations, count: int, streams: int) -> Any:
        turns = [conversations(index)[0] for index in range(count)]
        seen = {text for text, _ in self.asked}
        self.asked += [(turn.text, turn.output_tokens) for turn in turns]
        return Load([sample(index=i, ttft=self._ttft(turn.text, seen)) for i, turn in enumerate(turns)])

    def _ttft(self, text: str, seen: set[str]) -> float:
        if text.startswith("run"):
            return self.run_again_s
        return self.repeated_s if text in seen else SLOW

    def recall(self, ttfts: Sequence[float] = RUN * 15) -> Recall | None:
        run = columns(sample(index=i, ttft=ttft, start=2.0 * i) for i, ttft in enumerate(ttfts))
        probe = CacheProbe(work(), None, self)
        found = probe.test(Plan(32, 64), run, lambda i: (Turn(f"run {i}", 32, 64),), 1)
        assert found is not None
        return found.recall


def test_the_quickest_prompts_of_a_run_are_sent_again_in_turn_with_new_ones() -> None:
    sends = Remembers(QUICK)
    recall = sends.recall()
    assert recall is not None
    assert (len(recall.run_s), len(recall.new_s), len(recall.repeated_s)) == (32, 32, 32)
    texts = [text for text, _ in sends.asked[-96:]]
    assert {text for text in texts if text.startswith("run")} == set(texts[1::3])
    assert texts[::3] == texts[2::3]
    slow = {f"run {i}" for i in range(0, 60, 4)}
    assert not slow & set(texts)
    assert {tokens for _, tokens in sends.asked[-96:]} == {4}


def test_a_server_that_answers_them_sooner_once_more_knew_them() -> None:
    recall = Remembers(QUICK).recall()
    assert recall is not None
    assert recall.knew


def test_a_server_that_is_as_slow_with_them_as_with_new_ones_is_not_told_from_a_slower_machine() -> None:
    recall = Remembers(SLOW).recall()
    assert recall is not None
    assert not recall.knew


def test_prompts_that_look_computed_are_not_sent_again() -> None:
    assert Remembers(QUICK).recall([SLOW] * 60) is None


def test_too_few_prompts_of_a_run_are_not_sent_again() -> None:
    assert Remembers(QUICK).recall([QUICK] * 7) is None


def test_prompts_so_slow_that_the_time_is_not_enough_are_not_sent_again() -> None:
    run = columns(sample(index=i, ttft=0.5, itl=0.001) for i in range(60))
    probe = CacheProbe(work(8), None, Sends([3.0], [3.0]))
    slow = probe.test(Plan(32, 64), run, lambda i: (Turn(f"run {i}", 32, 64),), 8)
    assert slow is not None
    assert slow.recall is None
