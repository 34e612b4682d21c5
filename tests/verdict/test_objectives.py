"""Which requests met the objectives."""

from __future__ import annotations

import pytest

from sagellm_benchmark.verdict import objectives
from tests.fakes.samples import columns, sample


def test_goodput_counts_requests_that_met_every_objective() -> None:
    fast, slow = sample(ttft=0.1), sample(ttft=0.4)
    both = columns([fast, slow])
    assert objectives.goodput_rps(both, {"ttft": 0.2, "tpot": 0.05}) == pytest.approx(1 / 0.5)


def test_without_objectives_there_is_no_goodput() -> None:
    assert objectives.goodput_rps(columns([sample()]), {}) is None


def test_an_objective_on_what_nobody_measured_is_neither_met_nor_missed() -> None:
    whole = columns([sample(start=start, tokens=1, completion_tokens=7) for start in range(3)])
    assert objectives.attainment(whole, {"tpot": 0.001}) is None
    assert objectives.goodput_rps(whole, {"tpot": 0.001}) is None
    assert objectives.attainment(whole, {"ttft": 1.0}) == 1.0
