"""Measures the tasks of a matrix on the nodes of a Ray cluster. Only this module, and what uses it, needs Ray.

Each task is one Ray task with what it needs of a node, and ships every run back as soon as it is over. What was under
way on a node that is lost is measured again elsewhere; the driver's disk alone says what is done.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from sagellm_benchmark._version import __version__
from sagellm_benchmark.cluster import ray_nodes
from sagellm_benchmark.cluster.agent import as_urgent_as_others
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.matrix import measure
from sagellm_benchmark.matrix.execute import Begin, Place
from sagellm_benchmark.matrix.ledger import Result
from sagellm_benchmark.matrix.plan import Cell, Needs
from sagellm_benchmark.matrix.tasks import Task

MOST_TRIES = 3  # of a task whose node is lost
USUAL = Needs(num_cpus=1, num_gpus=0)


@dataclass(frozen=True, slots=True)
class Shipped:
    """A cell that is over, with its run's folder as an archive; empty where there is none."""

    node: str
    version: str
    result: Result
    archive: bytes


@contextlib.contextmanager
def joined(address: str, say: Callable[[str], None], environ: Mapping[str, str]) -> Iterator[Place]:
    """Give the cluster at `address` as a place to measure, with `environ` set on every node.

    What is under way ends with the block, or this process. Raises RemoteError where there is no such cluster.
    """
    with ray_nodes.joined(address, say, said_to=sys.stderr):
        yield lambda tasks, begin: _measured(tasks, begin, say, environ)


@dataclass(slots=True)
class _Try:
    """A task under way: how many times it was begun, and what has come of it so far."""

    task: Task
    number: int
    environ: Mapping[str, str]
    stream: Any

    @classmethod
    def of(cls, task: Task, environ: Mapping[str, str], number: int = 1) -> _Try:
        return cls(task, number, environ, _submit(task, environ))


def _measured(
    tasks: Sequence[Task], begin: Begin, say: Callable[[str], None], environ: Mapping[str, str]
) -> Iterator[Result]:
    """Yield results as they come in. Raises UsageError where no node has what a task needs."""
    for task in tasks:
        _check_room(_needs(task))
    under_way = [_Try.of(task, environ) for task in tasks]
    while under_way:
        ready, _ = ray.wait([one.stream for one in under_way], num_returns=1)
        one = next(one for one in under_way if one.stream == ready[0])
        try:
            shipped: Shipped = ray.get(next(one.stream))
        except StopIteration:
            under_way.remove(one)
            if one.task.cells:  # it ended early without a word
                yield from _again(one, under_way, say, "it ended before its cells were measured")
        except RayTaskError as error:
            under_way.remove(one)
            yield from _failed(one.task, str(error).strip().splitlines()[-1])
        except RayError as error:
            under_way.remove(one)
            yield from _again(one, under_way, say, str(error).strip().splitlines()[0])
        else:
            one.task = one.task.without([shipped.result.id])
            yield _unpacked(shipped, begin(_cell(tasks, shipped)))


def _cell(tasks: Sequence[Task], shipped: Shipped) -> Cell:
    if shipped.version != __version__:
        raise UsageError(
            f"node {shipped.node} has sagellm-benchmark {shipped.version}, this machine {__version__}",
            hint="install one version everywhere",
        )
    return next(cell for task in tasks for cell in task.cells if cell.id == shipped.result.id)


def _again(one: _Try, under_way: list[_Try], say: Callable[[str], None], why: str) -> Iterator[Result]:
    """Begin a task again on another node, a few times; then its cells have failed."""
    names = ", ".join(cell.label for cell in one.task.cells)
    if one.number >= MOST_TRIES:
        yield from _failed(one.task, f"its node was lost {one.number} times; at last: {why}")
        return
    say(f"a node was lost ({why}); measured again elsewhere: {names}")
    under_way.append(_Try.of(one.task, one.environ, one.number + 1))


def _failed(task: Task, why: str) -> Iterator[Result]:
    return (measure.blank(cell, why) for cell in task.cells)


def _unpacked(shipped: Shipped, folder: Path) -> Result:
    """Put a run's files where the driver keeps them."""
    if shipped.archive:
        with tarfile.open(fileobj=io.BytesIO(shipped.archive)) as archive:
            archive.extractall(folder, filter="data")
    return shipped.result


def _needs(task: Task) -> Needs:
    needs = task.cells[0].needs
    return Needs(
        USUAL.num_cpus if needs.num_cpus is None else needs.num_cpus,
        USUAL.num_gpus if needs.num_gpus is None else needs.num_gpus,
    )


def _check_room(needs: Needs) -> None:
    """A task that no node has room for would wait for ever."""
    wanted = {"CPU": needs.num_cpus or 0, "GPU": needs.num_gpus or 0}
    have = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(all(node.get(name, 0) >= number for name, number in wanted.items()) for node in have):
        raise UsageError(
            f"no node of the cluster has {wanted['CPU']:g} processors and {wanted['GPU']:g} GPUs",
            hint="ask for less with num_cpus and num_gpus in the plan, or add such a node",
        )


def _submit(task: Task, environ: Mapping[str, str]) -> Any:
    needs = _needs(task)
    remote = ray.remote(max_retries=0)(_on_node)
    asked = remote.options(num_cpus=needs.num_cpus, num_gpus=needs.num_gpus, num_returns="streaming")
    return asked.remote(task, dict(environ))


def _on_node(task: Task, environ: Mapping[str, str]) -> Iterator[Shipped]:
    """Measure a task where Ray has placed it."""
    os.environ.update(environ)
    as_urgent_as_others()
    with tempfile.TemporaryDirectory(prefix="sagellm-cells-") as folder:
        places = {cell.id: Path(folder, cell.id) for cell in task.cells}

        def begin(cell: Cell) -> Path:
            places[cell.id].mkdir()
            return places[cell.id]

        for result in measure.results(task, begin):
            yield Shipped(socket.gethostname(), __version__, result, _archive(places[result.id]))


def _archive(folder: Path) -> bytes:
    content = io.BytesIO()
    if folder.is_dir():
        with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as archive:
            archive.add(folder, arcname=".")
    return content.getvalue()
