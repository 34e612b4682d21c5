from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.board.identity import identity
from sagellm_benchmark.site.scope import Interval, interval, natural, ranks, scope
from tests.fakes.rows import new_row

INTERVALS = st.tuples(st.floats(0, 100), st.floats(0, 100)).map(lambda ends: Interval(min(ends), max(ends)))


def test_overlapping_rows_share_a_rank_and_clearly_slower_ones_follow() -> None:
    assert ranks([Interval(90, 100), Interval(95, 105), Interval(70, 80), Interval(50, 60)]) == [1, 1, 3, 4]


def test_rows_without_intervals_are_ranked_by_their_values() -> None:
    assert ranks([Interval(5, 5, known=False), Interval(7, 7, known=False), Interval(7, 7, known=False)]) == [
        3,
        1,
        1,
    ]


@given(st.lists(INTERVALS, max_size=12))
def test_a_rank_is_one_more_than_the_rows_that_are_clearly_faster(intervals: list[Interval]) -> None:
    clearly = [1 + sum(other.low > one.high for other in intervals) for one in intervals]
    assert ranks(intervals) == clearly


@given(st.lists(INTERVALS, max_size=12), st.randoms())
def test_a_rank_does_not_depend_on_the_order_of_rows(intervals: list[Interval], random: Any) -> None:
    before = dict(zip(intervals, ranks(intervals), strict=True))
    random.shuffle(intervals)
    assert dict(zip(intervals, ranks(intervals), strict=True)) == before


@pytest.mark.parametrize(
    "said",
    [
        {"throughput_tps_ci95": [70, 90]},
        {"throughput_tps_ci95_low": 70, "throughput_tps_ci95_high": 90},
    ],
    ids=["a pair", "two fields"],
)
def test_an_interval_is_read_as_rows_state_it(said: dict[str, Any]) -> None:
    assert interval({"throughput_tps": 80, **said}) == Interval(70, 90)


@pytest.mark.parametrize("said", [[90, 95], [90], ["a", "b"], [None, 90], 5, [95, 70]], ids=str)
def test_an_interval_that_cannot_be_one_is_unknown(said: Any) -> None:
    assert interval({"throughput_tps": 80, "throughput_tps_ci95": said}) == Interval(80, 80, known=False)


def test_without_a_throughput_there_is_no_interval() -> None:
    assert interval({"throughput_tps": True}) is None


@pytest.mark.parametrize(
    "other",
    [
        {"model__name": "other"},
        {"model__precision": "INT8"},
        {"model__weights": "dummy"},
        {"workload__name": "Q2"},
        {"workload__concurrent_requests": 2},
        {"workload__input_length": 33},
        {"hardware__chip_model": "T4"},
        {"hardware__chip_count": 2},
    ],
    ids=str,
)
def test_rows_of_other_work_or_hardware_are_in_another_scope(other: dict[str, Any]) -> None:
    assert scope(identity(new_row())) != scope(identity(new_row(**other)))


@pytest.mark.parametrize(
    "other", [{"engine": "vllm"}, {"engine_version": "2"}, {"sagellm_version": "9.9.9"}], ids=str
)
def test_engines_and_their_versions_compete_in_one_scope(other: dict[str, Any]) -> None:
    assert scope(identity(new_row())) == scope(identity(new_row(**other)))


def test_a_workloads_older_name_is_the_same_workload() -> None:
    assert scope(identity(new_row(workload__name="short"))) == scope(identity(new_row()))


def test_loads_and_chips_are_what_one_picture_shows() -> None:
    other = new_row(workload__concurrent_requests=8, hardware__chip_model="T4")
    assert scope(identity(new_row())).group == scope(identity(other)).group


def test_numbers_are_sorted_by_their_value() -> None:
    assert sorted([["16"], ["2"], ["1"], ["a"]], key=natural) == [["1"], ["2"], ["16"], ["a"]]
