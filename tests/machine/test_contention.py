from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sagellm_benchmark.machine import contention
from sagellm_benchmark.machine.contention import Contention, pressure_s, run_and_wait_s

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

SPIN = "import time; end = time.process_time() + {seconds}\nwhile time.process_time() < end: pass"


def burn(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_another_program_at_work_is_seen() -> None:
    alone = subprocess.Popen(  # a session of its own, and not our child once the shell has gone
        ["sh", "-c", f'"{sys.executable}" -c "$0" >/dev/null 2>&1 & echo $!', SPIN.format(seconds=1.5)],
        stdout=subprocess.PIPE,
        text=True,
    )
    pid = int(alone.communicate()[0])
    with Contention([os.getpid()]) as neighbours:
        burn(0.7)
    os.kill(pid, signal.SIGKILL)
    assert neighbours.share is not None
    assert neighbours.share > 0.1 / (os.cpu_count() or 1)


def test_a_server_that_cannot_be_seen_has_no_known_neighbours() -> None:
    with Contention(()) as neighbours:
        pass
    assert neighbours.share is None


def test_the_client_is_watched_where_the_server_is_elsewhere() -> None:
    with Contention(()) as contention:
        burn(0.6)
    assert contention.seen is not None
    assert contention.seen.others_share is None
    assert contention.seen.server_wait_share is None
    assert contention.seen.client_wait_share is not None


def test_a_moment_is_too_short_to_tell() -> None:
    with Contention([os.getpid()]) as neighbours:
        pass
    assert neighbours.share is None


def test_our_own_children_are_no_neighbours_when_they_have_ended_either() -> None:
    before = contention._now([os.getpid()])
    subprocess.run([sys.executable, "-c", SPIN.format(seconds=0.3)], check=True)
    assert contention._now([os.getpid()]).ours - before.ours >= 0.25


def test_how_long_threads_waited_is_read_of_every_one() -> None:
    before = run_and_wait_s([os.getpid()])
    burn(0.05)
    after = run_and_wait_s([os.getpid()])
    assert before is not None
    assert after is not None
    assert after[0] - before[0] >= 0.04
    assert after[1] >= before[1]


def test_an_engine_that_we_started_is_seen_apart_from_its_client() -> None:
    burning = subprocess.Popen([sys.executable, "-c", SPIN.format(seconds=30)])
    with Contention([burning.pid]) as neighbours:
        burn(0.6)
    burning.kill()
    burning.wait()
    assert neighbours.seen is not None
    assert neighbours.seen.server_wait_share is not None
    assert neighbours.seen.client_wait_share is not None


def test_the_pressure_on_the_processors_is_read_where_linux_tells(tmp_path: Path) -> None:
    told = tmp_path / "cpu"
    told.write_text("some avg10=93.32 avg60=64.30 avg300=71.85 total=8351470\nfull avg10=0.00 total=0\n")
    assert pressure_s(told) == 8.35147
    assert pressure_s(tmp_path / "absent") is None
    told.write_text("")
    assert pressure_s(told) is None


def test_the_share_of_the_time_under_pressure_is_that_of_all_spans() -> None:
    assert contention._pressure_share([(1.0, 1.5), (3.0, 4.0)], 6.0) == 0.25
    assert contention._pressure_share([(1.0, 1.5), (None, 4.0)], 6.0) is None


def test_a_process_that_has_gone_waited_for_nothing() -> None:
    assert run_and_wait_s([2**22 + 1]) is None
