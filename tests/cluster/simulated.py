"""Nodes of a real Ray cluster on this machine, and loads from them.

The second node has a clock and processes of its own where Linux allows that. Where Ray is not installed, the tests that
import this say so and are skipped.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from sagellm_benchmark.client.calibration import asking
from sagellm_benchmark.client.terms import ClientNode, Limits, Observed, Order, Target
from sagellm_benchmark.verdict import nodes as verdict
from sagellm_benchmark.workload.schedule import Schedule, constant
from tests.verdict.test_checks import evidence
from tests.waiting import wait_for

os.environ |= {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(16),
    "RAY_USAGE_STATS_ENABLED": "0",
}
ray_nodes = pytest.importorskip(
    "sagellm_benchmark.cluster.ray_nodes", reason="Ray is not installed: nox -s cluster"
)

SHIFT_S = 86_400
HEAD = "127.0.0.1:6391"
RAY = str(Path(sys.executable).with_name("ray"))
OWN_CLOCK = ("unshare", "--time", "--monotonic", str(SHIFT_S), "--boottime", str(SHIFT_S))
OWN_PROCESSES = ("--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc")
SMALL = ("--num-cpus=2", "--object-store-memory=80000000", "--block")
ADDRESSES = [f"--node-ip-address=127.0.0.{number}" for number in (1, 2, 3)]
"""Of the head, the second node and a third: whoever joins is part of the node that has its own address, the head."""
NAMESPACES = (
    subprocess.run([*OWN_CLOCK, *OWN_PROCESSES, "true"], capture_output=True, check=False).returncode == 0
)
URGENT = 0 if os.geteuid() == 0 else 15
"""How nice processes are on a node of Ray's, whose workers begin at 15: only root may take that back."""
ANSWERED = 8  # requests of each node, when it counts as sending
WORKERS = "sagellm_benchmark.client.worker"


@dataclass
class Machines:
    """The second node's process."""

    second: subprocess.Popen[bytes]


@contextlib.contextmanager
def two_nodes(log: Path) -> Iterator[Machines]:
    """A head at `HEAD`, and a second node."""
    second = [*(OWN_CLOCK if NAMESPACES else ()), *(OWN_PROCESSES if NAMESPACES else ()), RAY, "start"]
    second += [f"--address={HEAD}", ADDRESSES[1], *SMALL]
    with started(HEAD, [second], log) as processes:
        yield Machines(processes[1])


