"""One node's part of a matrix: it measures a task under a lease, and hands over every run piece by piece."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import tarfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sagellm_benchmark.cluster.agent import as_urgent_as_others
from sagellm_benchmark.matrix import measure
from sagellm_benchmark.matrix.ledger import Result
from sagellm_benchmark.matrix.plan import Cell
from sagellm_benchmark.matrix.tasks import Task
from sagellm_benchmark.scratch import Scratch

LEASE_S = 30.0
"""If the driver is silent for this long, a station ends, together with its run."""
PIECE = 4 * 1024 * 1024
"""The bytes of a run that are in memory at a time."""
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class End:
    """The end of a task; `error` says what stopped it, if anything did."""

    error: str | None = None


@dataclass(slots=True)
class Station:
    """Measures one task, in a process of its own on a node. Its methods may be called from several threads."""

    lease_s: float = LEASE_S
    _scratch: Scratch | None = None
    _given: Path | None = None  # the archive of the result that `hear` returned last
    _renewed: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)
    _words: queue.SimpleQueue[Result | End] = field(default_factory=queue.SimpleQueue)

    def begin(self, task: Task, environ: Mapping[str, str]) -> None:
        """Start to measure, with `environ` added to the environment variables."""
        os.environ.update(environ)
        self._scratch = Scratch.made("sagellm-cells-")
        self._renewed = time.monotonic()
        for work, arguments in ((self._watch, ()), (self._run, (task, self._scratch.path))):
            threading.Thread(target=work, args=arguments, daemon=True).start()

    def hear(self, within_s: float) -> Result | End | None:
        """Return the next result, or the end; None if neither comes in time. Each call renews the lease.

        The archive of the result before is removed: by now it has been fetched, or never will be.
        """
        self._renewed = time.monotonic()
        if self._given is not None:
            self._given.unlink(missing_ok=True)
        try:
            word = self._words.get(timeout=within_s)
        except queue.Empty:
            return None
        if self._scratch is not None and isinstance(word, Result):
            self._given = _archive(self._scratch.path, word.id)
        elif self._scratch is not None:
            self._scratch.remove()
        return word

    def piece(self, offset: int) -> bytes:
        """Return a piece, from `offset` on, of the archive of the run that `hear` returned last; empty at its end."""
        self._renewed = time.monotonic()
        if self._given is None or not self._given.exists():
            return b""
        with self._given.open("rb") as file:
            file.seek(offset)
            return file.read(PIECE)

    def _watch(self) -> None:
        """End this process when the lease ends; the processes that it started end when their pipes close."""
        while not self._over.wait(_LOOK_S):
            if time.monotonic() > self._renewed + self.lease_s:
                os._exit(1)

    def _run(self, task: Task, folder: Path) -> None:
        def begin(cell: Cell) -> Path:
            place = folder / cell.id
            place.mkdir()
            return place

        as_urgent_as_others()
        # Ray's threads block signals that end a run, and the run would inherit that.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        try:
            for result in measure.results(task, begin):
                _pack(folder, result.id)
                self._words.put(result)
        except Exception as error:  # noqa: BLE001 - nobody waits for this thread, so the driver is told
            self._words.put(End(f"{type(error).__name__}: {error}"))
        else:
            self._words.put(End())
        self._over.set()


def _archive(folder: Path, cell: str) -> Path:
    return folder / f"{cell}.tar.gz"


def _pack(folder: Path, cell: str) -> None:
    """Pack a cell's folder into one file; there is no folder if the engine did not start."""
    if (folder / cell).is_dir():
        with tarfile.open(_archive(folder, cell), mode="w:gz", compresslevel=1) as archive:
            archive.add(folder / cell, arcname=".")
        shutil.rmtree(folder / cell)
