from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.runs.record import Summary
from sagellm_benchmark.runs.search import Found, Outcome, Search, Step, found, is_burst, judged, shapes
from sagellm_benchmark.runs.spec import LoadShape, RunSpec, lasting, shaped
from sagellm_benchmark.verdict.evidence import Bottleneck
from sagellm_benchmark.verdict.figures import Figures
from sagellm_benchmark.verdict.stats import Distribution
from sagellm_benchmark.verdict.summarize import Numbers
from sagellm_benchmark.workload import schedule
from sagellm_benchmark.workload.workloads import WORKLOADS
from tests.fakes.records import a_summary
from tests.fakes.samples import sample
from tests.servers.engine import Engine, even
from tests.servers.measured import Setting, run
from tests.servers.stream import Streaming

pytestmark = pytest.mark.no_cover


def tried(capacity: float, first: float = 1.0) -> tuple[list[float], Search]:
    """The rates that are tried on a server that keeps its objectives up to `capacity`, and how it ends."""
    rates: list[float] = []
    search = Search(first=first)
    while not search.done:
        rates.append(search.rate)
        search = search.after(rates[-1], Outcome.KEPT if rates[-1] <= capacity else Outcome.MISSED)
    return rates, search


def test_rates_double_until_one_is_missed_and_are_halved_in_between_from_then_on() -> None:
    rates, found = tried(10.0)
    assert rates == [1, 2, 4, 8, 16, 12, 10, 11, 10.5]
    assert (found.kept, found.missed) == (10, 10.5)


@given(st.floats(1.0, 1000.0))
def test_the_search_ends_within_a_twentieth_below_the_capacity(capacity: float) -> None:
    rates, found = tried(capacity)
    assert found.missed is not None
    assert found.kept <= capacity < found.missed
    assert found.missed <= found.kept / 0.95 * 1.000001 or len(rates) == 16


def test_a_server_that_never_keeps_them_is_searched_downwards_to_nothing() -> None:
    rates, found = tried(0.0)
    assert rates == [1, 1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32]
    assert found.kept == 0.0


def test_a_server_that_always_keeps_them_is_not_searched_for_ever() -> None:
    rates, _ = tried(float("inf"))
    assert rates == [2.0**step for step in range(16)]


def test_the_first_rate_is_the_users() -> None:
    assert Search(first=4.0).rate == pytest.approx(4.0)


def summary(
    rate: float,
    *,
    requests: int = 10_000,
    attainment: float | None = 1.0,
    valid: bool = True,
    limited_by: Bottleneck | None = None,
    interval: tuple[float, float] = (0.99, 1.0),
) -> Summary:
    """Of a run with a latency of one second."""
    second = Distribution(mean=1000.0, p50=1000.0, p90=None, p99=None, min=None, max=None, count=requests)
    figures = Figures({"requests": requests, "slo_attainment": attainment}, {"e2e_ms": second})
    numbers = Numbers(figures, intervals={"slo_attainment": interval})
    return a_summary(asked_rate_rps=rate, valid=valid, limited_by=limited_by, numbers=numbers)


def test_a_rate_is_kept_by_a_valid_run_within_the_objectives() -> None:
    assert judged(summary(10.0)) == Step(10.0, Outcome.KEPT, sure=True)
    assert judged(summary(10.0, valid=False)).outcome is Outcome.MISSED
    assert judged(summary(10.0, attainment=0.89)).outcome is Outcome.MISSED
    assert judged(summary(10.0, attainment=None)).outcome is Outcome.MISSED


def test_a_rate_at_which_our_own_client_was_late_says_nothing_of_the_server() -> None:
    late = summary(2048.0, valid=False, limited_by="client")
    assert judged(late) == Step(2048.0, Outcome.LIMITED, sure=False, limited_by="client")


def test_a_share_that_chance_may_have_made_is_not_sure() -> None:
    assert not judged(summary(10.0, attainment=0.92, interval=(0.85, 0.96))).sure
    assert not judged(summary(10.0, attainment=0.88, interval=(0.8, 0.93))).sure
    assert judged(summary(10.0, attainment=0.5, interval=(0.4, 0.6))).sure


def test_a_burst_that_is_over_before_its_first_answers_shows_no_rate() -> None:
    burst = summary(30_000.0, requests=10)
    assert is_burst(burst)
    assert judged(burst).outcome is Outcome.MISSED
    assert found([summary(8.0), burst]).rate_rps == pytest.approx(8.0)
    assert found([burst]).rate_rps is None


def test_what_is_found_lies_between_what_was_surely_kept_and_surely_missed() -> None:
    tried = [
        summary(8.0),
        summary(16.0, attainment=0.3, interval=(0.2, 0.4)),
        summary(12.0, attainment=0.8, interval=(0.7, 0.89)),
        summary(10.0, attainment=0.91, interval=(0.85, 0.95)),
        summary(11.0, attainment=0.89, interval=(0.8, 0.94)),
    ]
    assert found(tried).rate_rps == pytest.approx(10.0)
    assert found(tried).interval_rps == (8.0, 12.0)
    assert found(tried).limited_by is None


def test_a_rate_at_which_the_search_was_broken_off_is_not_taken_for_missed() -> None:
    broken_off = replace(summary(16.0, attainment=0.0, valid=False), status="interrupted")
    assert found([summary(8.0), broken_off]) == found([summary(8.0)])
    assert found([broken_off]) == Found(None, None, None, ())


def test_a_search_that_the_client_ended_has_no_upper_bound() -> None:
    tried = [summary(1024.0), summary(2048.0, valid=False, limited_by="client"), summary(1536.0)]
    assert found(tried) == Found(
        1536.0,
        (1536.0, None),
        "client",
        (
            Step(1024.0, Outcome.KEPT, sure=True),
            Step(2048.0, Outcome.LIMITED, sure=False, limited_by="client"),
            Step(1536.0, Outcome.KEPT, sure=True),
        ),
    )


