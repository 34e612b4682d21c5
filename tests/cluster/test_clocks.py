"""Where another clock stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sagellm_benchmark.cluster.clocks import (
    MAX_BOUND_S,
    Exchange,
    Line,
    learned,
    line,
    moved_s,
    quickest,
    straight,
)

pytestmark = pytest.mark.no_cover

MOMENTS = st.floats(0, 1e6)
DELAYS = st.floats(1e-6, 1.0)
DRIFTS = st.sampled_from([0.0, 50e-6, -50e-6, 200e-6, -200e-6]) | st.floats(-400e-6, 400e-6)
WAYS = st.lists(st.tuples(st.floats(5e-5, 4e-4), st.floats(5e-5, 4e-4)), min_size=1, max_size=30)
"""How long questions took, and answers: each way at most 0.4 ms, so that no round trip alone hides 1 ms."""

Clock = Callable[[float], float]
ROUNDING_S = 1e-8


def steady(offset_s: float, drift: float) -> Clock:
    return lambda ours_s: ours_s + offset_s + drift * ours_s


def stepped(offset_s: float, drift: float, step_s: float, step_at_s: float) -> Clock:
    """A clock that is put forward or back once."""
    return lambda ours_s: steady(offset_s, drift)(ours_s) + step_s * (ours_s >= step_at_s)


def exchanges(theirs: Clock, ways: list[tuple[float, float]], load_s: float) -> Iterator[Exchange]:
    """One exchange each quarter of a second from before a load to after it, with these delays in turn."""
    for number in range(int(load_s * 4) + 1):
        there_s, back_s = ways[number % len(ways)]
        sent_s = number / 4
        yield Exchange(sent_s, theirs(sent_s + there_s), sent_s + there_s + back_s)


def worst_s(known: Line, theirs: Clock, load_s: float, step_at_s: float = 0.0) -> float:
    """By how much a line was wrong at most: with a clock that has one step, at an end of what is straight of it."""
    first_read_s, before_step_s = 4e-4, step_at_s - 1e-9
    moments = [first_read_s, load_s, *((step_at_s, before_step_s) if step_at_s else ())]
    return max(abs(known.theirs(moment) - theirs(moment)) for moment in moments)


def test_the_quickest_exchange_counts() -> None:
    slow, quick = Exchange(0.0, 107.0, 4.0), Exchange(10.0, 110.25, 10.5)
    found = line(quickest([slow, quick]))
    assert (found.at_s, found.offset_s, found.bound_s) == (10.25, 100.0, 0.25)


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(MOMENTS, DELAYS, DELAYS), min_size=1))
def test_the_error_lies_within_the_bound_however_uneven_the_ways(
    true_s: float, seen: list[tuple[float, float, float]]
) -> None:
    found = line(
        quickest([Exchange(sent, sent + there + true_s, sent + there + back) for sent, there, back in seen])
    )
    assert abs(found.offset_s - true_s) <= found.bound_s + ROUNDING_S


@given(st.floats(-1e5, 1e5), DRIFTS, WAYS, st.floats(1.0, 60.0))
@example(0.0, 200e-6, [(5e-5, 4e-4), (4e-4, 5e-5)], 300.0)
def test_a_steady_drift_is_known_to_within_a_bound_that_counts(
    offset_s: float, drift: float, ways: list[tuple[float, float]], load_s: float
) -> None:
    theirs = steady(offset_s, drift)
    known = straight(list(exchanges(theirs, ways, load_s)))
    assert worst_s(known, theirs, int(load_s * 4) / 4) <= known.bound_s + ROUNDING_S
    assert known.bound_s <= MAX_BOUND_S


@given(DRIFTS, WAYS, st.floats(30.0, 60.0), st.floats(-0.01, 0.01), st.floats(0.001, 0.999))
@example(0.0, [(1e-4, 1e-4)], 60.0, 0.0015, 0.5)
def test_no_step_makes_the_clock_worse_than_its_bound_in_a_run_that_counts(
    drift: float, ways: list[tuple[float, float]], load_s: float, step_s: float, share: float
) -> None:
    load_s = int(load_s * 4) / 4
    step_at_s = share * load_s
    theirs = stepped(0.0, drift, step_s, step_at_s)
    known = straight(list(exchanges(theirs, ways, load_s)))
    assume(known.bound_s <= MAX_BOUND_S)
    assert worst_s(known, theirs, load_s, step_at_s) <= known.bound_s + ROUNDING_S


@given(DRIFTS, WAYS, st.floats(30.0, 60.0), st.sampled_from([0.0025, -0.0025]), st.floats(0.1, 0.9))
def test_a_step_that_a_line_cannot_take_in_is_more_than_the_bound_that_counts(
    drift: float, ways: list[tuple[float, float]], load_s: float, step_s: float, share: float
) -> None:
    theirs = stepped(0.0, drift, step_s, share * load_s)
    assert straight(list(exchanges(theirs, ways, load_s))).bound_s > MAX_BOUND_S


def test_a_clock_whose_pace_changes_is_known_the_worse_by_that() -> None:
    def bent(ours_s: float) -> float:
        return ours_s + 200e-6 * max(0.0, ours_s - 30.0)

    known = straight(list(exchanges(bent, [(1e-4, 1e-4)], 60.0)))
    assert known.bound_s == pytest.approx(0.0031, abs=1e-4)  # 200 ppm for 30 s, half of it on either side


def test_slow_exchanges_between_quick_ones_make_the_bound_no_worse_than_the_time_without_a_quick_one() -> (
    None
):
    seen = list(exchanges(steady(0.0, 0.0), [(1e-4, 1e-4)], 4.0))
    slow = [replace(one, received_s=one.received_s + 0.05) for one in seen[1:-1]]
    assert straight([seen[0], *slow, seen[-1]]).bound_s == pytest.approx(1e-4 + 4 * 100e-6, rel=0.01)


@pytest.mark.parametrize("jump_s", [0.5, -0.5])
def test_a_clock_that_jumps_between_two_exchanges_has_not_drifted(jump_s: float) -> None:
    seen = [Exchange(10.0, 110.0, 10.0), Exchange(20.0, 120.0 + jump_s, 20.0)]
    assert straight(seen).bound_s == pytest.approx(0.5 - 10 * 500e-6, abs=2e-3)


@given(DRIFTS, WAYS, st.floats(1.0, 60.0))
def test_what_is_due_is_sent_in_time_as_far_as_the_drift_is_known(
    drift: float, ways: list[tuple[float, float]], load_s: float
) -> None:
    theirs = steady(1000.0, drift)
    first, *seen = exchanges(theirs, ways, load_s)
    known = line(first)
    zero = known.theirs(0.5)  # the run's moment 0
    for one in seen:
        due_s = one.sent_s - 0.5
        sent_s = (zero + known.pace * due_s - 1000.0) / (1 + drift) - 0.5
        early_s = known.bound_s + 500e-6 * 0.5  # where it stood, and what it gained up to moment 0
        assert abs(sent_s - due_s) <= early_s + known.drift_bound * abs(due_s) + 1e-6
        known = learned(known, one)
    assert known.drift_bound <= 1e-3 / load_s + 1e-5 or load_s < 2


@given(st.floats(-1e6, 1e6), DRIFTS, MOMENTS, DELAYS, DELAYS, DELAYS, st.floats(-1, 1), st.floats(0, 300))
def test_a_steady_clock_is_never_said_to_have_moved(
    true_s: float,
    drift: float,
    sent: float,
    there: float,
    back: float,
    bound_s: float,
    share: float,
    past_s: float,
) -> None:
    read = sent + there
    known = Line(sent - past_s, true_s + share * bound_s, bound_s)
    theirs = read + true_s + drift * (read - known.at_s)
    assert moved_s(known, Exchange(sent, theirs, read + back)) <= 1e-8


@given(DRIFTS, WAYS, st.floats(1.0, 60.0))
def test_a_clock_whose_drift_has_been_learned_is_not_said_to_have_moved(
    drift: float, ways: list[tuple[float, float]], load_s: float
) -> None:
    first, *seen = exchanges(steady(1000.0, drift), ways, load_s)
    known = line(first)
    for one in seen:
        assert moved_s(known, one) <= 1e-6
        known = learned(known, one)


@pytest.mark.parametrize("jump_s", [0.5, -0.5])
def test_a_jump_is_known_but_for_what_is_not_known_and_the_time_that_its_answer_took(jump_s: float) -> None:
    known = Line(10.25, 100.0, 0.0625)
    assert moved_s(known, Exchange(10.0, 110.125 + jump_s, 10.25)) == 0.3125


def test_a_jump_that_the_answers_own_time_may_explain_is_not_held_against_a_node() -> None:
    assert moved_s(Line(10.5, 100.0, 0.0625), Exchange(10.0, 110.5, 10.5)) == 0.0
