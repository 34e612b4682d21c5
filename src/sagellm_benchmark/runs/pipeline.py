"""The stages of a `run` command, chained in one visible place: weights → server → load → record."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.machine.hardware import Hardware, behind
from sagellm_benchmark.runs import search, targets
from sagellm_benchmark.runs.context import HERE, Sender
from sagellm_benchmark.runs.listener import Listener
from sagellm_benchmark.runs.measure import measure
from sagellm_benchmark.runs.record import Record, Summary
from sagellm_benchmark.runs.row import lacking
from sagellm_benchmark.runs.spec import LoadShape, RunSpec, shaped
from sagellm_benchmark.runs.targets import Servers
from sagellm_benchmark.workload.workloads import Workload


@dataclass(frozen=True, slots=True)
class Measured:
    """The record of a run that is over, and the folder that holds its requests."""

    folder: Path
    record: Record


def run(spec: RunSpec, listener: Listener, sender: Sender = HERE) -> Iterator[Measured]:
    """Measure every workload under every load shape, and yield each run when it is over.

    The embedded engine is started afresh for each. Stop after a run that was interrupted or lost a node, which is still
    yielded. Raise what `targets.of` and `measure` raise.
    """
    if spec.on is not None and sender is HERE:
        raise UsageError(
            "only the command line can send a load from a cluster", hint="use the command `run --on`"
        )
    number = 0
    with targets.of(spec, listener) as servers:
        for workload in spec.workloads:
            shapes = search.shapes(spec)
            shape = next(shapes, None)
            while shape is not None:
                asked = shaped(workload, shape, fill=spec.fill_sweep or spec.search_goodput)
                measured = _measure(
                    _numbered(spec, number), servers, asked, shape, listener, sender, first=number == 0
                )
                number += 1
                yield measured
                if measured.record.summary.status in ("interrupted", "node lost"):
                    return
                shape = _next(shapes, measured.record.summary)


def _numbered(spec: RunSpec, number: int) -> RunSpec:
    """Return the spec with a seed for this measurement alone, so that no earlier one has its prompts cached."""
    return replace(spec, seed=(spec.seed + number) % 2**31)


def _next(shapes: Generator[LoadShape, Summary, None], seen: Summary) -> LoadShape | None:
    try:
        return shapes.send(seen)
    except StopIteration:
        return None


def _measure(
    spec: RunSpec,
    servers: Servers,
    workload: Workload,
    shape: LoadShape,
    listener: Listener,
    sender: Sender,
    *,
    first: bool,
) -> Measured:
    with servers.open(workload, shape) as (opened, folder):
        server, chips = computing(opened, spec.hardware)
        if first:
            _ask_for_the_rest(server, chips, listener)
        record = measure(server, workload, shape, spec, chips, folder, listener, sender)
    return Measured(folder, record)


def computing(server: Server, stated: Hardware) -> tuple[Server, Hardware]:
    """Return the server and the chips that compute its answers.

    If those are on another machine, the process that listens here is only a gateway: the server returned is not local
    and has no processes.
    """
    found = behind(
        server.pids,
        here=server.local,
        stated=stated,
        told=server.parallelism,
        computes_on=server.device,
    )
    return (server if found.here else replace(server, local=False, pids=())), found.hardware


def _ask_for_the_rest(server: Server, chips: Hardware, listener: Listener) -> None:
    """Say before the load why its row could not be published, while it costs nothing to start again."""
    if missing := list(lacking(server.model, chips, server.engine.name, server.engine_version)):
        listener.note("\n  ".join(["this cannot be published as it is:", *missing]))
