from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sagellm_benchmark.client.sample import Failure, Phase, Sample
from sagellm_benchmark.verdict import objectives, stats
from sagellm_benchmark.verdict.columns import Columns, Floats, collect, joined
from tests.fakes.samples import closed_loop, columns, sample


def test_ttft_tpot_and_e2e_follow_their_definitions() -> None:
    one = columns([sample(start=1.0, ttft=0.25, itl=0.01, tokens=11)])
    assert one.ttft_s == pytest.approx([0.25])
    assert one.tpot_s == pytest.approx([0.01])
    assert one.e2e_s == pytest.approx([0.35])
    assert one.gap_s == pytest.approx([0.01] * 10)


def test_tpot_counts_tokens_where_itl_counts_events() -> None:
    one = columns([sample(itl=0.02, tokens=11, completion_tokens=22)])
    assert one.tpot_s == pytest.approx([0.01])
    assert one.itl_s == pytest.approx([0.02])


def test_tpot_divides_by_the_tokens_after_the_first_event() -> None:
    """Eight tokens an event, 40 ms apart: 24 tokens in three events are 5 ms a token."""
    one = columns([sample(itl=0.04, tokens=3, completion_tokens=24)])
    assert one.tpot_s == pytest.approx([0.005])


def test_a_first_event_of_one_token_before_others_of_several_is_told_by_its_part_of_the_text() -> None:
    """One token from the prefill, then ten steps of three: 30 tokens came in 0.3 s after the first event."""
    times = tuple(0.1 + 0.03 * i for i in range(11))
    one = sample(event_s=times, completion_tokens=31, first_share=1 / 31)
    assert columns([one]).tpot_s == pytest.approx([0.01])


def test_first_events_like_the_others_are_told_by_all_answers_together() -> None:
    """Three events of eight tokens each, whose words are of different lengths."""
    shares = (0.25, 0.41, 0.36)
    samples = [sample(event_s=(0.1, 0.14, 0.18), completion_tokens=24, first_share=one) for one in shares]
    assert columns(samples).tpot_s == pytest.approx([0.005] * 3)


def test_a_one_token_answer_has_no_tpot() -> None:
    assert np.isnan(columns([sample(tokens=1)]).tpot_s).all()


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


def test_only_measured_requests_count() -> None:
    phases = [sample(phase=Phase.WARMUP), sample(), sample(phase=Phase.COOLDOWN)]
    assert columns(phases).attempted == 1


def test_requests_caught_by_ctrl_c_are_not_counted_as_failures() -> None:
    caught = columns([sample(), sample(failure=Failure.INTERRUPTED)])
    assert (caught.attempted, caught.failures) == (1, {})


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


def test_goodput_counts_requests_that_met_every_objective() -> None:
    fast, slow = sample(ttft=0.1), sample(ttft=0.4)
    both = columns([fast, slow])
    assert objectives.goodput_rps(both, {"ttft": 0.2, "tpot": 0.05}) == pytest.approx(1 / 0.5)


def test_without_objectives_there_is_no_goodput() -> None:
    assert objectives.goodput_rps(columns([sample()]), {}) is None


def test_the_sent_rate_is_counted_between_first_and_last_start() -> None:
    assert stats.achieved_rate_rps(columns([sample(start=s) for s in (0.0, 0.5, 1.0)])) == pytest.approx(2.0)


def test_repeats_join_back_to_back() -> None:
    one, two = columns(closed_loop(10)), columns(closed_loop(10, seed=1))
    both = joined([one, two])
    assert both.window_s == pytest.approx(one.window_s + two.window_s)
    assert both.attempted == 20
    assert stats.throughput_tps(both) == pytest.approx(220 / both.window_s)


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


def test_an_answer_in_one_event_has_no_tpot() -> None:
    whole = sample(tokens=1, completion_tokens=7)
    assert np.isnan(columns([whole]).tpot_s).all()


def test_an_objective_on_what_nobody_measured_is_neither_met_nor_missed() -> None:
    whole = columns([sample(start=start, tokens=1, completion_tokens=7) for start in range(3)])
    assert objectives.attainment(whole, {"tpot": 0.001}) is None
    assert objectives.goodput_rps(whole, {"tpot": 0.001}) is None
    assert objectives.attainment(whole, {"ttft": 1.0}) == 1.0
