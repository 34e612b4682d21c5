"""Measure the tasks of a matrix on the nodes of a Ray cluster. This module needs Ray.

Tasks that are compared with each other form a block, which one node measures. Every run is fetched as soon as it is
over. If a node is lost, what it was measuring is measured again elsewhere; only the driver's disk says what is done.
"""

from __future__ import annotations

import contextlib
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.placement_group import placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from sagellm_benchmark.cluster import ray_nodes
from sagellm_benchmark.cluster.agent import Facts, check_versions, facts
from sagellm_benchmark.cluster.head import Head
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.matrix import measure
from sagellm_benchmark.matrix.execute import Begin, Place
from sagellm_benchmark.matrix.ledger import Result
from sagellm_benchmark.matrix.plan import Cell, Needs
from sagellm_benchmark.matrix.station import LEASE_S, End, Station
from sagellm_benchmark.matrix.tasks import Task, blocks

MOST_TRIES = 3  # of a task whose node is lost
SILENT_S = LEASE_S
"""A node that has not answered for this long is lost; by then, it has stopped by itself."""
_HEAR_S = 2.0  # a node answers at least this often
_LOOK_S = 1.0
_PATIENT_S = 10.0  # the wait before the user is told that no node has room
_THREADS = 4  # of a station, so that it can be asked at any time
_LEAST_CPUS = 0.001  # Ray does not accept a bundle without resources


@contextlib.contextmanager
def joined(
    address: str,
    say: Callable[[str], None],
    environ: Mapping[str, str],
    host_of: Callable[[Cell], str | None],
) -> Iterator[Place]:
    """Yield the cluster at `address` as a place to measure, with `environ` set on every node.

    `host_of` returns the host on which a cell's server already runs. Everything that runs on the cluster ends with the
    block or this process. Raise RemoteError if there is no such cluster.
    """

    def place(tasks: Sequence[Task], begin: Begin) -> Iterator[Result]:
        nodes = {node for task in tasks for node in _with_room([task])}
        ray_nodes.check_nodes({node: name for node, name in ray_nodes.names().items() if node in nodes})
        parts = [part for block in blocks(tasks, host_of) for part in _fitting(block, say)]
        return _measured(parts, _Matrix(begin, environ, say), head)

    with ray_nodes.joined(address, say, said_to=sys.stderr), ray_nodes.head_watched() as head:
        yield place


def _with_room(tasks: Sequence[Task]) -> list[str]:
    """Return the nodes that have room for each of these tasks. Raise UsageError if there is none for a single task."""
    needs = _needs(tasks)
    wanted = {"CPU": needs.num_cpus or 0, "GPU": needs.num_gpus or 0}
    found = [
        node["NodeID"]
        for node in ray_nodes.called(ray.nodes)
        if node["Alive"] and all(node["Resources"].get(name, 0) >= number for name, number in wanted.items())
    ]
    if not found and len(tasks) == 1:  # the task would wait for ever
        raise UsageError(
            f"no node of the cluster has {wanted['CPU']:g} processors and {wanted['GPU']:g} GPUs",
            hint="ask for less with num_cpus and num_gpus in the plan, or add such a node",
        )
    return found


def _needs(tasks: Sequence[Task]) -> Needs:
    """Return what a node needs to measure these tasks one after another; one processor if the plan does not say."""
    each = [task.cells[0].needs for task in tasks]
    return Needs(
        num_cpus=max(1 if needs.num_cpus is None else needs.num_cpus for needs in each),
        num_gpus=max(needs.num_gpus or 0 for needs in each),
    )


def _fitting(block: Sequence[Task], say: Callable[[str], None]) -> list[list[Task]]:
    """Split a block into single tasks if no node has room for each of its engines, and tell the user."""
    if _with_room(block):
        return [list(block)]
    engines = ", ".join(dict.fromkeys(task.cells[0].names[0] for task in block))
    say(f"no node has room for each of these engines, which are measured on different ones: {engines}")
    return [[task] for task in block]


@dataclass(frozen=True, slots=True)
class _Matrix:
    """What all blocks have in common."""

    begin: Begin
    environ: Mapping[str, str]
    say: Callable[[str], None]


def _measured(parts: Sequence[list[Task]], matrix: _Matrix, head: Head) -> Iterator[Result]:
    """Yield results as they arrive. Raise RemoteError if the head is lost, since the whole cluster soon is, too."""
    visits = [_Visit(part, matrix) for part in parts]
    patient_until = time.monotonic() + _PATIENT_S
    while visits:
        waiting = [visit.asked for visit in visits]
        ray.wait(waiting, num_returns=1, timeout=_LOOK_S)
        ready, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0)
        if (lost := ray_nodes.lost(head)) is not None:
            raise lost.error
        for visit in visits:
            if visit.asked in ready:
                visit.go_on()
            elif time.monotonic() > visit.deadline:
                visit.lost(f"no answer for {SILENT_S:g} s")
            yield from visit.taken()
        visits = [visit for visit in visits if visit.tasks]
        if time.monotonic() > patient_until:
            patient_until = float("inf")
            if not any(visit.placed for visit in visits):
                matrix.say(
                    "no node has room at the moment: waiting for one (`ray status` says what is taken)"
                )


