"""The head of the cluster, or the part of Ray on the machine where the command runs, dies in the middle of a load.

Ray itself would wait a minute for it, and then end the command without a word.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.errors import Exit
from tests.cluster.simulated import ANSWERED, RAY, SMALL, agents, client_processes, end, started
from tests.fakes.openai_server import Script, serving
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(300)]

HEAD = "127.0.0.1:6397"
ENDS_S = 20.0
"""Within which the command ends: 5 s until the loss is noticed, a verdict, and some seconds for Ray to be left."""
FROM = """
from functools import partial
import ray
ray.init = partial(ray.init, _node_ip_address={address!r})  # which node of this machine the command is on
from sagellm_benchmark.cli import main
main()
"""


@dataclass(frozen=True, slots=True)
class Loss:
    """Which of three nodes sends nothing, where the command runs, and what of which node is killed."""

    name: str
    idle: int
    driver: int
    node: int
    killed: str
    said: str


LOSSES = (
    Loss("raylet of the driver's node, the head", 3, 1, 1, "raylet", "client node"),
    Loss("the head beside the driver", 3, 1, 1, "gcs_server", "client node"),
    Loss("raylet of the driver's node, not the head", 3, 2, 2, "raylet", "client node"),
    Loss("the head elsewhere, which sends nothing", 1, 2, 1, "", "the head of the Ray cluster"),
)


def cluster(idle: int, folder: Path) -> AbstractContextManager[list[subprocess.Popen[bytes]]]:
    """A head and two more nodes, each with an address of its own; `idle` has no processors to lend."""
    lends = {number: [*SMALL, *(["--num-cpus=0"] if number == idle else [])] for number in (1, 2, 3)}
    join = [RAY, "start", f"--address={HEAD}"]
    others = [[*join, f"--node-ip-address=127.0.0.{number}", *lends[number]] for number in (2, 3)]
    return started(HEAD, others, folder / "log", lends[1])


def command(url: str, driver: int, folder: Path) -> Sequence[str]:
    told = [sys.executable, "-c", FROM.format(address=f"127.0.0.{driver}")]
    told += ["run", "--base-url", url, "--on", f"ray://{HEAD}", "--client-nodes=2", "--client-processes=2"]
    told += ["--workload=custom", "--requests=5000", "--rate=20", "--input-tokens=16", "--output-tokens=8"]
    return [*told, "--no-calibrate", "--json", f"--outputs={folder}"]


@pytest.mark.parametrize("loss", LOSSES, ids=[loss.name for loss in LOSSES])
def test_the_command_says_what_was_lost_and_ends_in_time(loss: Loss, tmp_path: Path) -> None:
    with cluster(loss.idle, tmp_path) as nodes, serving(Script(itl_s=0.005)) as server:
        with (tmp_path / "said").open("wb") as said:
            driver = subprocess.Popen(command(server.base_url, loss.driver, tmp_path), stdout=said)
        try:
            wait_for(lambda: len(server.requests) > 4 * ANSWERED or driver.poll() is not None, 90)
            end(nodes[loss.node - 1], loss.killed)
            assert driver.wait(ENDS_S) == Exit.INVALID_RUN
        finally:
            driver.kill()
            driver.wait()
        wait_for(lambda: not client_processes() and not agents(), 10)
        assert lost(tmp_path / "said").startswith(loss.said)


def lost(said: Path) -> str:
    """The reason that names what was lost, of a run that has kept what it measured."""
    (run,) = json.loads(said.read_bytes())
    summary: dict[str, Any] = run["summary"]
    assert summary["status"] == "node lost"
    assert summary["requests"] > ANSWERED
    return str(next(reason for reason in summary["reasons"] if " was lost: " in reason))
