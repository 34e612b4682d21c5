from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.verdict import intervals
from sagellm_benchmark.verdict.intervals import TooFew
from tests.fakes.series import BATCHES, COVERED, WAVE, Series, coverage, md1

pytestmark = pytest.mark.no_cover


def found(values: list[float]) -> tuple[float, float]:
    interval = intervals.mean(np.array(values))
    assert not isinstance(interval, TooFew)
    return interval


@pytest.mark.parametrize("n", [30, 200])
@pytest.mark.parametrize("series", COVERED, ids=lambda one: one.name)
def test_an_interval_holds_the_true_mean_in_93_of_100_experiments(series: Series, n: int) -> None:
    assert coverage(series, intervals.mean, n, times=300, seed=7) >= 0.93


def test_nine_values_are_too_few_and_the_refusal_says_how_many_it_needs() -> None:
    refused = intervals.mean(np.ones(9))
    assert str(refused) == "9 values; an interval needs at least 10"


def test_values_that_never_vary_have_an_interval_of_no_width() -> None:
    assert found([0.25] * 20) == (0.25, 0.25)


def test_independent_values_are_worth_nearly_their_number_and_waves_only_their_waves() -> None:
    rng = np.random.default_rng(3)
    assert intervals.effective_size(rng.normal(0, 1, 4000), 0.0) > 2500
    assert intervals.effective_size(np.repeat(rng.normal(0, 1, 500), 8), 0.0) < 600


def test_what_hangs_together_has_a_wider_interval_than_the_same_values_shuffled() -> None:
    values = md1(0.8).draw(300, np.random.default_rng(5))
    shuffled = np.random.default_rng(6).permutation(values)
    low, high = found(values.tolist())
    narrow_low, narrow_high = found(shuffled.tolist())
    assert high - low > 1.5 * (narrow_high - narrow_low)


def test_streams_that_wait_in_the_same_order_each_time_are_told_by_their_rounds() -> None:
    rng = np.random.default_rng(5)
    ratios = []
    for _ in range(50):
        values = BATCHES.draw(WAVE * 40, rng)
        (low, high), by_rounds = found(values.tolist()), intervals.mean(values, WAVE)
        assert not isinstance(by_rounds, TooFew)
        ratios.append((high - low) / (by_rounds[1] - by_rounds[0]))
    assert np.median(ratios) > 3


def test_fewer_than_ten_rounds_are_no_series_of_their_own() -> None:
    values = BATCHES.draw(79, np.random.default_rng(5))
    assert intervals.mean(values, BATCHES.streams) == intervals.mean(values)


def test_what_the_last_incomplete_round_held_is_not_left_out() -> None:
    values = np.append(np.tile([1.0, 1.1], 12), 500.0)
    interval = intervals.mean(values, 2)
    assert not isinstance(interval, TooFew)
    assert interval[0] < 5 < values.mean() < interval[1]


def test_no_side_is_more_than_half_longer_than_without_skewness() -> None:
    values = np.append(np.ones(300), 30.0)
    _, high = found(values.tolist())
    spread = float(values.std(ddof=1)) / intervals.effective_size(values) ** 0.5
    freedom = intervals.effective_size(values) - 1
    assert high - values.mean() == pytest.approx(1.5 * intervals.student_t(freedom) * spread)


def test_a_skewed_series_has_its_longer_side_above() -> None:
    values = np.random.default_rng(1).lognormal(0, 1, 60)
    low, high = found(values.tolist())
    assert high - values.mean() > 1.2 * (values.mean() - low)


@given(st.lists(st.floats(1e-4, 1e3), min_size=10, max_size=80))
def test_an_interval_holds_its_own_mean_and_nothing_below_zero(values: list[float]) -> None:
    low, high = found(values)
    assert 0 <= low <= np.mean(values) * (1 + 1e-9)
    assert high >= np.mean(values) * (1 - 1e-9)


@given(st.lists(st.floats(0.1, 10), min_size=10, max_size=40), st.floats(0.01, 100))
def test_an_interval_goes_with_the_unit(values: list[float], unit: float) -> None:
    scaled = found([value * unit for value in values])
    assert scaled == pytest.approx([bound * unit for bound in found(values)], rel=1e-4, abs=1e-7 * unit)


def test_a_ratio_of_sums_has_its_interval_around_it() -> None:
    rng = np.random.default_rng(2)
    counts = rng.integers(1, 20, 200).astype(float)
    interval = intervals.ratio(counts * 0.01 + rng.normal(0, 0.001, 200), counts)
    assert not isinstance(interval, TooFew)
    assert interval[0] < 0.01 < interval[1] < 0.0105


def test_answers_without_gaps_have_no_ratio() -> None:
    assert isinstance(intervals.ratio(np.zeros(20), np.zeros(20)), TooFew)


def test_students_quantiles_fall_from_those_of_one_degree_to_the_normal() -> None:
    quantiles = [intervals.student_t(freedom) for freedom in (0.2, 1, 1.5, 2, 10, 29.5, 30, 31, 100, 1e6)]
    assert quantiles == sorted(quantiles, reverse=True)
    assert quantiles[:2] == [12.706, 12.706]
    assert quantiles[-1] == pytest.approx(1.96, abs=1e-3)


def test_the_interval_over_repeats_is_students() -> None:
    low, high = intervals.over_repeats([10.0, 12.0, 14.0]) or (0.0, 0.0)
    assert (low, high) == pytest.approx((12 - 4.303 * 2 / 3**0.5, 12 + 4.303 * 2 / 3**0.5))


def test_one_repeat_has_no_interval() -> None:
    assert intervals.over_repeats([10.0]) is None
