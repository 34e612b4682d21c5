"""The head of the cluster dies while a matrix is measured on another node."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sagellm_benchmark.errors import Exit
from tests.cluster.plans import begun, plan, run
from tests.cluster.simulated import RAY, SMALL, end, started
from tests.fakes.engine_install import Behaviour, install
from tests.matrix.test_command import done, left_running, runs
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(300)]

HEAD = "127.0.0.1:6398"
ENDS_S = 20.0
"""Within which the command ends: 3 s until the loss is noticed, and some seconds for Ray to be left."""


@contextmanager
def cluster(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A head that lends nothing, and a node where everything is measured."""
    other = [RAY, "start", f"--address={HEAD}", "--node-ip-address=127.0.0.2", *SMALL]
    with started(HEAD, [other], log, [*SMALL, "--num-cpus=0"]) as (head, _):
        yield head


@pytest.mark.parametrize("killed", ["", "gcs_server"], ids=["the whole node", "its process alone"])
def test_a_matrix_without_a_head_ends_in_time_and_a_later_one_measures_only_what_is_left(
    killed: str, tmp_path: Path
) -> None:
    word = tmp_path / "go"
    venvs = [install(tmp_path / "a", "vllm"), install(tmp_path / "b", "vllm", Behaviour(waits_for=word))]
    command = plan(tmp_path, venvs, cpus=1, head=HEAD)
    with cluster(tmp_path / "log") as head, begun(tmp_path, command) as driver:
        wait_for((venvs[1] / "starts").is_file, 90)
        kept = {path: path.stat().st_mtime_ns for path in done(tmp_path)}
        end(head, killed)
        assert driver.wait(ENDS_S) == Exit.REMOTE
    assert ":6398, is lost: no answer for 3 s" in (tmp_path / "complaint").read_text()
    assert len(kept) == 2
    wait_for(lambda: not left_running(tmp_path), 60)
    word.touch()
    with cluster(tmp_path / "log"):
        results, complaint = run(tmp_path, command)
    assert [one["failure"] for one in results] == [None] * 4, complaint
    assert len(done(tmp_path)) == len(runs(tmp_path)) == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