@contextlib.contextmanager
def started(
    head: str, others: Sequence[Sequence[str]], log: Path, lends: Sequence[str] = SMALL
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A head at that address, and the nodes of other commands, one after the other; none is left in the end."""
    host, _, port = head.partition(":")
    folder = Path("/tmp") / f"ray-{port}-{os.getpid()}"  # noqa: S108 - its sockets need short paths
    first = [RAY, "start", "--head", f"--port={port}", f"--node-ip-address={host}"]
    first += ["--include-dashboard=false", f"--temp-dir={folder}", *lends]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as said:
            for command in (first, *others):
                processes.append(subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True))
                wait_for(lambda: alive(head) == len(processes), 90)
        yield processes
    finally:
        for process in reversed(processes):
            kill_all(process)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def joining(*more: str, environ: dict[str, str] | None = None) -> Iterator[None]:
    """One more node, started with `more`, whose processes have this environment."""
    before = alive(HEAD)
    command = [RAY, "start", f"--address={HEAD}", ADDRESSES[2], *SMALL, *more]
    node = subprocess.Popen(
        command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(lambda: alive(HEAD) == before + 1, 90)
        yield
    finally:
        kill_all(node)
        wait_for(lambda: alive(HEAD) == before, 90)


def alive(head: str) -> int:
    """Nodes that the head knows of."""
    script = (
        f"import ray; ray.init({head!r}, log_to_driver=False); print(sum(n['Alive'] for n in ray.nodes()))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stdout
    return int(said.partition("\n")[0] or 0)  # behind it Ray itself tells of nodes that died


def kill_all(process: subprocess.Popen[bytes]) -> None:
    """Kill a machine with all that runs on it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.kill()
    process.wait()


def end(node: subprocess.Popen[bytes], name: str) -> None:
    """Kill a node, or only its process of that name, after which Ray ends the others by itself or does not."""
    if not name:
        kill_all(node)
        return
    (process,) = (one for one in psutil.Process(node.pid).children(recursive=True) if one.name() == name)
    process.kill()


@dataclass
class Noticing:
    """The nodes, how many requests each has done, and when each was given up."""

    nodes: Any
    done: dict[int, int] = field(default_factory=dict)
    noticed: list[float] = field(default_factory=list)

    @property
    def names(self) -> Sequence[str]:
        return list(self.nodes.names)

    def head_lost(self) -> Any:
        return self.nodes.head_lost()

    def ask(self, method: str, arguments: dict[int, tuple[Any, ...]], within_s: float) -> Any:
        found = self.nodes.ask(method, arguments, within_s)
        if method == "state":
            self.done |= {node: getattr(said, "done", 0) for node, said in found.items()}
        return found

    def end(self, node: int) -> None:
        self.noticed.append(time.monotonic())
        self.nodes.end(node)


def load(
    url: str,
    folder: Path,
    count: int,
    rate: float,
    tokens: int = 8,
    beside: Callable[[object], None] | None = None,
    head: str = HEAD,
    nodes: int = 2,
) -> Observed:
    with ray_nodes.connect(f"ray://{head}", nodes, 2, lambda text: None) as cluster:
        if beside is not None:
            cluster.nodes = Noticing(cluster.nodes)
            threading.Thread(target=beside, args=(cluster,), daemon=True).start()
        due = Schedule(due_s=constant(rate, count))
        target = Target(url, "timed", "chat")
        observed: Observed = cluster.drive(
            Order(asking(tokens), count, due, target, Limits(), folder, processes=2)
        )
        return observed


def sending(cluster: object) -> None:
    """Wait until every node is in the middle of its load."""
    seen: Noticing = cluster.nodes  # type: ignore[attr-defined]
    wait_for(lambda: seen.done and min(seen.done.values()) >= ANSWERED, 60)


def named_and_gone(
    fault: Callable[[object], None], url: str, folder: Path, head: str = HEAD, nodes: int = 2
) -> ClientNode:
    """Expect a fault of one node in the middle of a load to be noticed in time, with its name, and to leave nothing.

    Gives the node that was lost.
    """
    failed: list[float] = []
    met: list[Any] = []

    def beside(cluster: object) -> None:
        met.append(cluster)
        fault(cluster)
        failed.append(time.monotonic())

    observed = load(url, folder / "raw", 1200, 20.0, beside=beside, head=head, nodes=nodes)
    (lost,) = (node for node in observed.nodes if node.lost)
    kept = [node for node in observed.nodes if not node.lost]
    reasons = [str(one) for one in verdict.all_there(evidence([], nodes=observed.nodes))]
    assert len(reasons) == 1
    assert lost.name in reasons[0]
    assert met[0].nodes.noticed[0] - failed[0] < 5
    assert [node.health is None for node in kept] == [False] * (nodes - 1)
    samples = list(observed.samples())
    assert 0 < len(samples) < 1200
    wait_for(lambda: not client_processes(), 10)
    return lost


def client_processes() -> list[psutil.Process]:
    """The processes that send our loads."""
    every = psutil.process_iter(["cmdline"])
    return [one for one in every if WORKERS in (one.info["cmdline"] or ()) and is_ours(one)]


def agents() -> list[psutil.Process]:
    """The agents of our loads."""
    return [one for one in psutil.process_iter(["cmdline"]) if is_agent(one)]


def is_agent(process: psutil.Process) -> bool:
    return any("_Agent" in word for word in process.info["cmdline"] or ()) and is_ours(process)


def is_ours(process: psutil.Process) -> bool:
    """Whether a process belongs to the cluster of these tests, and not to others that run beside them."""
    try:
        return process.environ().get("RAY_AUTH_TOKEN") == os.environ["RAY_AUTH_TOKEN"]
    except psutil.Error:
        return False


def ip(words: str) -> None:
    """Set up networks; where the system allows none, the test is skipped."""
    done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(
            f"this system allows no network namespaces, so no link is cut or slow: {done.stderr.strip()}"
        )
