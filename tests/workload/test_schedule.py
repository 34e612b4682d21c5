"""When requests are due."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.workload import schedule


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def kolmogorov_smirnov(gaps: np.ndarray, rate: float) -> float:
    """The largest distance between the gaps' distribution and the exponential one."""
    ordered = np.sort(gaps)
    expected = 1 - np.exp(-rate * ordered)
    n = len(ordered)
    above = np.arange(1, n + 1) / n - expected
    below = expected - np.arange(n) / n
    return float(max(above.max(), below.max()))


def critical(n: int) -> float:
    """The distance that one exponential sample in a thousand exceeds."""
    return 1.949 / math.sqrt(n)


@given(st.integers(0, 2**32), st.floats(0.01, 1e4))
def test_poisson_gaps_are_exponential(seed: int, rate: float) -> None:
    times = schedule.poisson(rate, 2000, rng(seed))
    assert kolmogorov_smirnov(np.diff(times), rate) < 1.5 * critical(1999)


def test_the_test_of_exponential_gaps_can_fail() -> None:
    assert kolmogorov_smirnov(np.diff(schedule.constant(10, 2000)), 10) > critical(1999)
    assert kolmogorov_smirnov(np.diff(schedule.gamma(10, 2000, 3, rng())), 10) > critical(1999)


@pytest.mark.parametrize("burstiness", [0.25, 1.0, 4.0])
def test_gamma_gaps_have_the_asked_rate_and_burstiness(burstiness: float) -> None:
    gaps = np.diff(schedule.gamma(20, 200_001, burstiness, rng()))
    assert gaps.mean() == pytest.approx(1 / 20, rel=0.02)
    assert gaps.std() / gaps.mean() == pytest.approx(1 / math.sqrt(burstiness), rel=0.02)


@given(st.floats(0.1, 100), st.integers(2, 200), st.integers(0, 9))
def test_the_mean_gap_of_a_poisson_schedule_is_exactly_the_asked_one(rate: float, n: int, seed: int) -> None:
    assert schedule.poisson(rate, n, rng(seed))[-1] == pytest.approx((n - 1) / rate)


def test_gamma_of_burstiness_one_is_poisson_and_of_infinity_is_constant() -> None:
    assert schedule.gamma(5, 50, 1, rng()) == schedule.poisson(5, 50, rng())
    assert schedule.gamma(5, 50, math.inf, rng()) == schedule.constant(5, 50)


def test_the_same_seed_gives_the_same_moments() -> None:
    assert schedule.poisson(5, 50, rng(3)) == schedule.poisson(5, 50, rng(3))
    assert schedule.poisson(5, 50, rng(3)) != schedule.poisson(5, 50, rng(4))


@given(st.floats(0.01, 1e6), st.floats(0.01, 100), st.integers(0, 300), st.integers(0, 1000))
def test_moments_start_at_zero_and_never_run_backwards(rate: float, other: float, n: int, seed: int) -> None:
    for times in (
        schedule.constant(rate, n),
        schedule.poisson(rate, n, rng(seed)),
        schedule.gamma(rate, n, other, rng(seed)),
        schedule.ramp(rate, other, n),
    ):
        assert len(times) == n
        assert times[:1] == (0.0,) * min(n, 1)
        assert list(times) == sorted(times)
        assert all(type(moment) is float for moment in times)


def test_constant_gaps_are_equal() -> None:
    assert schedule.constant(4, 5) == (0, 0.25, 0.5, 0.75, 1)


def test_an_infinite_rate_sends_all_at_once() -> None:
    assert schedule.constant(math.inf, 3) == (0, 0, 0)
    assert schedule.poisson(math.inf, 3, rng()) == (0, 0, 0)


def test_a_ramp_begins_at_one_rate_and_ends_at_the_other() -> None:
    gaps = np.diff(schedule.ramp(10, 100, 5000))
    assert 1 / gaps[0] == pytest.approx(10, rel=0.02)
    assert 1 / gaps[-1] == pytest.approx(100, rel=0.02)
    assert np.ptp(np.diff(schedule.ramp(10, 10, 50))) < 1e-9
    assert min(np.diff(schedule.ramp(100, 10, 50))) > 0


def test_a_trace_is_played_from_its_first_request() -> None:
    assert schedule.trace([100.0, 100.5, 103.0]) == (0, 0.5, 3)
    assert schedule.trace([]) == ()


@pytest.mark.parametrize("times", [[1.0, 0.5], [0.0, math.nan], [0.0, math.inf]])
def test_a_trace_out_of_order_is_refused(times: list[float]) -> None:
    with pytest.raises(DataError, match="order"):
        schedule.trace(times)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan])
def test_a_rate_that_sends_nothing_is_refused(rate: float) -> None:
    makers: tuple[Callable[[], schedule.Times], ...] = (
        lambda: schedule.constant(rate, 3),
        lambda: schedule.poisson(rate, 3, rng()),
        lambda: schedule.gamma(1, 3, rate, rng()),
        lambda: schedule.ramp(1, rate, 3),
    )
    for make in makers:
        with pytest.raises(UsageError):
            make()


def test_a_ramp_to_infinity_is_refused() -> None:
    with pytest.raises(UsageError):
        schedule.ramp(1, math.inf, 3)


def test_the_busiest_seconds_of_a_closed_loop_are_all_its_streams_at_once() -> None:
    load = schedule.Schedule(concurrency=64, duration_s=600.0, stagger_s=0.5)
    assert schedule.busiest(load, 0.8, 1024) == schedule.Schedule(concurrency=64, duration_s=0.8)
    assert schedule.busiest(load, 0.8, 16).concurrency == 16


@pytest.mark.parametrize(
    ("due_s", "busiest"),
    [
        ((0.0, 5.0, 5.25, 5.5, 9.0, 9.5), (0.0, 0.25, 0.5)),
        ((0.0, 1.0, 2.0), (0.0,)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((), ()),
    ],
)
def test_the_busiest_seconds_of_an_open_loop_begin_at_their_first_request(
    due_s: tuple[float, ...], busiest: tuple[float, ...]
) -> None:
    assert schedule.busiest(schedule.Schedule(due_s=due_s), 1.0, 1024).due_s == busiest


def test_a_load_with_too_many_requests_is_thinned_evenly() -> None:
    load = schedule.Schedule(due_s=schedule.constant(100, 100))
    assert schedule.busiest(load, 10.0, 25).due_s == pytest.approx(schedule.constant(25, 25))


@given(st.lists(st.integers(0, 400), min_size=1, max_size=50).map(sorted), st.integers(1, 40))
def test_no_other_seconds_of_an_open_loop_are_busier(quarters: list[int], width: int) -> None:
    load = schedule.Schedule(due_s=tuple(quarter / 4 for quarter in quarters))
    most = max(sum(first <= moment < first + width for moment in quarters) for first in quarters)
    assert len(schedule.busiest(load, width / 4, 1000).due_s or ()) == most
