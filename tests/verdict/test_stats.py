from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sagellm_benchmark.client.sample import Failure, Phase, Sample
from sagellm_benchmark.verdict import stats
from sagellm_benchmark.verdict.columns import Columns, Floats, collect, joined
from tests.fakes.samples import closed_loop, columns, sample


def test_throughput_is_the_systems_rate_over_the_whole_window() -> None:
    two = columns([sample(start=0.0, tokens=11), sample(start=0.1, tokens=11)])
    assert two.window_s == pytest.approx(0.3)
    assert stats.throughput_tps(two) == pytest.approx(22 / 0.3)


def test_a_failed_request_lengthens_the_window_and_adds_no_tokens() -> None:
    failed = sample(start=0.0, failure=Failure.TIMEOUT, end_s=2.0)
    both = columns([failed, sample(start=0.5)])
    assert stats.throughput_tps(both) == pytest.approx(11 / 2.0)
    assert both.failures == {"timeout": 1}


def test_nothing_answered_is_zero_throughput_not_unknown() -> None:
    assert stats.throughput_tps(columns([sample(failure=Failure.HTTP, end_s=1.0)])) == 0.0


def test_throughput_is_unknown_where_one_answers_tokens_are_unknown() -> None:
    assert stats.throughput_tps(columns([sample(), sample(completion_tokens=None)])) is None


@pytest.mark.parametrize(("count", "p90", "p99"), [(9, False, False), (10, True, False), (100, True, True)])
def test_a_percentile_is_refused_below_the_count_that_supports_it(count: int, p90: bool, p99: bool) -> None:
    refused: dict[str, str] = {}
    result = stats.distribution(np.linspace(0.1, 0.2, count), refused, "ttft_ms")
    assert (result.p90 is not None, result.p99 is not None) == (p90, p99)
    assert set(refused) == {f"ttft_ms.p{q}" for q, given in ((90, p90), (99, p99)) if not given}


def test_a_refusal_says_how_many_values_there_are_and_how_many_it_needs() -> None:
    refused: dict[str, str] = {}
    stats.distribution(np.array([0.1, 0.2, 0.3]), refused, "ttft_ms")
    assert refused["ttft_ms.p99"] == "3 values; a p99 needs at least 100"


@given(arrays.arrays(np.float64, st.integers(1, 300), elements=st.floats(0, 1e3)))
def test_percentiles_are_numpys_and_in_order(values: Floats) -> None:
    result = stats.distribution(values, {}, "x")
    given_ones = [value for value in (result.p50, result.p90, result.p99) if value is not None]
    assert given_ones == sorted(given_ones)
    assert given_ones == [float(np.percentile(values * 1e3, q)) for q in stats.PERCENTILES[: len(given_ones)]]


def test_an_empty_distribution_is_not_measured_rather_than_zero() -> None:
    assert stats.distribution(np.empty(0), {}, "x").mean is None


def test_five_requests_have_no_interval_and_the_refusal_is_noted() -> None:
    refused: dict[str, str] = {}
    assert set(stats.mean_intervals_ms(columns(closed_loop(5)), refused=refused).values()) == {None}
    assert refused["ttft_ms.mean_ci95"] == "5 values; an interval needs at least 10"


def test_intervals_do_not_depend_on_the_order_in_which_samples_are_read() -> None:
    samples = [replace(one, start_s=one.start_s - 1e-6 * one.stream) for one in closed_loop(40, streams=4)]
    backwards = stats.mean_intervals_ms(columns(samples[::-1]))
    for name, interval in stats.mean_intervals_ms(columns(samples)).items():
        assert interval is not None
        assert backwards[name] == pytest.approx(interval)


def test_the_sent_rate_is_counted_between_first_and_last_start() -> None:
    assert stats.achieved_rate_rps(columns([sample(start=s) for s in (0.0, 0.5, 1.0)])) == pytest.approx(2.0)


def test_mean_in_flight_of_a_full_closed_loop_is_its_streams() -> None:
    assert stats.mean_in_flight(columns(closed_loop(100, streams=4))) == pytest.approx(4, rel=0.02)


def timed(samples: list[Sample], begin: float, end: float) -> Columns:
    """A timed run of which a part is measured, as `bench.run` sets the phases."""
    placed = [
        replace(one, phase=Phase.MEASURED if begin <= one.start_s < end else Phase.WARMUP) for one in samples
    ]
    return collect(placed, lambda one: one.completion_tokens, (begin, end))


def test_the_edges_of_a_measured_part_take_nothing_from_the_rate() -> None:
    """Ten streams of answers of 1 s each, without a pause: 110 tokens a second come whenever one looks."""
    samples = [sample(start=start, ttft=0.0, itl=0.1) for start in range(20) for _ in range(10)]
    assert stats.throughput_tps(timed(samples, 5.05, 15.05)) == pytest.approx(110, rel=0.02)
    columns = timed(samples, 5.05, 15.05)
    assert columns.window_s == pytest.approx(10.0)
    assert columns.answered / columns.window_s == pytest.approx(10.0)
    assert stats.mean_in_flight(columns) == pytest.approx(10.0)


def test_no_more_streams_are_in_flight_in_a_part_than_there_are() -> None:
    samples = [sample(start=start, ttft=0.0, itl=0.1) for start in range(20)]
    assert stats.mean_in_flight(timed(samples, 4.9, 9.1)) == pytest.approx(1.0)


def test_tokens_that_nobody_counted_give_no_rate_of_a_part_either() -> None:
    samples = [sample(start=start, completion_tokens=None) for start in range(5)]
    assert stats.throughput_tps(timed(samples, 1.0, 3.0)) is None


def test_repeats_of_a_part_add_up() -> None:
    samples = [sample(start=start, ttft=0.0, itl=0.1) for start in range(20)]
    both = joined([timed(samples, 5.05, 15.05), timed(samples, 2.05, 12.05)])
    assert stats.throughput_tps(both) == pytest.approx(11, rel=0.02)
