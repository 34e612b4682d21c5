"""A load over several nodes, whose agents are in this process; how Ray finds and loses nodes is not the matter here."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from sagellm_benchmark import errors
from sagellm_benchmark.client import workers
from sagellm_benchmark.client.calibration import asking
from sagellm_benchmark.client.process import Share
from sagellm_benchmark.client.terms import Limits, Order, Progress, Target
from sagellm_benchmark.cluster.agent import Agent
from sagellm_benchmark.cluster.load import Cluster
from sagellm_benchmark.cluster.nodes import HeadLost, Lost
from sagellm_benchmark.verdict import nodes as verdict
from sagellm_benchmark.workload.schedule import Schedule, constant
from tests.fakes.openai_server import Script, serving
from tests.verdict.test_checks import evidence
from tests.waiting import wait_for

pytestmark = pytest.mark.waits

SICK = """
import asyncio, contextlib, os, signal, time
from sagellm_benchmark.client import decoded, sender

calls, well, it = 0, {method}, None

def falls_ill():
    global calls, it
    calls += 1
    if it is None and calls > {after}:
        it = False
        with contextlib.suppress(FileExistsError):  # another one has: one of all is enough
            os.close(os.open({claim!r}, os.O_CREAT | os.O_EXCL))
            it = True
    return it

async def hanging(*given, **named):
    while falls_ill():
        await asyncio.sleep(0.05)
    return await well(*given, **named)

def frozen(*given, **named):
    global it
    if falls_ill():
        it = False  # once is enough
        os.kill(os.getpid(), signal.SIGSTOP)
    return well(*given, **named)

{method} = {sickness}
"""
"""What the load's processes are made to do, of which one falls ill."""

PPM = 400
DRIFTING = """
import time
real = time.monotonic
time.monotonic = lambda: real() + (real() - {began}) * {drift}
"""
"""A clock that gains a little all the time."""

OPEN = Schedule(due_s=constant(20.0, 1200))
CLOSED = Schedule(concurrency=4, duration_s=60.0)
SHORT = Schedule(due_s=constant(20.0, 8))


@dataclass
class Nodes:
    """Agents of this process; one that is `lost` answers no more. Clocks jump once the load is over, or `stepped`."""

    agents: list[Agent]
    lost: set[int] = field(default_factory=set)
    jumps_s: dict[int, float] = field(default_factory=dict)
    stepped: bool = False
    over: bool = False
    headless: threading.Event = field(default_factory=threading.Event)

    @property
    def names(self) -> Sequence[str]:
        return [f"{number} (here)" for number in range(len(self.agents))]

    def head_lost(self) -> HeadLost | None:
        return HeadLost("10.0.0.1:6379", "no answer for 3 s") if self.headless.is_set() else None

    def ask(self, method: str, arguments: dict[int, tuple[Any, ...]], within_s: float) -> dict[int, Any]:
        found: dict[int, Any] = {
            node: Lost("it fell silent") if node in self.lost else getattr(self.agents[node], method)(*given)
            for node, given in arguments.items()
        }
        if self.stepped or self.over:
            found = {node: self._jumped(node, said) for node, said in found.items()}
        if method == "state":
            self.over = all(isinstance(one, Lost) or one.over for one in found.values())
        return found

    def _jumped(self, node: int, said: Any) -> Any:
        jump_s = self.jumps_s.get(node, 0.0)
        return said + jump_s if isinstance(said, float) else said

    def end(self, node: int) -> None:
        self.lost.add(node)
        self.agents[node].forget()


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    made = Nodes([Agent(), Agent()])
    yield made
    for agent in made.agents:
        agent.forget()


def test_conversations_are_dealt_to_all_processes_of_all_nodes(nodes: Nodes, tmp_path: Path) -> None:
    cluster, seen = Cluster(nodes), list[Progress]()
    cluster.meet()
    with serving(Script()) as server:
        target, due = Target(server.base_url, "m", "chat"), Schedule(due_s=constant(40.0, 20))
        observed = cluster.drive(
            Order(asking(3), 20, due, target, Limits(), tmp_path, processes=2), seen.append
        )
    samples = list(observed.samples())
    assert sorted(one.index for one in samples) == list(range(20))
    assert sorted(one.due_s or 0.0 for one in samples) == pytest.approx(list(constant(40.0, 20)), abs=1e-3)
    assert [one.end_s for one in samples] == sorted(one.end_s for one in samples)
    assert [(node.name, node.processes, node.lost) for node in observed.nodes] == [
        ("0 (here)", 2, None),
        ("1 (here)", 2, None),
    ]
    assert seen[-1].total == 20


