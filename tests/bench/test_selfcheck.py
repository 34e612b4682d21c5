"""How the client's own error is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.bench.sample import Failure, Phase, Sample
from sagellm_benchmark.bench.selfcheck import calibrate, compare, pace, timed_server
from sagellm_benchmark.bench.timed_server import Truth
from sagellm_benchmark.errors import RemoteError


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
    seen = calibrate(8, "chat", 0.6, processes=processes)
    assert seen.streams == 8
    assert seen.ttft_bias_s_p99 >= seen.ttft_bias_s_p50 > 0
    assert seen.itl_bias_s >= 0
    assert seen.tokens_per_s > 0
    assert seen.clean_tokens_per_s == pytest.approx(processes / seen.cpu_s_per_token)


def test_a_server_that_cannot_start_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(RemoteError, match="did not start"),
        timed_server(tmp_path / "missing" / "truth", ttft_s=0, itl_s=0),
    ):
        pass
    assert "missing" in capfd.readouterr().err
