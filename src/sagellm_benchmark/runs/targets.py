"""What a run measures: a server that already runs, an engine that is started for it, or the embedded llama.cpp."""

from __future__ import annotations

import datetime as dt
import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from sagellm_benchmark import outputs
from sagellm_benchmark.engines import cache, environment, registry, weights
from sagellm_benchmark.engines.base import Engine, Server
from sagellm_benchmark.engines.endpoint import Endpoint, readable
from sagellm_benchmark.engines.gguf_facts import Gguf
from sagellm_benchmark.engines.known.llamacpp import LLAMACPP
from sagellm_benchmark.engines.known.sagellm import SAGELLM
from sagellm_benchmark.engines.launch import Launched, filled
from sagellm_benchmark.engines.llamacpp import LlamaCpp
from sagellm_benchmark.engines.served import Served
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.machine.variant import variant
from sagellm_benchmark.runs.listener import Listener
from sagellm_benchmark.runs.spec import LoadShape, RunSpec, Start
from sagellm_benchmark.workload.sources import RANDOM, is_trace
from sagellm_benchmark.workload.workloads import Workload

SERVER_LOG = "server.log"
USUAL_SLOTS, MOST_SLOTS = 8, 64
TEXT_CONTEXT = 8192  # tokens of a slot for a dataset's texts, whose length is not known yet
CONTEXT_MARGIN = 64  # tokens of a slot besides the longest prompt and answer, for a template


class Servers(Protocol):
    """Opens the server for one workload and load shape after another."""

    def open(self, workload: Workload, shape: LoadShape) -> AbstractContextManager[tuple[Server, Path]]:
        """Yield the server and the run's new folder, which also holds the log of a server that we started."""
        ...


@contextmanager
def of(spec: RunSpec, listener: Listener) -> Iterator[Servers]:
    """Yield the servers of all runs of a command, and stop what it started when the block ends.

    Raise UsageError, DataError or RemoteError if an engine, its environment or a model is missing.
    """
    if spec.base_url is not None:
        yield _Running(spec)
    elif spec.start is None:
        if spec.engine is None and spec.model is not None and not weights.is_gguf(spec.model):
            listener.note(f"{SAGELLM.name} is not installed here; measuring the embedded {LLAMACPP.name}")
        yield _Embedded(spec, _weights(spec, listener), listener)
    else:
        if spec.engine is None and spec.start.engine is not None:
            listener.note(
                f"measuring {spec.start.engine}, which is installed here; "
                f"for the embedded engine, add --engine {LLAMACPP.name}"
            )
        command, environ = ((), {}) if spec.start.served else _command(spec.start, listener)
        with ExitStack() as stack:
            yield _Started(spec, spec.start, command, environ, listener, stack)


@contextmanager
def held(spec: RunSpec, log: Path, listener: Listener) -> Iterator[Served]:
    """Start the engine of a run for the runs of other processes, and stop it when the block ends.

    Raise UsageError, DataError or RemoteError if the engine, its environment or the model is missing.
    """
    assert spec.start is not None  # noqa: S101 - callers pass only specs of an engine that is started
    command, environ = _command(spec.start, listener)
    with _launched(spec, spec.start, command, environ, log, listener).open() as server:
        yield Served(server.base_url, server.pids[0], log)


@dataclass(frozen=True, slots=True)
class _Running:
    """A server that somebody else runs."""

    spec: RunSpec

    @contextmanager
    def open(self, workload: Workload, _shape: LoadShape) -> Iterator[tuple[Server, Path]]:
        with _endpoint(self.spec).open() as server:
            folder = _folder(self.spec, server.engine, server.model.name, workload)
            with _without_empty(folder):
                yield server, folder


@dataclass(frozen=True, slots=True)
class _Embedded:
    """The embedded llama.cpp, started afresh for each load with as many slots as that load needs."""

    spec: RunSpec
    gguf: Gguf
    listener: Listener

    @contextmanager
    def open(self, workload: Workload, shape: LoadShape) -> Iterator[tuple[Server, Path]]:
        folder = _folder(self.spec, LLAMACPP, self.gguf.facts.name, workload)
        self.listener.say(f"starting {LLAMACPP.name} with {self.gguf.source}")
        random = self.spec.dataset == RANDOM
        context = workload.context_tokens + CONTEXT_MARGIN if random else TEXT_CONTEXT
        slots = _slots(self.spec, workload, shape)
        engine = LlamaCpp(self.gguf, slots, context, folder / SERVER_LOG, self.spec.threads)
        with engine.open() as server, _without_empty(folder):
            yield server, folder


