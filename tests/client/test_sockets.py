"""How many sockets a process may have, in processes whose limits are set for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sagellm_benchmark.client.calibration import asking, timed_server
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.terms import Limits, Order, Target
from sagellm_benchmark.workload.schedule import Schedule

pytestmark = [
    pytest.mark.no_cover,
    pytest.mark.skipif(sys.platform == "win32", reason="limits are another matter there"),
]

ASK = """
import resource, sys
from sagellm_benchmark.client.sockets import allow_files
from sagellm_benchmark.errors import UsageError
soft, hard, connections = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
try:
    allow_files(connections)
except UsageError as error:
    print(error.message)
else:
    print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def ask(soft: int, hard: int, connections: int) -> str:
    command = [sys.executable, "-c", ASK, str(soft), str(hard), str(connections)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_limit_is_raised_as_far_as_it_may_be() -> None:
    assert ask(100, 400, 200) == "400"


def test_a_limit_that_is_far_enough_stays() -> None:
    assert ask(400, 400, 200) == "400"


def test_too_low_a_limit_is_an_error_with_both_numbers() -> None:
    assert ask(100, 200, 200) == "200 connections at once need 264 open files, and this process may open 200"


@pytest.mark.slow
def test_one_process_drives_a_thousand_streams(tmp_path: Path) -> None:
    with timed_server(tmp_path / "truth", ttft_s=1.0, itl_s=0.1) as base_url:
        observed = drive(
            Order(
                asking(2),
                1000,
                Schedule(concurrency=1000),
                Target(base_url, "timed", "chat"),
                Limits(),
                tmp_path,
            )
        )
        samples = list(observed.samples())
    assert len(samples) == 1000
    assert {sample.failure for sample in samples} == {None}
    assert len({sample.stream for sample in samples}) == 1000
    assert max(sample.start_s for sample in samples) < min(sample.event_s[0] for sample in samples)
