from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.bench.search import MOST_STEPS, PRECISION, Search


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
    assert found.steps == MOST_STEPS


def test_a_server_that_always_keeps_them_is_not_searched_for_ever() -> None:
    assert highest(float("inf")).steps == MOST_STEPS


def test_the_first_rate_is_the_users() -> None:
    assert Search(first=4.0).rate == pytest.approx(4.0)
