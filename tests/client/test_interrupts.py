"""Ctrl-C in the middle of a load, in a process of its own as a user has it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil
import pytest

from tests.fakes.openai_server import FakeServer, Script, serving

pytestmark = pytest.mark.waits

CLIENT = """
import json, signal, sys
from pathlib import Path
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.terms import Limits, Order, Target
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.client.calibration import asking

url, spool, processes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
before = signal.getsignal(signal.SIGINT)
load = Schedule(concurrency=2)
observed = drive(
    Order(asking(4), 8, load, Target(url, "m", "chat"), Limits(), spool, processes=processes),
    lambda progress: print(progress.done, file=sys.stderr, flush=True),
)
print(json.dumps({
    "interrupted": observed.interrupted,
    "lost": [node.lost for node in observed.nodes],
    "failures": sorted(str(sample.failure) for sample in observed.samples()),
    "restored": signal.getsignal(signal.SIGINT) is before,
}))
"""
ANSWER_THEN_STALL: tuple[dict[str, str], ...] = ({}, {}, *({"ending": "stall"},) * 6)


@contextmanager
def client(server: FakeServer, spool: Path, processes: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", CLIENT, server.base_url, str(spool), str(processes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(output: IO[str] | None, line: str) -> None:
    assert output is not None
    for seen in output:
        if seen.strip() == line:
            return
    pytest.fail(f"the client never said {line}")


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_load_keeps_what_is_finished(
    processes: int, number: signal.Signals, tmp_path: Path
) -> None:
    with (
        serving(Script(sequence=ANSWER_THEN_STALL)) as server,
        client(server, tmp_path, processes) as process,
    ):
        wait_for(process.stderr, "2")
        process.send_signal(number)
        answer, _ = process.communicate(timeout=20)
    assert json.loads(answer) == {
        "interrupted": True,
        "lost": [],
        "failures": ["None", "None", "interrupted", "interrupted"],
        "restored": True,
    }


def test_a_second_interrupt_is_not_swallowed(tmp_path: Path) -> None:
    stop_twice = CLIENT.replace("print(json", "signal.raise_signal(signal.SIGINT); print(json")
    with serving(Script(sequence=ANSWER_THEN_STALL)) as server:
        command = [sys.executable, "-c", stop_twice, server.base_url, str(tmp_path), "1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            wait_for(process.stderr, "2")
            process.send_signal(signal.SIGINT)
            answer, errors = process.communicate(timeout=20)
    assert answer == ""
    assert "KeyboardInterrupt" in errors


@contextmanager
def two_workers(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A client and its two processes, in the midst of a load that never ends."""
    with serving(Script(ending="stall")) as server, client(server, folder, 2) as process:
        wait_for(process.stderr, "0")
        yield process, psutil.Process(process.pid).children()


@pytest.mark.with_children
def test_workers_do_not_outlive_a_client_that_was_killed(tmp_path: Path) -> None:
    with two_workers(tmp_path) as (process, workers):
        assert len(workers) == 2
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


@pytest.mark.with_children
@pytest.mark.parametrize(
    ("number", "said"),
    [(signal.SIGKILL, "ended early"), (signal.SIGSTOP, "has not responded for 2.5 s")],
    ids=["killed", "frozen"],
)
def test_a_worker_that_is_lost_ends_the_load_by_name_and_none_is_left(
    number: signal.Signals, said: str, tmp_path: Path
) -> None:
    with two_workers(tmp_path) as (process, workers):
        workers[0].send_signal(number)
        output, _ = process.communicate(timeout=60)
        assert not any(worker.is_running() for worker in workers)
    left = json.loads(output)
    assert left["lost"] == [f"a client process (pid {workers[0].pid}) {said}"]
    assert not left["interrupted"]


def test_workers_that_are_all_frozen_are_all_named(tmp_path: Path) -> None:
    with two_workers(tmp_path) as (process, workers):
        for worker in workers:
            worker.suspend()
        output, _ = process.communicate(timeout=60)
        assert not any(worker.is_running() for worker in workers)
    (lost,) = json.loads(output)["lost"]
    assert sorted(lost.split("; ")) == sorted(
        f"a client process (pid {worker.pid}) has not responded for 2.5 s" for worker in workers
    )


def test_a_client_that_was_frozen_itself_accuses_no_worker(tmp_path: Path) -> None:
    with (
        serving(Script(ttft_s=1.0)) as server,
        client(server, tmp_path, 2) as process,
    ):
        wait_for(process.stderr, "0")
        parent = psutil.Process(process.pid)
        parent.suspend()
        time.sleep(3.5)  # longer than a worker may be silent
        parent.resume()
        output, _ = process.communicate(timeout=60)
    left = json.loads(output)
    assert left["lost"] == []
    assert left["failures"] == ["None"] * 8
