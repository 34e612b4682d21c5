"""What `nox -s trials` makes of runs; the runs themselves need a machine that does nothing else."""

from __future__ import annotations

import os
import sys

import psutil
import pytest

from tests.house import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from busy import Trial, loops

BUSY = "the machine was busy: other programs used 62% of the processors"
SEEN = {"others_share": 0.62, "server_wait_share": 0.5, "client_wait_share": 0.7, "pressure_share": 0.9}


def trial(*reasons: str, busy: bool) -> Trial:
    figures = {"ttft_ms": {"mean": 123.4}, "throughput_tps": 55.55, "contention": SEEN}
    return Trial(busy, {"valid": not reasons, "reasons": reasons, **figures})


@pytest.mark.parametrize(
    ("one", "right"),
    [
        (trial(busy=False), True),
        (trial(BUSY, busy=False), False),
        (trial(BUSY, busy=True), True),
        (trial(busy=True), False),
        (trial("never steady: latency grew by 40%", busy=True), False),
    ],
)
def test_a_verdict_is_what_the_machine_deserves(one: Trial, right: bool) -> None:
    assert one.as_it_should_be is right


def test_a_row_says_the_verdict_its_reason_and_the_figures() -> None:
    assert trial(BUSY, busy=True).cells == (
        *("busy", "INVALID", "123 ms", "55.5", "62%", "50%", "70%", "90%"),
        "the machine was busy",
    )


@pytest.mark.slow
def test_busy_loops_are_gone_when_it_is_over() -> None:
    before = set(psutil.Process(os.getpid()).children())
    with loops(2):
        running = set(psutil.Process(os.getpid()).children()) - before
        assert len(running) == 2
    assert not any(one.is_running() for one in running)
