"""How many prompts are sent twice, and how long their answers are. They come from runs of known times."""

from __future__ import annotations

from sagellm_benchmark.runs.cache_probe import Plan, plan
from sagellm_benchmark.verdict.stats import Columns
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
