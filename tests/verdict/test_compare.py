"""Comparisons, simulated: no difference is found where there is none, and a real one with the sample asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sagellm_benchmark.verdict.compare import (
    Difference,
    Estimate,
    Speed,
    difference,
    overall,
    paired,
    quantile_interval,
)

pytestmark = pytest.mark.no_cover

NOISE = 0.03  # of a run's mean from one run to the next
PAIRS = 400


def side(rng: np.random.Generator, true: float, repeats: int) -> Estimate:
    return Estimate.over([float(one) for one in true * np.exp(rng.normal(0, NOISE, repeats))])


def verdicts(ratio: float, repeats: int) -> list[Speed]:
    rng = np.random.default_rng(20260309)
    pairs = [(side(rng, 100.0, repeats), side(rng, 100.0 * ratio, repeats)) for _ in range(PAIRS)]
    return [difference(a, b).verdict("lower", together=True) for a, b in pairs]


@pytest.mark.parametrize("repeats", [2, 3, 5, 10])
def test_the_same_server_twice_cannot_be_told_apart(repeats: int) -> None:
    assert verdicts(1.0, repeats).count(Speed.CANNOT_TELL) >= 0.95 * PAIRS


@pytest.mark.parametrize("have", [3, 5])
def test_five_percent_are_found_with_the_repeats_that_were_asked_for(have: int) -> None:
    rng, found = np.random.default_rng(7), 0
    for _ in range(PAIRS):
        more = difference(side(rng, 100.0, have), side(rng, 105.0, have)).more_repeats
        assert more is not None
        a, b = (side(rng, true, have + more) for true in (100.0, 105.0))
        found += difference(a, b).verdict("lower") is Speed.SLOWER
    assert found >= 0.75 * PAIRS  # the noise that the number rests on is itself seen through few repeats


def test_two_runs_without_repeats_are_compared_by_their_own_intervals() -> None:
    a, b = Estimate(100.0, (99.0, 101.0)), Estimate(110.0, (108.0, 112.0))
    found = difference(a, b)
    assert found.share == pytest.approx(0.10)
    assert found.interval is not None
    assert found.interval[0] == pytest.approx(0.077, abs=0.002)
    assert found.interval[1] == pytest.approx(0.123, abs=0.002)
    assert found.verdict("higher") is Speed.FASTER
    assert found.verdict("lower") is Speed.SLOWER


def test_what_nobody_is_sure_of_cannot_be_told() -> None:
    found = difference(Estimate(100.0), Estimate(200.0, (199.0, 201.0)))
    assert (found.interval, found.verdict("lower")) == (None, Speed.CANNOT_TELL)


def test_equal_repeats_are_equal() -> None:
    same = Estimate.over([5.0, 5.0, 5.0])
    assert difference(same, same) == Difference(0.0, (0.0, 0.0), 0, 4.0)


def test_an_interval_that_reaches_to_nothing_says_nothing() -> None:
    found = difference(Estimate(1.0, (0.0, 3.0)), Estimate(2.0, (1.0, 3.0)))
    assert found.interval is not None
    assert math.isinf(found.interval[1])
    assert found.verdict("lower") is Speed.CANNOT_TELL
    assert found.more_repeats is None


@pytest.mark.parametrize(
    ("said", "together"),
    [
        ([Speed.FASTER, Speed.CANNOT_TELL], Speed.FASTER),
        ([Speed.CANNOT_TELL], Speed.CANNOT_TELL),
        ([], Speed.CANNOT_TELL),
        ([Speed.FASTER, Speed.SLOWER], None),
    ],
)
def test_figures_speak_together_or_contradict_each_other(said: list[Speed], together: Speed | None) -> None:
    assert overall(said) is together


def test_a_quantiles_interval_holds_the_truth() -> None:
    rng = np.random.default_rng(3)
    tried = [quantile_interval(rng.exponential(1.0, 500), 0.9) for _ in range(PAIRS)]
    found = [one for one in tried if one is not None]
    assert len(found) >= 0.95 * PAIRS
    assert sum(low <= math.log(10) <= high for low, high in found) >= 0.93 * len(found)


@pytest.mark.parametrize(("count", "q"), [(1, 0.5), (5, 0.9), (150, 0.99)])
def test_too_few_values_have_no_quantiles_interval(count: int, q: float) -> None:
    assert quantile_interval(np.linspace(1, 2, count), q) is None


@pytest.mark.parametrize("wave", [0.0, 0.1])
def test_the_interval_of_ten_rounds_holds_the_truth_whether_the_machine_comes_in_waves_or_not(
    wave: float,
) -> None:
    rng, held = np.random.default_rng(8), 0
    slots = 1 + wave * np.sin(4 * np.pi * np.linspace(0, 1, 20))
    first = np.arange(10) % 2 == 0
    for _ in range(1000):
        slow = (slots * np.exp(rng.normal(0, 0.01, 20))).reshape(10, 2)
        a, b = np.where(first, slow[:, 0], slow[:, 1]), 1.03 * np.where(first, slow[:, 1], slow[:, 0])
        found = paired(Estimate.over(a.tolist()), Estimate.over(b.tolist()))
        assert found.interval is not None
        held += found.interval[0] <= 0.03 <= found.interval[1]
    assert held >= 930
