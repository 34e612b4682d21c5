"""Measure the cells of a task on this machine: each by a `run` of its own, and all of them on one server."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import orjson

from sagellm_benchmark.children import Child, Patience, child
from sagellm_benchmark.engines import served
from sagellm_benchmark.errors import DataError, Exit
from sagellm_benchmark.matrix import pulse
from sagellm_benchmark.matrix.ledger import Result
from sagellm_benchmark.matrix.plan import Cell
from sagellm_benchmark.matrix.tasks import Task
from sagellm_benchmark.scratch import scratch

_PROGRAM = (sys.executable, "-m", "sagellm_benchmark.matrix.child")
_PATIENCE = Patience(closed_s=40.0)  # for a run and its engine to end cleanly
_SAID_CHARS = 500


def results(task: Task, begin: Callable[[Cell], Path]) -> Iterator[Result]:
    """Yield the result of each cell; `begin` takes the next cell and returns an empty folder for it.

    An engine that has to be started serves all of them; after a cell that failed, it is started afresh.
    """
    with scratch("sagellm-matrix-") as folder, _Held(task, folder) as held:
        for cell in task.cells:
            result = _result(cell, begin(cell), held)
            yield result
            if result.failure is not None:
                held.drop()


@dataclass(slots=True)
class _Held:
    """The engine of a task, started when the first cell needs it and stopped when the block ends.

    The run of a single cell starts its engine itself.
    """

    task: Task
    folder: Path
    stack: ExitStack = field(default_factory=ExitStack, init=False)
    served: bytes | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()

    def drop(self) -> None:
        """Stop the engine; the next cell starts another."""
        self.served = None
        self.stack.close()

    def environ(self) -> Mapping[str, str]:
        """Return the variables that tell a run where its engine is. Raise DataError if the engine does not start."""
        if not self.task.starts or len(self.task.cells) == 1:
            return os.environ
        if self.served is None:
            try:
                self.served = self._start()
            except DataError:
                self.drop()
                raise
        return {**os.environ, served.VARIABLE: self.served.decode()}

    def _start(self) -> bytes:
        words = ("serve", *self.task.cells[0].words, f"--output-dir={self.folder}")
        complaint = self.stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
        holder = self.stack.enter_context(
            child((*_PROGRAM, *words), errors=complaint, env=os.environ, patience=_PATIENCE)
        )
        beats = pulse.Pulse(complaint)
        while (said := holder.first_line(pulse.BEAT_S)) is None:
            beats.check()
        if not said:
            raise DataError(_failure(complaint, holder))
        return said


def _result(cell: Cell, outputs: Path, held: _Held) -> Result:
    """Measure one cell, and return its result."""
    try:
        environ = held.environ()
        said = _said((*_PROGRAM, "run", *cell.words, f"--output-dir={outputs}", "--json"), environ)
    except DataError as error:
        return blank(cell, error.message)
    return _with_figures(blank(cell), said, outputs)


def _said(command: Sequence[str], environ: Mapping[str, str]) -> bytes:
    """Return what a run prints. Raise DataError, with its own words, if it fails or gives no sign of life.

    The output goes to files, so that nobody has to read it while the run goes on.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaint:
        with child(command, output=said, errors=complaint, env=environ, patience=_PATIENCE) as running:
            beats = pulse.Pulse(complaint)
            while not running.ended(pulse.BEAT_S):
                beats.check()
        if running.process.returncode not in (Exit.DONE, Exit.INVALID_RUN):
            raise DataError(_failure(complaint, running))
        said.seek(0)
        return said.read()


def blank(cell: Cell, failure: str | None = None) -> Result:
    """Return a result without figures."""
    return Result(cell.id, cell.names, cell.repeat, cell.words, None, failure, None, None, None, None, None)


def _failure(complaint: IO[bytes], ended: Child) -> str:
    complaint.seek(0)
    text = " ".join(complaint.read().decode("utf-8", "replace").split())[-_SAID_CHARS:]
    return text or f"it ended with {ended.process.poll()} and said nothing"


def _with_figures(result: Result, said: bytes, outputs: Path) -> Result:
    """Return the result with the figures that the run printed as JSON; a cell has exactly one run."""
    try:
        (run,) = orjson.loads(said)
        summary = run["summary"]
        return replace(
            result,
            valid=bool(summary["valid"]),
            folder=os.path.relpath(run["folder"], outputs),
            throughput_tps=summary["throughput_tps"],
            ttft_ms=summary["ttft_ms"]["mean"],
            tpot_ms=summary["tpot_ms"]["mean"],
            error_rate=summary["error_rate"],
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        return replace(result, failure=f"it printed no result of one run ({type(error).__name__})")