@dataclass(slots=True)
class _Started:
    """An engine of the user's choice. Starting it may take minutes, so it serves all runs of the command."""

    spec: RunSpec
    start: Start
    command: tuple[str, ...]
    environ: Mapping[str, str]
    listener: Listener
    stack: ExitStack
    server: Server | None = field(default=None, init=False)
    log: Path = field(default=Path(), init=False)

    @contextmanager
    def open(self, workload: Workload, _shape: LoadShape) -> Iterator[tuple[Server, Path]]:
        engine = registry.UNKNOWN if self.start.engine is None else registry.named(self.start.engine)
        model = self.spec.model or ""
        folder = _folder(self.spec, self.server.engine if self.server else engine, readable(model), workload)
        with _without_empty(folder):
            if self.server is None:
                self.server = self._begin(folder / SERVER_LOG)
            yield self.server, folder
            if self.log.parent != folder:
                _share(self.log, folder / SERVER_LOG)

    def _begin(self, log: Path) -> Server:
        if (served := self.start.served) is not None:
            self.log = served.log
            known = replace(_endpoint(self.spec), engine=self.start.engine)
            running = replace(known, base_url=served.url, pid=served.pid, log=served.log)
            return self.stack.enter_context(running.open())
        self.log = log
        launched = _launched(self.spec, self.start, self.command, self.environ, log, self.listener)
        return self.stack.enter_context(launched.open())


def _launched(
    spec: RunSpec,
    start: Start,
    command: tuple[str, ...],
    environ: Mapping[str, str],
    log: Path,
    listener: Listener,
) -> Launched:
    known = replace(_endpoint(spec), engine=start.engine)
    return Launched(command, known, spec.model or "", log, listener.say, environ)


def _command(start: Start, listener: Listener) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the command, still with {model} and {port}, and the variables to set in its environment."""
    if start.command:
        return start.command, {}
    engine = registry.named(start.engine or "")
    assert engine.launch is not None  # noqa: S101 - `Start` names an engine that can be started
    where = _environment(engine, start, listener)
    command = filled(engine.launch.command, bin=str(where.bin), variant=variant())
    return (*command, *start.arguments), dict(where.environ)


def _environment(engine: Engine, start: Start, listener: Listener) -> environment.Environment:
    if start.python is not None:
        return environment.stated(start.python, engine)
    found = environment.find(engine)
    if found is None and start.create:
        listener.note(
            f"making an environment for {engine.name}, which takes gigabytes and minutes, but only once"
        )
        found = environment.create(engine, listener.say)
    if found is None:
        raise environment.missing(engine)
    return found


def _share(log: Path, also: Path) -> None:
    """Give the run the log that its engine still writes to: as a link, or else as a copy of what there is so far."""
    with suppress(OSError):
        try:
            also.hardlink_to(log)
        except OSError:
            shutil.copyfile(log, also)


def _weights(spec: RunSpec, listener: Listener) -> Gguf:
    quantization, stated = spec.model_hints.quantization, spec.model_hints.precision
    gguf = weights.find(
        spec.model,
        quantization=quantization,
        cache=cache.folder("dummy"),
        say=listener.say,
        note=listener.note,
    )
    known = gguf.facts.precision
    if stated and known and stated != known:
        raise UsageError(
            f"--precision says {stated}, but the weights are {known}", hint="leave out --precision"
        )
    return replace(gguf, facts=replace(gguf.facts, precision=known or stated))


@contextmanager
def _without_empty(folder: Path) -> Iterator[None]:
    """Remove the folder after the block if it is still empty, because the run failed before it measured anything."""
    try:
        yield
    finally:
        with suppress(OSError):  # usually it is not empty
            folder.rmdir()


def _slots(spec: RunSpec, workload: Workload, shape: LoadShape) -> int:
    """Return how many requests the embedded engine answers at once: the streams, or a usual number in an open loop."""
    if is_trace(spec.dataset):
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


def _folder(spec: RunSpec, engine: Engine, model: str, workload: Workload) -> Path:
    return outputs.new_folder(
        spec.output_dir, engine.name, model, workload.name, dt.datetime.now().astimezone().date()
    )