def test_the_server_is_blamed_where_it_gave_out_below_the_client() -> None:
    tried = [
        summary(1024.0),
        summary(2048.0, valid=False, limited_by="client"),
        summary(1536.0, attainment=0.2, interval=(0.1, 0.3)),
    ]
    assert (found(tried).limited_by, found(tried).interval_rps) == (None, (1024.0, 1536.0))


def searched(server: Callable[[float], Summary]) -> Found:
    """A whole search against a server that answers with a summary for each rate."""
    spec = RunSpec((WORKLOADS["Q1"],), Path(), "", search_goodput=True, shapes=(LoadShape(),))
    asking, tried = shapes(spec), list[Summary]()
    shape: LoadShape | None = next(asking)
    while shape is not None:
        tried.append(server(shape.rate_rps or 0.0))
        shape = next_of(asking, tried[-1])
    return found(tried)


def next_of(asking: Generator[LoadShape, Summary, None], seen: Summary) -> LoadShape | None:
    try:
        return asking.send(seen)
    except StopIteration:
        return None


SERVICE_S, OBJECTIVE_S = 0.01, 0.05  # of one answer after the other, and until its first token


def queued(rate: float, seed: int, *, client_gives_out: float = math.inf) -> Summary:
    """Poisson arrivals at a server of known timing on a controlled clock: each answer takes SERVICE_S, one by one."""
    load = lasting(WORKLOADS["Q1"], LoadShape(rate_rps=rate))
    due = schedule.poisson(rate, load.requests, np.random.default_rng((seed, round(rate * 1000))))
    free, samples = 0.0, []
    for index, moment in enumerate(due):
        free = max(free, moment) + SERVICE_S
        samples.append(
            sample(index=index, start=moment, due_s=moment, ttft=free - moment, itl=0.001, tokens=2)
        )
    seen = a_summary(samples, slo_s={"ttft": OBJECTIVE_S}, asked_rate_rps=rate)
    late: Bottleneck | None = "client" if rate > client_gives_out else None
    return replace(seen, limited_by=late, valid=late is None)


TRUE_RATE = 75.5  # at which 90 % of the waits and services of M/D/1 with 10 ms end within 50 ms


@pytest.mark.parametrize("seed", range(10))
def test_the_rate_of_a_server_of_known_timing_is_found_and_lies_in_its_interval(seed: int) -> None:
    result = searched(lambda rate: queued(rate, seed))
    assert result.rate_rps == pytest.approx(TRUE_RATE, rel=0.15)
    assert result.interval_rps is not None
    low, high = result.interval_rps
    assert high is not None
    assert low <= TRUE_RATE <= high
    assert result.limited_by is None


def served(rate: float) -> Summary:
    """Arrivals, evenly spread, at a server that takes SERVICE_S for an answer; sent by the real client."""
    load = lasting(WORKLOADS["Q1"], LoadShape(rate_rps=rate))
    due = tuple(i / rate for i in range(load.requests))
    engine = Engine(even(SERVICE_S / 2, SERVICE_S / 6), slots=1)
    objectives = {"ttft": OBJECTIVE_S}
    asked = Setting(len(due), output_tokens=4, due_s=due, rate_rps=rate, slo_s=objectives)
    result = run(Streaming(engine), asked)
    return a_summary(
        valid=result.verdict.valid, numbers=result.numbers, asked_rate_rps=rate, slo_s=objectives
    )


@pytest.mark.slow
def test_the_real_client_finds_the_rate_of_a_server_on_a_controlled_clock() -> None:
    """100 a second are all that it can answer; beyond that its queue grows, and TTFT with it."""
    result = searched(served)
    assert result.rate_rps is not None
    assert 95 <= result.rate_rps <= 100
    assert result.interval_rps is not None
    low, high = result.interval_rps
    assert high is not None
    assert low <= 100 <= high <= 110


def test_the_rates_that_a_search_tries_are_the_same_each_time() -> None:
    result = searched(lambda rate: queued(rate, 6))
    assert [step.rate_rps for step in result.steps] == [1, 2, 4, 8, 16, 32, 64, 128, 96, 80, 72, 76]
    assert (result.rate_rps, result.interval_rps) == (76.0, (72.0, 96.0))


def test_a_client_that_gives_out_first_is_named_and_the_rate_is_a_lower_bound() -> None:
    result = searched(lambda rate: queued(rate, 1, client_gives_out=40.0))
    assert result.rate_rps == pytest.approx(40.0, rel=0.06)
    assert (result.limited_by, result.interval_rps and result.interval_rps[1]) == ("client", None)


def test_a_step_of_the_search_lasts_for_seconds_at_any_rate() -> None:
    assert lasting(WORKLOADS["Q1"], LoadShape(rate_rps=100.0)).requests == 500
    assert lasting(WORKLOADS["Q1"], LoadShape(rate_rps=4.0)).requests == 40
    assert lasting(WORKLOADS["Q1"], LoadShape(rate_rps=0.5)).requests == 10
    assert lasting(WORKLOADS["Q1"], LoadShape(rate_rps=math.inf)) == WORKLOADS["Q1"]


def test_a_load_of_a_sweep_has_ten_requests_a_stream() -> None:
    assert shaped(WORKLOADS["Q1"], LoadShape(concurrency=8), fill=True).requests == 80
    assert shaped(WORKLOADS["Q4"], LoadShape(concurrency=2), fill=True).requests == 60
    assert shaped(WORKLOADS["Q1"], LoadShape(concurrency=8)).requests == 8
