from __future__ import annotations

import numpy as np
import pytest

from sagellm_benchmark.verdict import cached
from sagellm_benchmark.verdict.cached import Recall, RepeatTest
from tests.fakes.series import TTFTS, cached_share

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize("name", TTFTS)
def test_a_server_without_a_cache_is_accused_in_less_than_1_run_of_100(name: str) -> None:
    rng, draw = np.random.default_rng(3), TTFTS[name]
    tests = [(draw(50, rng), RepeatTest.of(draw(32, rng), draw(32, rng))) for _ in range(300)]
    assert sum(test.answered(run) > 0 for run, test in tests) <= 3


@pytest.mark.parametrize("share", [0.4, 1.0])
@pytest.mark.parametrize("name", ["steady", "bimodal"])
def test_a_cache_is_found(name: str, share: float) -> None:
    rng, draw = np.random.default_rng(4), TTFTS[name]
    found = 0
    for _ in range(100):
        repeated = cached_share(draw(32, rng), share, rng)
        test = RepeatTest.of(draw(32, rng), repeated)
        found += test.answered(cached_share(draw(50, rng), share, rng)) > 0
    assert found >= 90


def test_a_cache_that_saves_less_than_the_noise_is_none() -> None:
    assert not RepeatTest.of([0.0015] * 20, [0.0001] * 20).shows_cache
    assert RepeatTest.of([0.015] * 20, [0.001] * 20).shows_cache


def test_a_server_with_a_cache_that_held_none_of_the_prompts_is_not_accused() -> None:
    assert RepeatTest.of([0.1] * 20, [0.01] * 20).answered([0.1] * 50) == 0.0


def test_a_few_repeated_prompts_tell_nothing() -> None:
    assert not RepeatTest.of([0.1] * 7, [0.01] * 7).shows_cache


def test_ranks_of_the_same_values_are_chance() -> None:
    assert cached.sooner([1.0] * 20, [1.0] * 20) == 1.0
    assert cached.sooner([1.0] * 20, [2.0] * 20) < 1e-6


def test_fishers_test_is_the_one_of_the_lady_tasting_tea() -> None:
    assert cached.more(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert cached.more(3, 4, 1, 4) == pytest.approx(17 / 70)


def test_prompts_that_a_server_knew_and_does_not_keep_are_found_without_a_repeated_one() -> None:
    test = RepeatTest.of([0.1] * 20, [0.1] * 20)
    assert test.answered([0.01] * 50) == 0.0
    assert test.known([0.01] * 20 + [0.1] * 30, streams=8) == pytest.approx(0.4)


def test_prompts_that_were_known_come_sooner_again_than_new_ones_and_than_repeated_ones() -> None:
    assert Recall(run_s=(0.01,) * 10, new_s=(0.1,) * 10, repeated_s=(0.1,) * 10).knew
    assert not Recall(run_s=(0.1,) * 10, new_s=(0.1,) * 10, repeated_s=(0.1,) * 10).knew
    assert not Recall(
        run_s=(0.01,) * 10, new_s=(0.1,) * 10, repeated_s=(0.01,) * 10
    ).knew  # a cache, as any has


@pytest.mark.parametrize("name", TTFTS)
def test_a_server_that_knew_nothing_is_accused_in_less_than_1_run_of_100(name: str) -> None:
    rng, draw = np.random.default_rng(5), TTFTS[name]
    tests = [(draw(50, rng), RepeatTest.of(draw(32, rng), draw(32, rng))) for _ in range(300)]
    assert sum(test.known(run, streams=1) > 0 for run, test in tests) <= 3
