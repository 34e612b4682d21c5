"""Comparisons of simulated servers whose true difference is known, from their requests to the verdict."""

from __future__ import annotations

import numpy as np
import pytest

from tests.fakes.rounds import DRIFTS, Machine, shares

pytestmark = pytest.mark.no_cover

PAIRS = 100
"""`nox -s statistics` compares more of them, and prints how often each verdict was right."""


@pytest.mark.parametrize("repeats", [2, pytest.param(5, marks=pytest.mark.slow)])
def test_the_same_server_twice_cannot_be_told_apart(repeats: int) -> None:
    rng = np.random.default_rng(1)
    found = [Machine(0.02).one_after_the_other(1.0, repeats, rng) for _ in range(PAIRS)]
    assert shares(found)[2] >= 95


def test_single_runs_of_the_same_server_cannot_be_told_apart() -> None:
    rng, machine = np.random.default_rng(2), Machine(0.0, spread=0.05, requests=60)
    assert shares([machine.one_after_the_other(1.0, 1, rng) for _ in range(PAIRS)])[2] >= 95


@pytest.mark.slow
def test_five_percent_are_found_with_the_repeats_that_were_asked_for() -> None:
    rng = np.random.default_rng(3)
    assert shares([Machine(0.02).as_asked(1.05, 5, rng) for _ in range(50)])[1] >= 80


@pytest.mark.slow
def test_three_percent_are_found_in_turn_under_a_drift_that_misleads_runs_after_each_other() -> None:
    rng, machine = np.random.default_rng(4), Machine(0.01, drift=DRIFTS["slower by 20 %, steadily"])
    quicker = 0.97
    faster, wrong, _ = shares([machine.one_after_the_other(quicker, 10, rng) for _ in range(50)])
    assert (faster, wrong) == (0, 100)
    faster, wrong, _ = shares([machine.in_turn(quicker, 10, rng) for _ in range(50)])
    assert faster >= 95
    assert wrong == 0


@pytest.mark.slow
def test_three_percent_are_found_in_turn_under_waves_that_are_slower_than_the_rounds() -> None:
    rng, machine = np.random.default_rng(6), Machine(0.01, drift=DRIFTS["waves of 20 %"])
    faster, wrong, _ = shares([machine.in_turn(0.97, 10, rng) for _ in range(50)])
    assert faster >= 65
    assert wrong == 0


@pytest.mark.slow
def test_requests_that_hang_together_need_more_rounds_and_then_decide() -> None:
    rng, machine = np.random.default_rng(7), Machine(0.005, spread=0.05, requests=32, together=32)
    first = shares([machine.in_turn(0.97, 10, rng) for _ in range(20)])
    asked = shares([machine.in_turn_as_asked(0.97, 10, rng, 0.03) for _ in range(8)])
    assert (first[1], asked[1]) == (0, 0)
    assert first[0] <= 50
    assert asked[0] >= 90


@pytest.mark.slow
@pytest.mark.parametrize("drift", DRIFTS)
def test_a_server_in_turn_with_itself_cannot_be_told_apart_whatever_drifts(drift: str) -> None:
    rng, machine = np.random.default_rng(5), Machine(0.02, drift=DRIFTS[drift])
    assert shares([machine.in_turn(1.0, 6, rng) for _ in range(40)])[2] >= 95