def test_nothing_is_left_on_the_nodes(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with serving(Script()) as server:
        target = Target(server.base_url, "m", "chat")
        observed = Cluster(nodes).drive(Order(asking(3), 4, Schedule(2), target, Limits(), tmp_path / "raw"))
    assert list(scratch.iterdir()) == []
    assert len(list(observed.samples())) == 4


def test_a_lost_node_ends_the_load_and_its_part_goes_to_nobody(nodes: Nodes, tmp_path: Path) -> None:
    cluster = Cluster(nodes)
    with serving(Script()) as server:

        def lose() -> None:
            wait_for(lambda: len(server.requests) > 8)
            nodes.lost.add(1)

        threading.Thread(target=lose, daemon=True).start()
        target, due = Target(server.base_url, "m", "chat"), Schedule(due_s=constant(20.0, 1200))
        observed = cluster.drive(Order(asking(3), 1200, due, target, Limits(), tmp_path))
    assert [node.lost for node in observed.nodes] == [None, "it fell silent"]
    assert {one.index % 2 for one in observed.samples()} == {0}


def test_a_lost_head_ends_the_load_and_all_that_the_nodes_sent_is_kept(nodes: Nodes, tmp_path: Path) -> None:
    with serving(Script()) as server:

        def lose() -> None:
            wait_for(lambda: len(server.requests) > 8)
            nodes.headless.set()

        threading.Thread(target=lose, daemon=True).start()
        target, due = Target(server.base_url, "m", "chat"), Schedule(due_s=constant(20.0, 1200))
        observed = Cluster(nodes).drive(Order(asking(3), 1200, due, target, Limits(), tmp_path))
    assert {one.index % 2 for one in observed.samples()} == {0, 1}
    assert [node.health is None for node in observed.nodes] == [False, False, True]
    (reason,) = verdict.all_there(evidence([], nodes=observed.nodes))
    assert str(reason).startswith(
        "the head of the Ray cluster, 10.0.0.1:6379, was lost: no answer for 3 s; without it the load was ended"
    )


def test_a_head_that_is_lost_before_the_load_is_an_error(nodes: Nodes, tmp_path: Path) -> None:
    nodes.headless.set()
    with serving(Script()) as server:
        target = Target(server.base_url, "m", "chat")
        with pytest.raises(errors.RemoteError, match=r"the head .*10\.0\.0\.1:6379"):
            Cluster(nodes).drive(Order(asking(3), 4, Schedule(2), target, Limits(), tmp_path))


def test_a_clock_that_moves_during_the_load_is_held_against_the_run(nodes: Nodes, tmp_path: Path) -> None:
    nodes.jumps_s[1] = 0.5
    with serving(Script()) as server:
        target = Target(server.base_url, "m", "chat")
        observed = Cluster(nodes).drive(Order(asking(3), 4, Schedule(2), target, Limits(), tmp_path))
    steady, moved = observed.nodes
    assert steady.clock_bound_s is not None
    assert steady.clock_bound_s < 0.25
    assert moved.clock_bound_s == pytest.approx(0.5, abs=0.25)
    (reason,) = verdict.one_clock(evidence([], nodes=observed.nodes))
    assert "client node 1 (here)" in str(reason)


class DriftingAgent(Agent):
    """An agent with the clock that its processes have, whose drift is positive or negative."""

    began, drift = 0.0, 0.0

    def time(self, pace: float = 1.0) -> float:
        real_s = super().time(pace)
        return real_s + (real_s - self.began) * self.drift


@pytest.mark.parametrize("sign", [1, -1], ids=["fast", "slow"])
def test_nodes_whose_clocks_drift_send_in_time_and_are_known_well(
    sign: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, drift = time.monotonic(), sign * PPM * 1e-6
    monkeypatch.setattr(DriftingAgent, "began", began)
    monkeypatch.setattr(DriftingAgent, "drift", drift)
    (tmp_path / "sitecustomize.py").write_text(DRIFTING.format(began=began, drift=drift))
    due_s = constant(20.0, 200)
    with serving(Script()) as server:
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        target, nodes = Target(server.base_url, "m", "chat"), Nodes([DriftingAgent(), DriftingAgent()])
        observed = Cluster(nodes).drive(
            Order(asking(3), 200, Schedule(due_s=due_s), target, Limits(), tmp_path / "raw")
        )
    assert not list(verdict.one_clock(evidence([], nodes=observed.nodes)))
    assert [node.clock_drift_ppm for node in observed.nodes] == pytest.approx([sign * PPM] * 2, abs=50)
    reads_s = sorted(seen.read_s for seen in server.requests)
    late_s = [read_s - due for read_s, due in zip(reads_s, due_s, strict=True)]
    assert (
        abs(min(late_s[-50:]) - min(late_s[:50])) < 0.0015
    )  # the clocks have gained or lost 3 ms in between
    in_order = sorted(observed.samples(), key=lambda one: one.index)
    starts_s = [one.start_s - due for one, due in zip(in_order, due_s, strict=True)]
    assert abs(min(starts_s[-50:]) - min(starts_s[:50])) < 0.0015


@pytest.mark.parametrize("jump_s", [0.5, -0.5])
def test_a_clock_that_jumps_in_the_middle_of_a_load_ends_it_at_once(
    jump_s: float, nodes: Nodes, tmp_path: Path
) -> None:
    nodes.jumps_s[1] = jump_s
    with serving(Script()) as server:

        def step() -> None:
            wait_for(lambda: len(server.requests) > 8)
            nodes.stepped = True

        threading.Thread(target=step, daemon=True).start()
        target, due = Target(server.base_url, "m", "chat"), Schedule(due_s=constant(20.0, 1200))
        observed = Cluster(nodes).drive(Order(asking(3), 1200, due, target, Limits(), tmp_path))
    steady, moved = observed.nodes
    assert steady.lost is None
    assert "its clock moved by" in (moved.lost or "")
    assert observed.elapsed_s < 30


@pytest.mark.parametrize(
    ("method", "after", "sickness", "schedule", "said"),
    [
        ("sender.Load._until", 10, "hanging", OPEN, "has requests to send, and has sent none for 3 s"),
        ("sender.Load._converse", 10, "hanging", OPEN, "has requests to send, and has sent none for 3 s"),
        ("sender.Load._converse", 10, "hanging", CLOSED, "has requests to send, and has sent none for 3 s"),
        ("sender.Load._until", 10, "frozen", OPEN, "has not responded for 2.5 s"),
        ("sender.Load.spawn_helper", 0, "frozen", OPEN, "has not responded for 2.5 s"),
        ("decoded.decode", 0, "frozen", SHORT, "has not responded for 3 s"),
    ],
    ids=["no schedule", "open loop", "closed loop", "frozen", "frozen as it begins", "frozen as it decodes"],
)
def test_a_process_that_does_nothing_any_more_is_the_loss_of_its_node(
    method: str,
    after: int,
    sickness: str,
    schedule: Schedule,
    said: str,
    nodes: Nodes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "STUCK_S", 3.0)
    monkeypatch.setattr(workers, "DECODES_S", 3.0)
    claim = str(tmp_path / "claimed")
    (tmp_path / "sitecustomize.py").write_text(
        SICK.format(method=method, sickness=sickness, after=after, claim=claim)
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with serving(Script()) as server:
        target = Target(server.base_url, "m", "chat")
        observed = Cluster(nodes).drive(Order(asking(3), 1200, schedule, target, Limits(), tmp_path / "raw"))
    (lost,) = (node for node in observed.nodes if node.lost)
    (pid,) = nodes.agents[observed.nodes.index(lost)].state().workers
    assert lost.lost == f"a client process (pid {pid}) {said}"
    assert not psutil.pid_exists(pid)


def test_a_server_that_is_slow_to_answer_is_no_fault_of_a_node(
    nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "STUCK_S", 0.5)
    with serving(Script(ttft_s=2.0)) as server:
        target = Target(server.base_url, "m", "chat")
        observed = Cluster(nodes).drive(Order(asking(3), 8, Schedule(4), target, Limits(), tmp_path / "raw"))
    assert [node.lost for node in observed.nodes] == [None, None]
    assert [one.ok for one in observed.samples()] == [True] * 8


def test_an_error_before_the_load_names_its_node(nodes: Nodes, tmp_path: Path) -> None:
    nowhere = Target("http://127.0.0.1:1", "m", "chat")
    with pytest.raises(errors.RemoteError, match=r"client node [01] \(here\): no connection"):
        Cluster(nodes).drive(Order(asking(3), 4, Schedule(2), nowhere, Limits(), tmp_path))


@pytest.mark.with_children
def test_a_load_that_nobody_asks_for_any_more_ends(tmp_path: Path) -> None:
    agent = Agent()
    with serving(Script(itl_s=0.05)) as server:
        target, due = Target(server.base_url, "m", "chat"), Schedule(due_s=constant(20.0, 1200))
        agent.prepare(workers.pickled([Share(asking(3), 1200, due, target, Limits(), Path("spool"))]))
        wait_for(lambda: agent.state().ready)
        agent.start(time.monotonic())
        wait_for(lambda: agent.part() is not None)  # which renews nothing
    part = agent.part()
    assert part is not None
    assert part.interrupted
    assert part.elapsed_s < 10
    agent.forget()
