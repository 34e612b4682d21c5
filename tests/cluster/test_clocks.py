"""Where another clock stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.cluster.clocks import Exchange, Offset, held, moved_s, offset

MOMENTS = st.floats(0, 1e6)
DELAYS = st.floats(1e-6, 1.0)


def test_the_quickest_exchange_counts() -> None:
    slow, quick = Exchange(0.0, 107.0, 4.0), Exchange(10.0, 110.25, 10.5)
    found = offset([slow, quick])
    assert (found.offset_s, found.bound_s) == (100.0, 0.25)


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(MOMENTS, DELAYS, DELAYS), min_size=1))
def test_the_error_lies_within_the_bound_however_uneven_the_ways(
    true_s: float, exchanges: list[tuple[float, float, float]]
) -> None:
    found = offset(
        [Exchange(sent, sent + there + true_s, sent + there + back) for sent, there, back in exchanges]
    )
    assert abs(found.offset_s - true_s) <= found.bound_s + 1e-8


def test_a_clock_that_drifted_during_a_load_is_known_the_worse_by_that() -> None:
    assert held(Offset(100.0, 0.125), Offset(100.5, 0.25)) == Offset(100.0, 0.75)


def test_a_clock_that_was_known_badly_at_the_start_is_not_known_better_by_its_end() -> None:
    assert held(Offset(100.0, 0.5), Offset(100.125, 0.125)) == Offset(100.0, 0.5)


@given(MOMENTS, st.floats(-1, 1), DELAYS, DELAYS, st.floats(0, 1))
def test_the_error_at_either_end_lies_within_the_bound_that_is_held(
    true_s: float, drift_s: float, bound_s: float, later_s: float, share: float
) -> None:
    before = Offset(true_s + share * bound_s, bound_s)
    after = Offset(true_s + drift_s - share * later_s, later_s)
    kept = held(before, after)
    assert max(abs(kept.offset_s - true_s), abs(kept.offset_s - true_s - drift_s)) <= kept.bound_s + 1e-8


@given(st.floats(-1e6, 1e6), MOMENTS, DELAYS, DELAYS, DELAYS, st.floats(-1, 1))
def test_a_steady_clock_is_never_said_to_have_moved(
    true_s: float, sent: float, there: float, back: float, bound_s: float, share: float
) -> None:
    known = Offset(true_s + share * bound_s, bound_s)
    assert moved_s(known, Exchange(sent, sent + there + true_s, sent + there + back)) <= 1e-8


@pytest.mark.parametrize("jump_s", [0.5, -0.5])
def test_a_jump_is_known_but_for_the_bound_and_the_time_that_its_answer_took(jump_s: float) -> None:
    known = Offset(100.0, 0.0625)
    assert moved_s(known, Exchange(10.0, 110.125 + jump_s, 10.25)) == 0.3125


def test_a_jump_that_the_answers_own_time_may_explain_is_not_held_against_a_node() -> None:
    assert moved_s(Offset(100.0, 0.0625), Exchange(10.0, 110.5, 10.5)) == 0.0
