"""A load that several nodes are sending: one origin of time, and every node is asked until it is over or lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sagellm_benchmark import errors
from sagellm_benchmark.client import workers
from sagellm_benchmark.client.decoded import RunClock
from sagellm_benchmark.client.process import Share
from sagellm_benchmark.client.terms import Progress
from sagellm_benchmark.cluster.agent import Part, State
from sagellm_benchmark.cluster.clocks import (
    MAX_BOUND_S,
    Exchange,
    Line,
    learned,
    line,
    moved_s,
    quickest,
    straight,
)
from sagellm_benchmark.cluster.nodes import HeadLost, Lost, Nodes
from sagellm_benchmark.files import cannot_write

_SILENT_S = 3.0  # a node that has not answered for this long is lost
_PERIOD_S = 0.25
_LEAD_S = 0.4  # from the moment when the last node is ready to the common start
_EXCHANGES = 60  # before the load, and after it
_MEANWHILE = 3  # exchanges in each period
_READY_S = 60.0
_READ_S = 60.0
_CHUNK = 4 * 1024 * 1024


@dataclass(slots=True)
class UnderWay:
    """A load that nodes are sending. `lost` says, by node, why it was lost."""

    nodes: Nodes
    dealt: dict[int, tuple[Share, ...]]
    on_progress: Callable[[Progress], None] | None
    clocks: dict[int, Line] = field(default_factory=dict)
    exchanged: dict[int, list[Exchange]] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)
    origin: float = 0.0
    started_at: float = 0.0
    stopped: bool = False
    head_lost: HeadLost | None = None

    @property
    def left(self) -> list[int]:
        """The nodes that are not lost."""
        return [node for node in self.dealt if node not in self.lost]

    def stop(self) -> None:
        """Request that all nodes stop; `wait` tells them, because this may be called by a signal handler."""
        self.stopped = True

    def prepare(self) -> None:
        """Get all processes ready, and read the nodes' clocks. Raise RemoteError if a node does not get ready."""
        for node in self.dealt:
            self._ask("prepare", workers.pickled(self.dealt[node]), nodes=[node], within_s=_READY_S)
        deadline = time.monotonic() + _READY_S
        while (late := self._unready()) and not self.lost and not self.stopped:
            if time.monotonic() > deadline:
                raise errors.RemoteError(
                    f"client node {self.nodes.names[late[0]]} did not get ready within {_READY_S:g} s",
                    hint="is it overloaded?",
                )
            time.sleep(_PERIOD_S)
        for node in self.left:
            self._read_clock(node, _EXCHANGES)

    def _unready(self) -> list[int]:
        return [node for node, one in self._states().items() if not one.ready and not one.over]

    def start(self) -> None:
        """Begin on all nodes at the same moment; on none if one is already lost."""
        self.origin, self.started_at = time.monotonic() + _LEAD_S, time.time() + _LEAD_S
        for node in [] if self.lost else self.left:
            self._ask("start", self.clocks[node].theirs(self.origin), nodes=[node], within_s=_SILENT_S)

    def wait(self) -> None:
        """Wait until every node's load is over; stop all nodes if one or the head is lost, or if `stop` was called."""
        told = False
        while not all(one.over for one in self._states().values()):
            if not told and (self.lost or self.head_lost or self.stopped):
                self._ask("stop", within_s=_SILENT_S)
                told = True
            time.sleep(_PERIOD_S)

    def look_again(self) -> None:
        """Fit a straight line to what each node's clock has shown, from before the load to after it."""
        for node in self.left:
            self._read_clock(node, _EXCHANGES)
        for node in self.left:
            self.clocks[node] = straight(self.exchanged[node])

    def parts(self) -> dict[int, Part]:
        """Return what the load left on each node that is not lost."""
        return {node: part for node, part in self._ask("part", within_s=_READ_S).items() if part is not None}

    def fetch(self, node: int, part: Part, spool: Path) -> list[tuple[RunClock, tuple[str, ...]]]:
        """Copy a node's samples to this machine; return the clock and the files of each process.

        Raise RemoteError if the node is lost meanwhile.
        """
        clock = RunClock(self.clocks[node].theirs(self.origin), self.clocks[node].pace)
        return [
            (clock, tuple(self._copied(node, path, spool / f"{node}-{Path(path).name}") for path in files))
            for files in part.files
        ]

    def forget(self) -> None:
        """Ask the nodes to remove what they have written; the run does not depend on whether they do."""
        self.nodes.ask("forget", dict.fromkeys(self.left, ()), _READ_S)

    def lose(self, node: int, why: str) -> None:
        """Record that a node is lost, and end its agent."""
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

    def _read_clock(self, node: int, times: int) -> None:
        """Exchange the time with a node `times` times, and keep the quickest exchange."""
        found = [one for _ in range(times) if (one := self._exchange(node)) is not None]
        if node not in self.lost:
            seen = quickest(found)
            self.exchanged.setdefault(node, []).append(seen)
            self.clocks[node] = learned(self.clocks.get(node, line(seen)), seen)

    def _keep_time(self, node: int, *, over: bool) -> None:
        """Lose a node if an answer shows that its clock was put forward or back, unless its part is over."""
        known = self.clocks[node]
        self._read_clock(node, _MEANWHILE)
        apart_s = moved_s(known, self.exchanged[node][-1])
        if apart_s > MAX_BOUND_S and not over:
            self.lose(
                node,
                f"its clock moved by {apart_s * 1e3:.0f} ms against that of the machine where the run was started",
            )

    def _exchange(self, node: int) -> Exchange | None:
        """Ask a node for its time, and tell it the pace of its clock; None if it is lost."""
        if node in self.lost:
            return None
        pace = self.clocks[node].pace if node in self.clocks else 1.0
        sent = time.monotonic()
        theirs: float | None = self._ask("time", pace, nodes=[node], within_s=_SILENT_S).get(node)
        return None if theirs is None else Exchange(sent, theirs, time.monotonic())

    def _states(self) -> dict[int, State]:
        """Ask how far each node is, and read its clock during the load. Raise a node's error before the load."""
        found: dict[int, State] = self._ask("state", within_s=_SILENT_S)
        self._look_at_the_head()
        for node, state in found.items():
            if state.error is not None and node not in self.lost:
                self._failed(node, *state.error)
            if self.origin:
                self._keep_time(node, over=state.over)
        if self.on_progress is not None and self.origin:
            states = list(found.values())
            totals = [state.total for state in states]
            self.on_progress(Progress.of(states, totals, max(0.0, time.monotonic() - self.origin)))
        return {node: state for node, state in found.items() if node not in self.lost}

    def _look_at_the_head(self) -> None:
        self.head_lost = self.head_lost or self.nodes.head_lost()
        if self.head_lost is not None and not self.origin:
            raise self.head_lost.error

    def _failed(self, node: int, kind: str, message: str, hint: str) -> None:
        """Lose a node that fails during the load; before the load, raise its error with its name."""
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
