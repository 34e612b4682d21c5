from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.runs.search import (
    MOST_MISSES,
    MOST_STEPS,
    PRECISION,
    Search,
    is_burst,
    keeps,
    lasting,
)
from sagellm_benchmark.runs.search import highest as highest_kept
from sagellm_benchmark.runs.spec import LoadShape
from sagellm_benchmark.workload.workloads import WORKLOADS


def highest(capacity: float, first: float = 1.0) -> Search:
    """Search a server that keeps its objectives up to `capacity` requests per second."""
    search = Search(first=first)
    while not search.done:
        rate = search.rate
        search = search.after(rate, kept=rate <= capacity)
    return search


@given(st.floats(1.0, 1000.0))
def test_the_search_ends_within_its_precision_below_the_capacity(capacity: float) -> None:
    found = highest(capacity)
    assert found.kept <= capacity
    assert found.missed is not None
    assert found.missed - found.kept <= PRECISION * found.missed or found.steps == MOST_STEPS


def test_a_server_that_never_keeps_them_is_searched_downwards_to_nothing() -> None:
    found = highest(0.0)
    assert found.kept == 0.0
    assert found.steps == MOST_MISSES


def test_a_server_that_always_keeps_them_is_not_searched_for_ever() -> None:
    assert highest(float("inf")).steps == MOST_STEPS


def test_the_first_rate_is_the_users() -> None:
    assert Search(first=4.0).rate == pytest.approx(4.0)


def summary(rate: float, *, requests: int = 1000, **changes: Any) -> dict[str, Any]:
    """Of a run that kept its objectives, with a latency of one second."""
    ordinary = {"valid": True, "slo_attainment": 1.0, "e2e_ms": {"p50": 1000.0, "mean": 1000.0}}
    return {"asked_rate_rps": rate, "requests": requests, **ordinary, **changes}


def test_a_rate_is_kept_by_a_valid_run_within_the_objectives() -> None:
    assert keeps(summary(10.0))
    assert not keeps(summary(10.0, valid=False))
    assert not keeps(summary(10.0, slo_attainment=0.89))
    assert not keeps(summary(10.0, slo_attainment=None))


def test_a_burst_that_is_over_before_its_first_answers_shows_no_rate() -> None:
    burst = summary(30_000.0, requests=10)
    assert is_burst(burst)
    assert not keeps(burst)
    assert highest_kept([summary(8.0), burst]) == pytest.approx(8.0)
    assert highest_kept([burst]) is None


def test_a_step_of_the_search_lasts_for_seconds_at_any_rate() -> None:
    assert lasting(WORKLOADS["Q1"], LoadShape(rate_rps=100.0)).requests == 500
    assert lasting(WORKLOADS["Q1"], LoadShape(rate_rps=0.5)).requests == WORKLOADS["Q1"].requests
