from __future__ import annotations

import numpy as np
import pytest

from sagellm_benchmark.verdict import steadiness
from sagellm_benchmark.verdict.columns import Floats
from tests.fakes.samples import closed_loop, columns, sample
from tests.fakes.series import AUTOREGRESSIVE, WAVES, Series, drifting, md1, overloaded, steady

pytestmark = pytest.mark.no_cover


def is_real(values: Floats) -> bool:
    trend = steadiness.trend(np.arange(float(len(values))), values)
    return trend is not None and trend.real


@pytest.mark.parametrize(
    "series", [md1(0.5), md1(0.8), md1(0.9), WAVES, AUTOREGRESSIVE], ids=lambda one: one.name
)
def test_a_stationary_queue_is_hardly_ever_taken_for_drift(series: Series) -> None:
    rng = np.random.default_rng(5)
    assert sum(is_real(series.draw(500, rng)) for _ in range(200)) <= 10


def test_a_drift_of_30_percent_is_found() -> None:
    rng = np.random.default_rng(6)
    assert sum(is_real(drifting(steady(500, rng), 0.3)) for _ in range(100)) >= 90


@pytest.mark.parametrize("after", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("spread", [0.0, 0.02, 0.2])
def test_a_server_that_is_slower_from_one_moment_on_is_found(after: float, spread: float) -> None:
    rng = np.random.default_rng(10)
    found = 0
    for _ in range(50):
        values = steady(100, rng, spread)
        values[int(100 * after) :] *= 1.4
        found += is_real(values)
    assert found >= 45


def test_a_step_says_how_large_it_is() -> None:
    trend = steadiness.trend(np.arange(100.0), np.repeat([1.0, 1.5], 50))
    assert trend is not None
    assert trend.by == pytest.approx(0.4)


def test_a_queue_that_only_grows_is_found() -> None:
    rng = np.random.default_rng(7)
    assert sum(is_real(overloaded(500, rng)) for _ in range(100)) >= 90


def test_a_trend_says_how_much_changed() -> None:
    growing = columns([sample(start=float(i), ttft=0.1 + 0.01 * i) for i in range(200)])
    trend = steadiness.of(growing)
    assert trend is not None
    assert trend.change > 1
    assert trend.real


def test_a_steady_run_has_hardly_any() -> None:
    trend = steadiness.of(columns(closed_loop(200)))
    assert trend is not None
    assert abs(trend.change) < 0.05


def test_drift_is_not_told_from_a_short_run() -> None:
    assert steadiness.of(columns(closed_loop(99))) is None


def test_latencies_that_are_all_the_same_are_steady() -> None:
    assert not is_real(np.ones(200))


@pytest.mark.parametrize(("spread", "count"), [(0.1, 100), (0.4, 100), (0.4, 400)])
def test_the_least_drift_that_a_run_claims_to_see_is_seen_nine_times_in_ten(
    spread: float, count: int
) -> None:
    rng = np.random.default_rng(8)
    moments = np.arange(float(count))
    trends = [steadiness.trend(moments, steady(count, rng, spread)) for _ in range(50)]
    least = float(np.median([one.least for one in trends if one is not None]))
    assert sum(is_real(drifting(steady(count, rng, spread), least)) for _ in range(100)) >= 84


def test_a_run_in_which_much_could_hide_claims_little() -> None:
    trend = steadiness.trend(np.arange(100.0), steady(100, np.random.default_rng(9), 0.4))
    assert trend is not None
    assert 0.35 < trend.least < 0.8
