from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.runs.record import Summary
from sagellm_benchmark.runs.search import (
    Search,
    is_burst,
    keeps,
    lasting,
)
from sagellm_benchmark.runs.search import highest as highest_kept
from sagellm_benchmark.runs.spec import LoadShape
from sagellm_benchmark.verdict.metrics import Figures
from sagellm_benchmark.verdict.stats import Distribution
from sagellm_benchmark.verdict.summarize import Numbers
from sagellm_benchmark.workload.workloads import WORKLOADS
from tests.fakes.records import a_summary


def tried(capacity: float, first: float = 1.0) -> tuple[list[float], Search]:
    """The rates that are tried on a server that keeps its objectives up to `capacity`, and how it ends."""
    rates: list[float] = []
    search = Search(first=first)
    while not search.done:
        rates.append(search.rate)
        search = search.after(rates[-1], kept=rates[-1] <= capacity)
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
    rate: float, *, requests: int = 1000, attainment: float | None = 1.0, valid: bool = True
) -> Summary:
    """Of a run with a latency of one second."""
    second = Distribution(mean=1000.0, p50=1000.0, p90=None, p99=None, min=None, max=None, count=requests)
    figures = Figures({"requests": requests, "slo_attainment": attainment}, {"e2e_ms": second})
    return a_summary(asked_rate_rps=rate, valid=valid, numbers=Numbers(figures))


def test_a_rate_is_kept_by_a_valid_run_within_the_objectives() -> None:
    assert keeps(summary(10.0))
    assert not keeps(summary(10.0, valid=False))
    assert not keeps(summary(10.0, attainment=0.89))
    assert not keeps(summary(10.0, attainment=None))


def test_a_burst_that_is_over_before_its_first_answers_shows_no_rate() -> None:
    burst = summary(30_000.0, requests=10)
    assert is_burst(burst)
    assert not keeps(burst)
    assert highest_kept([summary(8.0), burst]) == pytest.approx(8.0)
    assert highest_kept([burst]) is None


def test_a_step_of_the_search_lasts_for_seconds_at_any_rate() -> None:
    assert lasting(WORKLOADS["Q1"], LoadShape(rate_rps=100.0)).requests == 500
    assert lasting(WORKLOADS["Q1"], LoadShape(rate_rps=0.5)).requests == WORKLOADS["Q1"].requests
