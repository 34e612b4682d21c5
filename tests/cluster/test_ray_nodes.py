"""Loads from two nodes of a real Ray cluster; the second is a machine of its own for clock and processes."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil
import pytest

from sagellm_benchmark.client.calibration import timed_server
from sagellm_benchmark.errors import BenchmarkError, Exit
from sagellm_benchmark.verdict.columns import collect
from sagellm_benchmark.workload.schedule import constant
from tests.cluster.simulated import (
    ANSWERED,
    HEAD,
    NAMESPACES,
    SHIFT_S,
    URGENT,
    Machines,
    agents,
    client_processes,
    is_agent,
    kill_all,
    load,
    named_and_gone,
    ray_nodes,
    sending,
)
from tests.fakes.openai_server import FakeServer, Script, serving
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with timed_server(tmp_path / "truth", ttft_s=0.02, itl_s=0.005) as address:
        yield address


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ray://127.0.0.1:1", r"no Ray cluster at ray://127\.0\.0\.1:1: nothing listens there"),
        ("ray://127.0.0.1:99999", "no Ray cluster at .*: Port out of range"),
        ("127.0.0.1:6379", "--on takes the address of a Ray cluster"),
    ],
)
def test_an_address_where_no_cluster_can_be_is_refused_at_once(address: str, said: str) -> None:
    with pytest.raises(BenchmarkError, match=said), ray_nodes.joined(address, lambda text: None):
        pytest.fail("there is nothing to join")


def test_a_server_that_is_no_ray_head_is_named_at_once() -> None:
    said = r"what listens at ray://127\.0\.0\.1:\d+ does not answer as the head of a Ray cluster"
    with serving(Script()) as server:
        joining = ray_nodes.joined(server.base_url.replace("http", "ray"), lambda text: None)
        with pytest.raises(BenchmarkError, match=said), joining:
            pytest.fail("there is nothing to join")


def test_the_environments_address_is_tried_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    said = r"ray://auto, which is 127\.0\.0\.1:1 \(RAY_ADDRESS\): nothing listens there"
    with pytest.raises(BenchmarkError, match=said), ray_nodes.joined("ray://auto", lambda text: None):
        pytest.fail("there is nothing to join")


def test_a_cluster_with_another_ray_is_refused_with_both_versions(machines: Machines, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import ray; ray.__version__ = '2.0.1'")
    command = [sys.executable, "-m", "sagellm_benchmark", "run", "--base-url", "http://127.0.0.1:1"]
    command += ["--on", f"ray://{HEAD}"]
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == Exit.REMOTE
    assert "do not match" in ended.stderr
    assert "Ray: 2.0.1" in ended.stderr
    assert f"Ray: {version('ray')}" in ended.stderr
    assert "pip install 'ray==VERSION'" in ended.stderr


def test_another_token_is_said_to_be_what_may_be_wrong(machines: Machines) -> None:
    command = [sys.executable, "-m", "sagellm_benchmark", "run", "--base-url", "http://127.0.0.1:1"]
    environ = {**os.environ, "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    ended = subprocess.run(
        [*command, "--on", f"ray://{HEAD}"], env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == Exit.REMOTE
    assert f"what listens at ray://{HEAD} does not answer" in ended.stderr
    assert "is the token here" in ended.stderr


def test_one_schedule_is_sent_by_all_and_every_request_is_due_when_it_was(
    machines: Machines, url: str, tmp_path: Path
) -> None:
    observed = load(url, tmp_path / "raw", 60, 60.0)
    samples = sorted(observed.samples(), key=lambda one: one.index)
    assert [one.index for one in samples] == list(range(60))
    assert all(one.ok for one in samples)
    assert [one.due_s for one in samples] == pytest.approx(constant(60.0, 60), abs=1e-3)
    assert len({(one.index % 4, one.stream) for one in samples}) >= 4
    columns = collect(samples, lambda one: one.completion_tokens)
    union = np.array([one.event_s[0] - one.start_s for one in samples])
    assert np.percentile(columns.ttft_s, 90) == np.percentile(union, 90)
    assert [node.processes for node in observed.nodes] == [2, 2]
    assert not any(node.lost for node in observed.nodes)


def test_the_record_says_how_urgent_the_processes_of_the_nodes_are(
    machines: Machines, url: str, tmp_path: Path
) -> None:
    niceness: set[int] = set()

    def beside(cluster: object) -> None:
        sending(cluster)
        niceness.update(one.nice() for one in client_processes())

    observed = load(url, tmp_path / "raw", 100, 20.0, beside=beside)
    assert niceness == {node.niceness for node in observed.nodes} == {URGENT}


@pytest.mark.skipif(
    not NAMESPACES, reason="this system allows no time namespaces: no node has a clock of its own"
)
def test_a_nodes_clock_is_known_within_its_stated_bound(machines: Machines, url: str, tmp_path: Path) -> None:
    near, far = sorted(
        load(url, tmp_path / "raw", 4, 40.0).nodes, key=lambda node: node.clock_offset_s or 0.0
    )
    for node, true_s in ((near, 0.0), (far, SHIFT_S)):
        assert node.clock_offset_s is not None
        assert node.clock_bound_s is not None
        assert abs(node.clock_offset_s - true_s) <= node.clock_bound_s


def _agent(cluster: object) -> psutil.Process:
    """The agent whose process is this machine's to see."""
    pids = [facts.pid for facts in cluster.facts.values()]  # type: ignore[attr-defined]
    (found,) = (one for one in psutil.process_iter(["cmdline"]) if one.pid in pids and is_agent(one))
    return found


