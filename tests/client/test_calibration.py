"""How the client's own error is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sagellm_benchmark.children import child
from sagellm_benchmark.client.calibration import (
    Bias,
    Driven,
    _address,
    calibrate,
    compare,
    highest_clean,
    pace,
    timed_server,
)
from sagellm_benchmark.client.sample import Failure, Phase, Sample
from sagellm_benchmark.client.terms import ClientHealth
from sagellm_benchmark.client.timed_log import Truth
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.workload.schedule import Schedule, constant
from tests.waiting import wait_for

pytestmark = pytest.mark.slow

CALIBRATES = """
from sagellm_benchmark.client.calibration import calibrate
from sagellm_benchmark.workload.schedule import Schedule
calibrate(Schedule(concurrency=2), "chat")
"""


def sample(text: str, start_s: float, event_s: tuple[float, ...], failure: Failure | None = None) -> Sample:
    return Sample(
        index=0,
        turn=0,
        stream=0,
        phase=Phase.MEASURED,
        due_s=None,
        start_s=start_s,
        end_s=event_s[-1],
        event_s=event_s,
        text=text,
        asked_input_tokens=1,
        asked_output_tokens=len(event_s),
        prompt_tokens=1,
        completion_tokens=len(event_s),
        cached_tokens=None,
        finish_reason="length",
        status=200,
        failure=failure,
        detail=None,
    )


def test_the_bias_is_what_is_reported_minus_what_is_true() -> None:
    truth = {0: Truth(100.0, (100.5, 100.6, 100.7)), 1: Truth(100.0, (100.5, 100.6, 100.7))}
    samples = [sample("#0 a b", 1.0, (1.51, 1.63, 1.75)), sample("#1 a b", 1.0, (1.53, 1.63, 1.73))]
    bias = compare(samples, truth)
    assert (bias.requests, bias.tokens) == (2, 6)
    assert bias.ttft_s_p50 == pytest.approx(0.02)
    assert bias.ttft_s_p99 == pytest.approx(0.0298)
    assert bias.itl_s == pytest.approx(0.01)


def test_what_only_one_side_knows_is_left_out() -> None:
    truth = {0: Truth(100.0, (100.5,))}
    samples = [
        sample("#0 ", 1.0, (1.5,)),
        sample("#0 ", 1.0, (9.0,), Failure.TIMEOUT),
        sample("#7 ", 1.0, (9.0,)),
        sample("hello", 1.0, (9.0,)),
    ]
    bias = compare(samples, truth)
    assert (bias.requests, bias.itl_s) == (1, 0.0)
    assert bias.ttft_s_p50 == pytest.approx(0)


def test_a_server_that_answered_nothing_calibrates_nothing() -> None:
    with pytest.raises(RemoteError):
        compare([], {})


def test_many_streams_are_slowed_so_that_the_server_keeps_its_own_time() -> None:
    assert pace(1) == pace(256) == 0.01
    assert pace(1024) == 0.04


@pytest.mark.parametrize("processes", [1, 2])
def test_a_calibration_says_how_far_the_client_is_off(processes: int) -> None:
    seen = calibrate(Schedule(concurrency=8), "chat", processes=processes)
    assert (seen.streams, seen.requests) == (8, None)
    assert seen.ttft_bias_s_p99 >= seen.ttft_bias_s_p50 > 0
    assert seen.itl_bias_s >= 0
    assert 0 < seen.tokens_per_s <= seen.most_tokens_per_s


@pytest.mark.parametrize(
    ("due_s", "requests"), [(constant(64, 500), 52), ((0.0, 30.0), 8), ((0.0,) * 24, 24)]
)
def test_an_open_loop_is_calibrated_with_its_own_arrivals_or_a_few_where_they_are_rare(
    due_s: tuple[float, ...], requests: int
) -> None:
    seen = calibrate(Schedule(due_s=due_s), "completions")
    assert (seen.streams, seen.requests) == (None, requests)


def driven(tokens_per_s: int, *, cpu_share: float = 0.2, ttft_bias_s: float = 0.001) -> Driven:
    health = ClientHealth(loop_lag_p99_s=None, loop_lag_max_s=None, cpu_share=cpu_share, cpu_s=cpu_share)
    return Driven(1.0, health, Bias(10, tokens_per_s, ttft_bias_s, ttft_bias_s, 0.0001))


def test_the_highest_clean_rate_is_below_the_first_that_was_not_clean() -> None:
    slow, fast, faster = driven(6400), driven(25_600, ttft_bias_s=0.02), driven(51_200)
    assert highest_clean([slow, fast, faster]) == (slow, "server")


def test_a_client_without_processor_time_left_is_what_gave_out() -> None:
    slow, fast = driven(6400), driven(25_600, cpu_share=0.97)
    assert highest_clean([slow, fast]) == (slow, "client")
    assert highest_clean([fast]) == (None, "client")


def test_a_client_that_was_clean_at_every_rate_was_held_up_by_the_server() -> None:
    assert highest_clean([driven(6400), driven(60_000), driven(58_000)]) == (driven(60_000), "server")


def test_a_server_that_cannot_start_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(RemoteError, match="did not start"),
        timed_server(tmp_path / "missing" / "truth", ttft_s=0, itl_s=0),
    ):
        pass
    assert "missing" in capfd.readouterr().err


def test_a_server_that_says_nothing_is_not_waited_for_for_ever() -> None:
    mute = (sys.executable, "-c", "import sys; sys.stdin.read()")
    with child(mute) as process, pytest.raises(RemoteError, match=r"within 0\.05 s"):
        _address(process, within_s=0.05)


def test_a_calibration_that_is_killed_leaves_no_file(tmp_path: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", CALIBRATES], env=environ) as process:
        wait_for(lambda: any(tmp_path.glob("sagellm-calibration-*/truth")))
        process.kill()
    wait_for(lambda: not list(tmp_path.iterdir()))
