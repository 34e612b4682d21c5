"""What a million tokens cost on hardware of a known price."""

from __future__ import annotations

import pytest

from sagellm_benchmark.verdict.figures import Measurement
from sagellm_benchmark.verdict.metrics import METRICS
from tests.fakes.samples import columns, sample

COST = {one.name: one for one in METRICS if one.unit == "$/Mtok"}


def cost(price: float | None) -> tuple[float | None, float | None]:
    """Of an hour in which 36 requests take 100 s each, 25 of them to the first token: 32 tokens in, 11 out."""
    samples = [sample(start=100.0 * i, ttft=25.0, itl=7.5) for i in range(36)]
    seen = Measurement(columns(samples), price_per_hour_usd=price)
    return COST["cost_in_usd_per_mtok"].of(seen), COST["cost_out_usd_per_mtok"].of(seen)


def test_the_price_is_shared_by_the_time_before_and_after_the_first_token() -> None:
    into, out = cost(2.50)
    assert into == pytest.approx(2.50 * 0.25 / (36 * 32) * 1e6)
    assert out == pytest.approx(2.50 * 0.75 / (36 * 11) * 1e6)


def test_both_together_are_what_the_hour_cost() -> None:
    into, out = cost(4.0)
    assert into is not None
    assert out is not None
    assert (36 * 32 * into + 36 * 11 * out) / 1e6 == pytest.approx(4.0)


def test_without_a_price_there_is_no_cost() -> None:
    assert cost(None) == (None, None)


def test_without_answers_there_is_no_cost() -> None:
    seen = Measurement(columns([]), price_per_hour_usd=1.0)
    assert [one.of(seen) for one in COST.values()] == [None, None]
