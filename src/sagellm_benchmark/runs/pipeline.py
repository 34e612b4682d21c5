"""The stages of a `run` command, chained in one visible place: weights → server → load → record."""

from __future__ import annotations

import datetime as dt
import math
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sagellm_benchmark import outputs
from sagellm_benchmark.engines import weights
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.engines.gguf_facts import Gguf
from sagellm_benchmark.engines.known.llamacpp import LLAMACPP
from sagellm_benchmark.engines.llamacpp import LlamaCpp
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.runs import search
from sagellm_benchmark.runs.measure import Listener, measure
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.runs.spec import LoadShape, RunSpec, shaped
from sagellm_benchmark.workload.sources import RANDOM, TRACE
from sagellm_benchmark.workload.workloads import Workload

SERVER_LOG = "server.log"
USUAL_SLOTS, MOST_SLOTS = 8, 64
TEXT_CONTEXT = 8192  # tokens of a slot for texts of other people, whose length is not known yet
CONTEXT_MARGIN = 64  # tokens of a slot beyond the longest prompt and answer, for a template


@dataclass(frozen=True, slots=True)
class Measured:
    """A run that is over, and the folder that holds its requests."""

    folder: Path
    record: Record


def run(spec: RunSpec, listener: Listener) -> Iterator[Measured]:
    """Measure every workload under every load shape, each against a fresh engine where the engine is ours.

    Ends early after an interrupted run, which is still handed out with what it has.
    """
    gguf = None if spec.base_url else _weights(spec, listener)
    number = 0
    for workload in spec.workloads:
        shapes = search.shapes(spec)
        shape = next(shapes, None)
        while shape is not None:
            asked = search.lasting(workload, shape) if spec.search_goodput else shaped(workload, shape)
            measured = _measure(_numbered(spec, number), gguf, asked, shape, listener)
            number += 1
            yield measured
            if measured.record.summary.status == "interrupted":
                return
            kept = spec.search_goodput and search.keeps(measured.record.summary)
            shape = _next(shapes, kept=kept)


def _numbered(spec: RunSpec, number: int) -> RunSpec:
    """Each measurement has its own seed, so that no prompt of one is in a server's cache from another."""
    return replace(spec, seed=(spec.seed + number) % 2**31)


def _next(shapes: Generator[LoadShape, bool, None], *, kept: bool) -> LoadShape | None:
    try:
        return shapes.send(kept)
    except StopIteration:
        return None


def _measure(
    spec: RunSpec, gguf: Gguf | None, workload: Workload, shape: LoadShape, listener: Listener
) -> Measured:
    with _opened(spec, gguf, workload, shape, listener) as (server, folder):
        hardware = Hardware.of(
            server.pid, here=server.local, file=spec.hardware.file, values=spec.hardware.values
        )
        record = measure(server, workload, shape, spec, hardware, folder, listener)
    return Measured(folder, record)


def cache_folder() -> Path:
    """Where weights that we wrote ourselves are kept between runs."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "sagellm-benchmark" / "dummy"


def _weights(spec: RunSpec, listener: Listener) -> Gguf:
    quantization = spec.model_hints.quantization
    gguf = weights.find(
        spec.model, quantization=quantization, cache=cache_folder(), say=listener.say, note=listener.note
    )
    return replace(
        gguf, facts=replace(gguf.facts, precision=spec.model_hints.precision or gguf.facts.precision)
    )


@contextmanager
def _opened(
    spec: RunSpec, gguf: Gguf | None, workload: Workload, shape: LoadShape, listener: Listener
) -> Iterator[tuple[Server, Path]]:
    """The server to measure and the run's folder, which holds the log of a server that is ours."""
    if gguf is None:
        with _endpoint(spec).open() as server:
            folder = _folder(spec, server.engine.name, server.model.name, workload)
            with _without_empty(folder):
                yield server, folder
        return
    folder = _folder(spec, LLAMACPP.name, gguf.facts.name, workload)
    listener.say(f"starting {LLAMACPP.name} with {gguf.source}")
    context = workload.context_tokens + CONTEXT_MARGIN if spec.dataset == RANDOM else TEXT_CONTEXT
    engine = LlamaCpp(gguf, _slots(spec, workload, shape), context, folder / SERVER_LOG, spec.threads)
    with engine.open() as server, _without_empty(folder):
        yield server, folder


@contextmanager
def _without_empty(folder: Path) -> Iterator[None]:
    """A run that fails before it has measured anything leaves no empty folder."""
    try:
        yield
    finally:
        with suppress(OSError):  # it is not empty, as it should be
            folder.rmdir()


def _slots(spec: RunSpec, workload: Workload, shape: LoadShape) -> int:
    """How many requests our own engine answers at once: the streams, or in an open loop a server's usual few."""
    if spec.dataset.startswith(TRACE):
        return USUAL_SLOTS
    if shape.rate_rps is None:
        return workload.concurrency
    return min(workload.requests, MOST_SLOTS if math.isinf(shape.rate_rps) else USUAL_SLOTS)


def _endpoint(spec: RunSpec) -> Endpoint:
    hints = spec.model_hints
    return Endpoint(
        base_url=spec.base_url or "",
        model=spec.model,
        api_key=spec.api_key,
        engine=spec.engine,
        engine_version=spec.engine_version,
        parameters=hints.parameters,
        precision=hints.precision,
        quantization=hints.quantization,
        weights=hints.weights,
    )


def _folder(spec: RunSpec, engine: str, model: str, workload: Workload) -> Path:
    return outputs.new_folder(
        spec.output_dir, engine, model, workload.name, dt.datetime.now().astimezone().date()
    )
