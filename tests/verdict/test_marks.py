from __future__ import annotations

import math

import numpy as np

from sagellm_benchmark.verdict import marks
from sagellm_benchmark.verdict.marks import Asked, Kind, Mark
from sagellm_benchmark.workload import schedule

OPEN = Asked(by_the_clock=True)


def of(asked: Asked, arrivals: list[float] | tuple[float, ...], took_s: float = 0.5) -> list[Mark]:
    """The marks of a load whose requests start when they are due and take equally long."""
    starts = np.array(arrivals)
    return list(marks.of(asked, starts, starts, starts + took_s))


def only(kind: Kind, found: list[Mark]) -> list[tuple[float, float]]:
    return [(mark.begin_s, mark.end_s) for mark in found if mark.kind == kind]


def test_the_tail_begins_where_the_first_stream_finds_nothing_more_to_do() -> None:
    starts, ends = np.array([0.0, 0.0, 1.0, 1.5]), np.array([1.0, 1.5, 2.5, 2.0])
    assert list(marks.of(Asked(), starts, starts, ends)) == [Mark("tail", 2.0, 2.5)]


def test_a_single_stream_has_no_tail() -> None:
    assert of(Asked(), [0.0, 0.5, 1.0]) == []


def test_what_is_not_measured_is_warm_up_and_cool_down() -> None:
    found = of(Asked(measured_s=(2.0, 8.0)), [0.1 * i for i in range(101)], took_s=0.1)
    assert found == [Mark("warm-up", 0.0, 2.0), Mark("cool-down", 8.0, 10.0)]


def test_a_ramp_of_streams_is_as_long_as_was_asked_and_one_of_a_rate_as_its_load() -> None:
    assert only("ramp", of(Asked(ramp_s=3.0), [0.0, 3.0, 9.0])) == [(0.0, 3.0)]
    assert only("ramp", of(Asked(ramp_s=math.inf), [0.0, 3.0, 9.0])) == [(0.0, 9.0)]


def test_a_burst_is_found_where_it_was() -> None:
    evenly = [0.5 * i for i in range(200)]
    (burst,) = only("burst", of(OPEN, sorted([*evenly, *(60.0 + 0.02 * i for i in range(50))])))
    begin_s, end_s = burst
    assert 57 < begin_s <= 60
    assert 61 <= end_s < 64


def test_two_bursts_apart_are_two() -> None:
    evenly = [0.5 * i for i in range(200)]
    crowds = [at + 0.02 * i for at in (20.0, 60.0) for i in range(50)]
    assert len(only("burst", of(OPEN, sorted([*evenly, *crowds])))) == 2


def test_hardly_any_load_of_poisson_arrivals_has_a_burst() -> None:
    rng = np.random.default_rng(1)
    loads = [schedule.poisson(10, 300, rng) for _ in range(200)]
    assert sum(bool(only("burst", of(OPEN, load))) for load in loads) <= 4


def test_arrivals_that_are_asked_to_crowd_have_bursts() -> None:
    rng = np.random.default_rng(1)
    loads = [schedule.gamma(10, 2000, 0.05, rng) for _ in range(20)]
    assert all(only("burst", of(OPEN, load)) for load in loads)


def test_a_closed_loop_and_a_ramp_have_no_bursts() -> None:
    crowd = [0.0] * 50 + [1.0 * i for i in range(50)]
    assert only("burst", of(Asked(), crowd)) == []
    assert only("burst", of(Asked(by_the_clock=True, ramp_s=math.inf), crowd)) == []


def test_all_at_once_is_no_burst_of_itself() -> None:
    assert only("burst", of(OPEN, [0.0] * 100)) == []
