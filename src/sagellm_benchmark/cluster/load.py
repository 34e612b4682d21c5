"""One load over several nodes: its schedule is dealt out once, and no part of it is ever moved to another node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any

from sagellm_benchmark import errors
from sagellm_benchmark.client import workers
from sagellm_benchmark.client.calibration import Calibration
from sagellm_benchmark.client.health import worst
from sagellm_benchmark.client.process import Recorded, Share
from sagellm_benchmark.client.terms import ClientNode, Observed, Order, Progress
from sagellm_benchmark.cluster.agent import Facts, Part, check_versions
from sagellm_benchmark.cluster.nodes import HeadLost, Lost, Nodes
from sagellm_benchmark.cluster.under_way import UnderWay
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.signals import first_signal
from sagellm_benchmark.workload.schedule import Schedule

_MEET_S = 60.0
_CALIBRATION_S = 120.0


@dataclass(slots=True)
class Cluster:
    """Sends loads from several nodes, as `client.drive` does from one."""

    nodes: Nodes
    facts: dict[int, Facts] = field(default_factory=dict)
    biases: dict[int, float] = field(default_factory=dict)

    def meet(self) -> None:
        """Ask the nodes for their facts.

        Raise UsageError if one has another version than ours, RemoteError if one does not answer.
        """
        self.facts = self._ask_all("facts", _MEET_S)
        check_versions({self.nodes.names[node]: said for node, said in self.facts.items()})

    def calibrate(self, load: Schedule, api: Api, *, processes: int = 1) -> Calibration:
        """Calibrate every node under its part of the load; return the worst of each figure and the sum of rates."""
        count = len(self.nodes.names)
        part = (
            load if load.concurrency is None else replace(load, concurrency=max(1, load.concurrency // count))
        )
        if load.due_s is not None:
            part = replace(load, due_s=load.due_s[::count])
        found: dict[int, Calibration] = self._ask_all("calibrate", _CALIBRATION_S, part, api, processes)
        self.biases = {node: one.ttft_bias_s_p50 for node, one in found.items()}
        each = list(found.values())
        worst_one = max(each, key=lambda one: one.ttft_bias_s_p50)
        return replace(
            worst_one,
            itl_bias_s=max(one.itl_bias_s for one in each),
            ttft_bias_s_p99=max(one.ttft_bias_s_p99 for one in each),
            tokens_per_s=sum(one.tokens_per_s for one in each),
            most_tokens_per_s=sum(one.most_tokens_per_s for one in each),
        )

    def drive(self, order: Order, on_progress: Callable[[Progress], None] | None = None) -> Observed:
        """Send a load from all N nodes, with P processes on each; process i modulo N·P sends conversation i.

        If a node is lost, the load ends: the others stop, and what they have is what was observed. Raise the error of a
        node, with its name.
        """
        nodes = len(self.nodes.names)
        shares = tuple(workers.deal(Share.whole(order), nodes * order.processes))
        dealt = {node: shares[node::nodes] for node in range(nodes) if shares[node::nodes]}
        running = UnderWay(self.nodes, dealt, on_progress)
        with first_signal((SIGINT, SIGTERM), running.stop):
            running.prepare()
            running.start()
            running.wait()
            running.look_again()
        return self._observed(running, order.spool)

    def _observed(self, running: UnderWay, spool: Path) -> Recorded:
        parts, files = running.parts(), []
        for node, part in list(parts.items()):
            try:
                files += running.fetch(node, part, spool)
            except errors.RemoteError as error:
                running.lose(node, error.message)
                del parts[node]
        if not parts and not running.lost and running.head_lost is None:
            raise errors.RemoteError("no node observed anything", hint="see the nodes' logs")
        recorded = Recorded(
            started_at=running.started_at,
            elapsed_s=max((part.elapsed_s for part in parts.values()), default=0.0),
            interrupted=running.stopped,
            health=worst([part.health for part in parts.values()], cpu_s=sum),
            parts=tuple(files),
            nodes=(
                *(self._node(node, running, parts.get(node)) for node in running.dealt),
                *_head(running.head_lost),
            ),
        )
        running.forget()
        return recorded

    def _node(self, node: int, running: UnderWay, part: Part | None) -> ClientNode:
        clock = running.clocks.get(node)
        return ClientNode(
            name=self.nodes.names[node],
            processes=len(running.dealt[node]),
            health=None if part is None else part.health,
            clock_offset_s=None if clock is None else clock.offset_s,
            clock_bound_s=None if clock is None else clock.bound_s,
            clock_drift_ppm=None if clock is None or part is None else clock.drift * 1e6,
            niceness=self.facts[node].niceness if node in self.facts else 0,
            others_share=None if part is None else part.others_share,
            ttft_bias_s=self.biases.get(node),
            lost=running.lost.get(node),
        )

    def _ask_all(self, method: str, within_s: float, *arguments: Any) -> dict[int, Any]:
        everyone = dict.fromkeys(range(len(self.nodes.names)), arguments)
        found = self.nodes.ask(method, everyone, within_s)
        for node, said in found.items():
            if isinstance(said, Lost):
                raise errors.RemoteError(
                    f"client node {self.nodes.names[node]}: {said.why}",
                    hint="look at its log, then run again",
                )
        return found


def _head(lost: HeadLost | None) -> Iterator[ClientNode]:
    """Yield a lost head as one more node, which sends nothing."""
    if lost is not None:
        yield ClientNode(lost.name, processes=0, lost=lost.why, is_head=True)