def _worker_dies(cluster: object) -> None:
    sending(cluster)
    agent = _agent(cluster)
    next(one for one in client_processes() if one.ppid() == agent.pid).kill()


def _worker_freezes(cluster: object) -> None:
    sending(cluster)
    agent = _agent(cluster)
    next(one for one in client_processes() if one.ppid() == agent.pid).suspend()


def _agent_dies(cluster: object) -> None:
    sending(cluster)
    _agent(cluster).kill()


def _agent_freezes(cluster: object) -> None:
    sending(cluster)
    _agent(cluster).suspend()


@pytest.mark.parametrize("fault", [_worker_dies, _worker_freezes, _agent_dies, _agent_freezes])
def test_a_node_that_fails_is_named_and_nothing_of_it_is_left(
    fault: Callable[[object], None], machines: Machines, url: str, tmp_path: Path
) -> None:
    named_and_gone(fault, url, tmp_path)


def _begun(url: str, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    """The command itself, from both nodes; what it says goes to `said` and `complaint`."""
    command = [sys.executable, "-m", "sagellm_benchmark", "run", "--base-url", url, "--on", f"ray://{HEAD}"]
    command += ["--client-nodes=2", "--client-processes=2", "--workload=custom", "--rate=20", "--json"]
    command += ["--input-tokens=16", "--output-tokens=8", f"--outputs={folder}", *more]
    with (folder / "said").open("wb") as said, (folder / "complaint").open("wb") as complaint:
        return subprocess.Popen(command, stdout=said, stderr=complaint)


@contextlib.contextmanager
def _driven(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command in the middle of a load."""
    with serving(Script(itl_s=0.005)) as server:
        driver = _begun(server.base_url, folder, "--requests=5000", "--no-calibrate")
        try:
            wait_for(lambda: len(server.requests) > 4 * ANSWERED, 90)
            yield driver
        finally:
            driver.kill()
            driver.wait()


def _on_disk() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("sagellm-node-*"))


@dataclass(frozen=True, slots=True)
class Phase:
    """A moment of a run, known by what there is on the nodes."""

    name: str
    reached: Callable[[FakeServer], object]
    more: tuple[str, ...] = ("--no-calibrate", "--requests=5000")


PHASES = (
    Phase("the nodes are met", lambda server: agents()),
    Phase("they calibrate", lambda server: len(client_processes()) == 2, ("--requests=5000",)),
    Phase("their processes start", lambda server: client_processes()),
    Phase("they send", lambda server: len(server.requests) > 20),
    Phase(
        "the last request is answered",
        lambda server: len(server.requests) >= 40,
        ("--no-calibrate", "--requests=40"),
    ),
)


@pytest.mark.parametrize("phase", PHASES, ids=[phase.name for phase in PHASES])
def test_a_driver_that_dies_leaves_no_process_and_no_file_on_a_node(
    phase: Phase, machines: Machines, tmp_path: Path
) -> None:
    before = _on_disk()
    with serving(Script(itl_s=0.005)) as server:
        driver = _begun(server.base_url, tmp_path, *phase.more)
        wait_for(lambda: phase.reached(server) or driver.poll() is not None, 90)
        assert driver.poll() is None, (tmp_path / "complaint").read_text()
        driver.kill()
        driver.wait()
        wait_for(lambda: not client_processes() and not agents() and not _on_disk() - before, 15)


def test_the_command_ends_as_not_valid_and_names_the_lost_node(machines: Machines, tmp_path: Path) -> None:
    with _driven(tmp_path) as driver:
        client_processes()[0].kill()
        assert driver.wait(60) == Exit.INVALID_RUN
    (run,) = json.loads((tmp_path / "said").read_bytes())
    (lost,) = (node for node in run["summary"]["client"]["nodes"] if node["lost"])
    assert run["summary"]["status"] == "node lost"
    assert any(f"client node {lost['name']} was lost" in reason for reason in run["summary"]["reasons"])
    wait_for(lambda: not client_processes(), 10)


def test_ctrl_c_ends_the_load_on_all_nodes_and_keeps_what_was_measured(
    machines: Machines, tmp_path: Path
) -> None:
    with _driven(tmp_path) as driver:
        driver.send_signal(signal.SIGINT)
        assert driver.wait(60) == Exit.INTERRUPTED
    assert not client_processes()
    (summary,) = tmp_path.glob("**/summary.json")
    run = json.loads(summary.read_bytes())
    assert run["requests"] >= 2 * ANSWERED
    assert [node["lost"] for node in run["client"]["nodes"]] == [None, None]


@pytest.mark.skipif(
    not NAMESPACES, reason="this system allows no process namespaces: no node can die as a whole"
)
def test_a_node_that_dies_as_a_whole_is_named(machines: Machines, url: str, tmp_path: Path) -> None:
    def node_dies(cluster: object) -> None:
        sending(cluster)
        kill_all(machines.second)

    named_and_gone(node_dies, url, tmp_path)
