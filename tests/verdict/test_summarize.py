"""What stands beside the figures of a run with repeats."""

from __future__ import annotations

import pytest

from sagellm_benchmark.verdict.figures import Measurement
from sagellm_benchmark.verdict.metrics import ERROR_RATE, THROUGHPUT
from sagellm_benchmark.verdict.summarize import summarize
from tests.fakes.samples import closed_loop, columns


def test_repeats_without_a_failure_leave_a_rate_that_they_could_have_missed() -> None:
    repeats = [columns(closed_loop(80, seed=seed)) for seed in range(3)]
    numbers = summarize(repeats, Measurement(columns=repeats[0]))
    assert numbers.figures.value(ERROR_RATE) == 0.0
    assert numbers.intervals[ERROR_RATE.name] == pytest.approx((0.0, 0.0158), abs=1e-4)  # Wilson, 0 of 240


def test_a_run_without_repeats_has_no_intervals_of_metrics() -> None:
    once = columns(closed_loop(80))
    assert summarize([once], Measurement(columns=once)).intervals == {}


def test_a_figure_that_was_not_asked_for_has_no_interval() -> None:
    repeats = [columns(closed_loop(80, seed=seed)) for seed in range(3)]
    numbers = summarize(repeats, Measurement(columns=repeats[0]), (THROUGHPUT,))
    assert set(numbers.intervals) <= {THROUGHPUT.name, "slo_attainment"}
