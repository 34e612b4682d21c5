"""One load over several nodes: one schedule, dealt out once; one origin of time; no part of it is ever moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import SIGINT, SIGTERM
from typing import Any, Protocol

from sagellm_benchmark import errors
from sagellm_benchmark.client import workers
from sagellm_benchmark.client.calibration import Calibration
from sagellm_benchmark.client.health import worst
from sagellm_benchmark.client.process import Recorded, Share
from sagellm_benchmark.client.terms import ClientNode, Conversations, Limits, Observed, Progress, Target
from sagellm_benchmark.cluster.agent import Facts, Part, State, check_versions
from sagellm_benchmark.cluster.clocks import Exchange, Offset, held, offset
from sagellm_benchmark.engines.base import Api
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.signals import first_signal
from sagellm_benchmark.workload.schedule import Schedule

SILENT_S = 3.0  # without an answer a node is lost
_PERIOD_S = 0.25
_LEAD_S = 0.4  # between the last node being ready and the common start
_EXCHANGES = 60
_READY_S = 60.0
_CALIBRATION_S = 120.0
_READ_S = 60.0
_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Lost:
    """A node that does not answer, and what is known of why."""

    why: str


class Nodes(Protocol):
    """The agents of several nodes, asked side by side."""

    @property
    def names(self) -> Sequence[str]:
        """For people: host names and addresses."""
        ...

    def ask(self, method: str, arguments: dict[int, tuple[Any, ...]], within_s: float) -> dict[int, Any]:
        """Return what the agents say to a call of `method`, by node; a `Lost` for each that does not say it in time."""
        ...

    def end(self, node: int) -> None:
        """End a node's agent, and with it the node's part of a load, as far as it can be reached."""
        ...


@dataclass(slots=True)
class Cluster:
    """Sends loads from several nodes, as `client.drive` does from one."""

    nodes: Nodes
    facts: dict[int, Facts] = field(default_factory=dict)
    biases: dict[int, float] = field(default_factory=dict)

    def meet(self) -> None:
        """Hear who the nodes are. Raises UsageError for another version than ours, RemoteError for silence."""
        self.facts = self._ask_all("facts", _READY_S)
        check_versions({self.nodes.names[node]: said for node, said in self.facts.items()})

    def calibrate(self, load: Schedule, api: Api, *, processes: int = 1) -> Calibration:
        """Every node's own error at its part of the load; the worst of each figure, and the rates together."""
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

    def drive(
        self,
        conversations: Conversations,
        count: int | None,
        schedule: Schedule,
        target: Target,
        limits: Limits,
        spool: Path,
        on_progress: Callable[[Progress], None] | None = None,
        *,
        processes: int = 1,
        keep_raw: bool = False,
    ) -> Observed:
        """Send a load from all nodes, `processes` on each; conversation i is sent by process i mod N·P.

        A node that is lost ends the load: the others stop, and what they have is what was observed.
        Raises the error that a node has, with its name.
        """
        if schedule.due_s is not None:
            count = len(schedule.due_s) if count is None else min(count, len(schedule.due_s))
        whole = Share(
            conversations, count, schedule, target, limits, Path("exchanges.spool"), keep_raw=keep_raw
        )
        nodes = len(self.nodes.names)
        shares = tuple(workers.deal(whole, nodes * processes))
        dealt = {node: shares[node::nodes] for node in range(nodes) if shares[node::nodes]}
        running = _Running(self.nodes, dealt, on_progress)
        with first_signal((SIGINT, SIGTERM), running.stop):
            running.prepare()
            running.start()
            running.wait()
            running.look_again()
        return self._observed(running, spool)

    def _observed(self, running: _Running, spool: Path) -> Recorded:
        parts, files = running.parts(), []
        for node, part in list(parts.items()):
            try:
                files += running.fetch(node, part, spool)
            except errors.RemoteError as error:
                running.lose(node, error.message)
                del parts[node]
        if not parts and not running.lost:
            raise errors.RemoteError("no node observed anything", hint="see the nodes' logs")
        return Recorded(
            started_at=running.started_at,
            elapsed_s=max((part.elapsed_s for part in parts.values()), default=0.0),
            interrupted=running.stopped,
            health=worst([part.health for part in parts.values()], cpu_s=sum),
            parts=tuple(files),
            nodes=tuple(self._node(node, running, parts.get(node)) for node in running.dealt),
        )

    def _node(self, node: int, running: _Running, part: Part | None) -> ClientNode:
        clock = running.offsets.get(node)
        return ClientNode(
            name=self.nodes.names[node],
            processes=len(running.dealt[node]),
            health=None if part is None else part.health,
            clock_offset_s=None if clock is None else clock.offset_s,
            clock_bound_s=None if clock is None else clock.bound_s,
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


@dataclass(slots=True)
class _Running:
    """A load under way. `lost` says why, by node."""

    nodes: Nodes
    dealt: dict[int, tuple[Share, ...]]
    on_progress: Callable[[Progress], None] | None
    offsets: dict[int, Offset] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)
    origin: float = 0.0
    started_at: float = 0.0
    stopped: bool = False

    @property
    def left(self) -> list[int]:
        """Nodes that are not lost."""
        return [node for node in self.dealt if node not in self.lost]

    def stop(self) -> None:
        """Have every node send nothing more."""
        self.stopped = True
        self._ask("stop", within_s=SILENT_S)

    def prepare(self) -> None:
        """Have all processes ready, and learn where the nodes' clocks stand."""
        for node in self.dealt:
            self._ask("prepare", workers.pickled(self.dealt[node]), nodes=[node], within_s=_READY_S)
        deadline = time.monotonic() + _READY_S
        while not self.lost and not all(one.ready or one.over for one in self._states().values()):
            if time.monotonic() > deadline:
                raise errors.RemoteError("the client nodes did not get ready", hint="are they overloaded?")
            time.sleep(_PERIOD_S)
        self.offsets = self._clocks()

    def start(self) -> None:
        """Begin everywhere at one moment."""
        self.origin, self.started_at = time.monotonic() + _LEAD_S, time.time() + _LEAD_S
        for node in [] if self.lost else self.left:
            self._ask("start", self.origin + self.offsets[node].offset_s, nodes=[node], within_s=SILENT_S)

    def wait(self) -> None:
        """Until every node's load is over, or one of them is lost: then the others are stopped."""
        told = bool(self.lost) and not self._ask("stop", within_s=SILENT_S)
        while not all(one.over for one in self._states().values()):
            if self.lost and not told:
                self._ask("stop", within_s=SILENT_S)
                told = True
            time.sleep(_PERIOD_S)

    def look_again(self) -> None:
        """Widen what is known of the nodes' clocks by what they have drifted during the load."""
        for node, after in self._clocks().items():
            self.offsets[node] = held(self.offsets[node], after)

    def parts(self) -> dict[int, Part]:
        """Return what the nodes that are left have."""
        return {node: part for node, part in self._ask("part", within_s=_READ_S).items() if part is not None}

    def fetch(self, node: int, part: Part, spool: Path) -> list[tuple[float, tuple[str, ...]]]:
        """Copy a node's samples here: moment 0 on its clock, and the files, of each process."""
        origin = self.origin + self.offsets[node].offset_s
        return [
            (origin, tuple(self._copied(node, path, spool / f"{node}-{Path(path).name}") for path in files))
            for files in part.files
        ]

    def lose(self, node: int, why: str) -> None:
        """Note that a node is lost, and end what is left of it."""
        self.lost.setdefault(node, why)
        self.nodes.end(node)

    def _copied(self, node: int, path: str, copy: Path) -> str:
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            with copy.open("wb") as file:
                while content := self._ask(
                    "content", path, file.tell(), _CHUNK, nodes=[node], within_s=_READ_S
                ).get(node):
                    file.write(content)
        except OSError as error:
            raise cannot_write(copy, error) from error
        if node in self.lost:
            raise errors.RemoteError(self.lost[node])
        return str(copy)

    def _clocks(self) -> dict[int, Offset]:
        """Tell where the clocks of the nodes that are left stand."""
        found: dict[int, Offset] = {}
        for node in self.left:
            exchanges = [one for _ in range(_EXCHANGES) if (one := self._exchange(node)) is not None]
            if node not in self.lost:
                found[node] = offset(exchanges)
        return found

    def _exchange(self, node: int) -> Exchange | None:
        """Ask a node for its time; None where it is lost, and nobody is asked any more."""
        if node in self.lost:
            return None
        sent = time.monotonic()
        theirs: float | None = self._ask("time", nodes=[node], within_s=SILENT_S).get(node)
        return None if theirs is None else Exchange(sent, theirs, time.monotonic())

    def _states(self) -> dict[int, State]:
        """Tell how far each node is; raises the first error that one has which is not the loss of a process."""
        found: dict[int, State] = self._ask("state", within_s=SILENT_S)
        for node, state in found.items():
            if state.error is not None and node not in self.lost:
                self._failed(node, *state.error)
        if self.on_progress is not None and self.origin:
            totals = [state.total for state in found.values()]
            self.on_progress(
                Progress(
                    done=sum(state.done for state in found.values()),
                    failed=sum(state.failed for state in found.values()),
                    total=None if None in totals else sum(total or 0 for total in totals),
                    elapsed_s=max(0.0, time.monotonic() - self.origin),
                    tokens=sum(state.tokens for state in found.values()),
                )
            )
        return {node: state for node, state in found.items() if node not in self.lost}

    def _failed(self, node: int, kind: str, message: str, hint: str) -> None:
        """A process that is lost is the loss of its node's part; what it says before the load begins is an error."""
        if self.origin:
            self.lose(node, message)
            return
        named = f"client node {self.nodes.names[node]}: {message}"
        known = {"UsageError": errors.UsageError, "DataError": errors.DataError}.get(kind, errors.RemoteError)
        raise known(named, hint=hint or None)

    def _ask(
        self, method: str, *arguments: Any, nodes: Sequence[int] | None = None, within_s: float
    ) -> dict[int, Any]:
        asked = dict.fromkeys(self.left if nodes is None else nodes, arguments)
        found = self.nodes.ask(method, asked, within_s)
        for node, said in found.items():
            if isinstance(said, Lost):
                self.lose(node, said.why)
        return {node: said for node, said in found.items() if not isinstance(said, Lost)}
