"""The client against a server that keeps a log of what it truly did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sagellm_benchmark.client.calibration import asking, timed_server
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.terms import Limits, Observed, Order, Target
from sagellm_benchmark.client.timed_log import read_log
from sagellm_benchmark.workload import schedule
from sagellm_benchmark.workload.schedule import Schedule
from tests.workload.test_schedule import critical, kolmogorov_smirnov

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


def was_busy(observed: Observed) -> bool:
    """Whether something else kept this process from running on time; then gaps of a millisecond say nothing."""
    lag = observed.health.loop_lag_p99_s
    return lag is None or lag > 0.002


def test_an_open_loop_arrives_at_the_asked_rate_with_exponential_gaps(tmp_path: Path) -> None:
    """1,000 requests at 200 a second, as the server saw them come in."""
    due = schedule.poisson(200, 1000, np.random.default_rng(11))
    log = tmp_path / "truth"
    with timed_server(log, ttft_s=0.2, itl_s=0.01) as base_url:
        observed = drive(
            Order(
                asking(2),
                None,
                Schedule(due_s=due),
                Target(base_url, "timed", "completions"),
                Limits(),
                tmp_path,
            )
        )
        samples = list(observed.samples())
    assert len(samples) == 1000
    assert all(sample.ok for sample in samples)
    sent = np.sort([sample.start_s for sample in samples])
    came = np.sort([truth.read_s for truth in read_log(log).values()])
    assert kolmogorov_smirnov(np.diff(due), 999 / due[-1]) < 1.5 * critical(999)
    for seen in (due, sent, came):
        assert 999 / (seen[-1] - seen[0]) == pytest.approx(999 / due[-1], rel=0.01)
    late = np.sort([sample.start_s - (sample.due_s or 0) for sample in samples])
    assert was_busy(observed) or late[900] < 0.002  # so that what was sent is as exponential as what was due
    assert 0 <= (observed.health.loop_lag_p99_s or 0) <= (observed.health.loop_lag_max_s or 0)
    assert min(sample.start_s - (sample.due_s or 0) for sample in samples) >= 0
