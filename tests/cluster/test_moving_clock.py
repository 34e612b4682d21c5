"""A third node whose monotonic clock drifts, or is put forward or back in the middle of a load.

No system lets anybody do that to the real one, so every Python process on that node reads a clock of ours.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cluster.simulated import Machines, joining, load, named_and_gone, sending
from tests.fakes.openai_server import Script, serving

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(300)]

CLOCK = """
import os, time
real, began = time.monotonic, time.monotonic()
time.monotonic = lambda: real() + {ahead}
"""


@contextmanager
def another(folder: Path, ahead: str) -> Iterator[str]:
    """A server, and a third node whose clock is ahead by what that Python says."""
    (folder / "sitecustomize.py").write_text(CLOCK.format(ahead=ahead))
    environ = {**os.environ, "PYTHONPATH": str(folder)}
    with serving(Script()) as server, joining(environ=environ):
        yield server.base_url


def third(cluster: Any, folder: Path) -> str:
    """The name of the node whose processes have our clock."""
    (name,) = (cluster.nodes.names[node] for node, facts in cluster.facts.items() if has(facts.pid, folder))
    return str(name)


def has(pid: int, folder: Path) -> bool:
    try:
        return psutil.Process(pid).environ().get("PYTHONPATH") == str(folder)
    except psutil.Error:  # a number that counts on a machine of its own only
        return False


@pytest.mark.parametrize("step_s", [0.25, -0.25])
def test_a_node_whose_clock_is_put_forward_or_back_during_a_load_is_named_within_5_s(
    machines: Machines, tmp_path: Path, step_s: float
) -> None:
    word = tmp_path / "step"
    named: list[str] = []

    def stepped(cluster: object) -> None:
        sending(cluster)
        named.append(third(cluster, tmp_path))
        word.touch()

    with another(tmp_path, f"{step_s} * os.path.exists({str(word)!r})") as url:
        lost = named_and_gone(stepped, url, tmp_path, nodes=3)
    assert lost.name == named[0]
    assert "its clock moved by 2" in (lost.lost or "")


def test_a_node_whose_clock_has_a_pace_of_its_own_is_no_worse_for_it(
    machines: Machines, tmp_path: Path
) -> None:
    ahead = f"86400 + (real() - {time.monotonic()}) * 0.0004"
    met: list[str] = []
    with another(tmp_path, ahead) as url:
        observed = load(
            url,
            tmp_path / "raw",
            400,
            20.0,
            nodes=3,
            beside=lambda cluster: met.append(third(cluster, tmp_path)),
        )
    assert [node.lost for node in observed.nodes] == [None, None, None]
    (drifting,) = (node for node in observed.nodes if node.name == met[0])
    assert drifting.clock_drift_ppm == pytest.approx(400, abs=100)
    assert (drifting.clock_bound_s or 1.0) < 0.004  # in 20 s, it has gained 8 ms
    assert sorted(one.index for one in observed.samples()) == list(range(400))


def test_a_node_whose_clock_runs_fast_ends_the_load_that_it_would_spoil(
    machines: Machines, tmp_path: Path
) -> None:
    with another(tmp_path, "(real() - began) * 0.01") as url:
        observed = load(url, tmp_path / "raw", 1200, 20.0, nodes=3)
    (lost,) = (node for node in observed.nodes if node.lost)
    assert "its clock moved by" in (lost.lost or "")
    assert observed.elapsed_s < 30