class _Station(Station):
    """A station that knows on which node it is."""

    def here(self) -> tuple[str, Facts]:
        """Return the node's id in the cluster, and what the node says about itself."""
        return str(ray.get_runtime_context().get_node_id()), facts()


@dataclass(slots=True)
class _Visit:
    """A block that is being measured: the tasks that are left, one after another on resources reserved for them all."""

    tasks: list[Task]
    matrix: _Matrix
    asked: Any = field(init=False, default=None)
    deadline: float = field(init=False, default=0.0)
    _tries: int = field(init=False, default=1)  # of the first task
    _node: str | None = field(init=False, default=None)  # its name; None until Ray has found one
    _place: Any = field(init=False, default=None)
    _actor: Any = field(init=False, default=None)
    _talk: Generator[Any, Any, None] = field(init=False)
    _found: list[Result] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        needs = _needs(self.tasks)
        bundle = {"CPU": max(needs.num_cpus or 0, _LEAST_CPUS), "GPU": needs.num_gpus or 0}
        self._node = None
        self._place = ray_nodes.called(
            placement_group, [{name: much for name, much in bundle.items() if much}]
        )
        self._talk = self._talked()
        next(self._talk)

    def go_on(self) -> None:
        """Take the answer to the last question, and ask the next one."""
        try:
            answer = ray.get(self.asked, timeout=SILENT_S)
        except RayError as error:
            self.lost(_why(error))
            return
        try:
            self._talk.send(answer)
        except StopIteration:
            self._leave()

    @property
    def placed(self) -> bool:
        """Whether Ray has found a node with room."""
        return self._node is not None

    def taken(self) -> list[Result]:
        """Return the results that have arrived since the last call."""
        found, self._found = self._found, []
        return found

    def lost(self, why: str) -> None:
        """Begin the task again on another node; after MOST_TRIES, its cells have failed."""
        self._talk.close()
        self._leave()
        where = "a node" if self._node is None else f"node {self._node}"
        if self._tries >= MOST_TRIES:
            self._fail(f"its node was lost {self._tries} times; at last {where}: {why}")
        else:
            self._tries += 1
            names = "; ".join(cell.label for cell in self.tasks[0].cells)
            self.matrix.say(f"{where} was lost ({why}); measured again: {names}")
        if self.tasks:
            self._begin()

    def _talked(self) -> Generator[Any, Any, None]:
        """Have every task measured: yield each question to the node, and be sent the answer."""
        while self.tasks:
            task = self.tasks[0]
            self._actor = self._placed(task)
            number, said = yield self._ask("here", within_s=None)  # it may take long until there is room
            self._node = ray_nodes.names().get(number, said.host)
            check_versions({self._node: said})
            yield self._ask("begin", task, dict(self.matrix.environ))
            while not isinstance(word := (yield self._ask("hear", _HEAR_S)), End):
                if word is not None:
                    yield from self._fetched(word)
            ray_nodes.tidied(ray.kill, self._actor)
            self._end_task(word)

    def _fetched(self, result: Result) -> Generator[Any, Any, None]:
        """Fetch a run, into a file first, so that only one piece of it is in memory."""
        cell = next(cell for cell in self.tasks[0].cells if cell.id == result.id)
        folder = self.matrix.begin(cell)
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                while content := (yield self._ask("piece", file.tell())):
                    file.write(content)
                _unpack(file, folder)
        except OSError as error:
            raise cannot_write(folder, error) from error
        self._found.append(replace(result, node=self._node))
        self.tasks[0] = self.tasks[0].without([result.id])

    def _end_task(self, end: End) -> None:
        if self.tasks[0].cells:
            self._fail(f"node {self._node}: {end.error or 'it ended before this was measured'}")
        else:
            del self.tasks[0]
            self._tries = 1

    def _fail(self, why: str) -> None:
        self._found += [replace(measure.blank(cell, why), node=self._node) for cell in self.tasks[0].cells]
        del self.tasks[0]
        self._tries = 1

    def _placed(self, task: Task) -> Any:
        needs = _needs([task])
        made = ray.remote(max_concurrency=_THREADS, max_restarts=0)(_Station)
        where = PlacementGroupSchedulingStrategy(self._place, placement_group_bundle_index=0)
        asked = made.options(num_cpus=needs.num_cpus, num_gpus=needs.num_gpus, scheduling_strategy=where)
        return ray_nodes.called(asked.remote)

    def _ask(self, method: str, *arguments: Any, within_s: float | None = SILENT_S) -> Any:
        self.deadline = float("inf") if within_s is None else time.monotonic() + within_s
        self.asked = getattr(self._actor, method).remote(*arguments)
        return self.asked

    def _leave(self) -> None:
        """Give the reserved resources back, which ends whatever still runs there."""
        ray_nodes.tidied(ray.kill, self._actor)
        ray_nodes.tidied(remove_placement_group, self._place)


def _why(error: RayError) -> str:
    """Return the last line of an error on a node, or the first line of one of Ray's own."""
    lines = str(error).strip().splitlines()
    return lines[-1 if isinstance(error, RayTaskError) else 0]


def _unpack(archive: Any, folder: Path) -> None:
    """Unpack a run's files into the driver's folder; an empty archive stands for a run without files."""
    if archive.tell():
        archive.seek(0)
        with tarfile.open(fileobj=archive) as files:
            files.extractall(folder, filter="data")
