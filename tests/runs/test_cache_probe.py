"""How many prompts are sent twice, how long their answers are, and what is made of their known times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.runs.cache_probe import Plan, plan, repeat_test
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.columns import Columns
from sagellm_benchmark.workload.workloads import Workload
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
        return Load([sample(ttft=ttft) for ttft in islice(times, count)])

    def test(self, streams: int = 4) -> RepeatTest | None:
        return repeat_test(Plan(32, 64), work(streams), None, self, streams)


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
