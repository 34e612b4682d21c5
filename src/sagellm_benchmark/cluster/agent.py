"""One node's part of a load: our worker processes, started there, under a lease that the driver keeps renewing."""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sagellm_benchmark._version import __version__
from sagellm_benchmark.client import workers
from sagellm_benchmark.client.calibration import Calibration, calibrate
from sagellm_benchmark.client.process import PROGRESS_S, Share
from sagellm_benchmark.client.terms import ClientHealth
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.errors import BenchmarkError, UsageError
from sagellm_benchmark.machine.contention import Contention
from sagellm_benchmark.scratch import Scratch
from sagellm_benchmark.workload.schedule import Schedule

LEASE_S = 3.0
"""If the driver is silent for this long, the load ends; likewise for a worker whose agent is silent."""


def as_urgent_as_others() -> None:
    """Undo the nice value of 15 with which Ray starts its workers, if the system allows that.

    This affects the calling thread and everything that it starts, because Linux has a priority for each thread.
    """
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a node says about itself."""

    host: str
    pid: int
    version: str
    niceness: int  # of the processes that it starts


def facts() -> Facts:
    """Return what this node says about itself, after undoing the low priority that Ray gave it."""
    as_urgent_as_others()
    return Facts(socket.gethostname(), os.getpid(), __version__, os.getpriority(os.PRIO_PROCESS, 0))


def check_versions(found: Mapping[str, Facts]) -> None:
    """Raise UsageError, naming every node that has another version of this tool than this machine."""
    others = [f"{name} has {said.version}" for name, said in found.items() if said.version != __version__]
    if others:
        raise UsageError(
            f"this machine has version {__version__} of this tool, but other nodes have others: {', '.join(others)}",
            hint="install the same version on all of them",
        )


@dataclass(frozen=True, slots=True)
class State:
    """How far a node is with its part of a load."""

    ready: bool
    done: int
    failed: int
    tokens: int
    total: int | None
    over: bool
    error: tuple[str, str, str] | None  # class, message and hint
    workers: tuple[int, ...]  # process ids


@dataclass(frozen=True, slots=True)
class Part:
    """What a node's load left there; `files` hold the decoded samples of each process, on that node's clock."""

    elapsed_s: float
    interrupted: bool
    health: ClientHealth
    others_share: float | None
    files: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class Agent:
    """Sends a node's part of a load, from a process of its own.

    Its methods may be called from several threads, but it sends only one load at a time.
    """

    _crew: Sequence[workers.Worker] = ()
    _thread: threading.Thread | None = None
    _scratch: Scratch | None = None
    _origin: float | None = None
    _stopped: threading.Event = field(default_factory=threading.Event)
    _begun: threading.Event = field(default_factory=threading.Event)
    _pace: float = 1.0
    _renewed: float = 0.0
    _kept: float = 0.0
    _error: tuple[str, str, str] | None = None
    _part: Part | None = None

    def time(self, pace: float = 1.0) -> float:
        """Return this node's monotonic clock; `pace` is how many of its seconds pass in one second of the run."""
        self._pace = pace
        return time.monotonic()

    def facts(self) -> Facts:
        """Return what this node says about itself."""
        return facts()

    def calibrate(self, load: Schedule, api: Api, processes: int) -> Calibration:
        """Return this node's own error under its part of a load."""
        as_urgent_as_others()
        return calibrate(load, api, processes=processes)

    def prepare(self, shares: bytes) -> None:
        """Start the processes that send these pickled shares, after removing what an earlier load left here."""
        self.forget()
        self._scratch = Scratch.made("sagellm-node-")
        mine: list[Share] = pickle.loads(shares)  # noqa: S301 - from our driver, by Ray, which sends nothing else
        mine = [
            replace(share, spool=self._scratch.path / share.spool.name, lease_s=LEASE_S) for share in mine
        ]
        self._origin, self._pace, self._error, self._part = None, 1.0, None, None
        self._stopped, self._begun, self._renewed = threading.Event(), threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(mine,), daemon=True)
        self._thread.start()

    def start(self, moment: float) -> float:
        """Begin at a moment of this node's clock, and return how many seconds are left until then."""
        self._origin = moment
        self._begun.set()
        return moment - time.monotonic()

    def state(self) -> State:
        """Return how far this node is. Each call renews the lease."""
        self._renewed = time.monotonic()
        crew, far = self._crew, workers.progress(self._crew, elapsed_s=0.0)  # the driver has the clock
        return State(
            ready=bool(crew) and all(worker.ready is not None for worker in crew),
            done=far.done,
            failed=far.failed,
            tokens=far.tokens,
            total=far.total,
            over=self._thread is None or not self._thread.is_alive(),
            error=self._error,
            workers=tuple(worker.process.pid for worker in crew),
        )

    def stop(self) -> None:
        """Send nothing more; what has finished is kept."""
        self._stopped.set()
        self._begun.set()

    def part(self) -> Part | None:
        """Return what the load left here; None if it failed."""
        return self._part

    def content(self, path: str, offset: int, size: int) -> bytes:
        """Return bytes of one of the files that `part` names; empty for any other file."""
        if self._part is None or path not in [one for files in self._part.files for one in files]:
            return b""
        with Path(path).open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def forget(self) -> None:
        """Stop the load if there is one, and remove what it has written."""
        self.stop()
        if self._thread is not None:
            self._thread.join()
        if self._scratch is not None:
            self._scratch.remove()

    def _run(self, shares: Sequence[Share]) -> None:
        as_urgent_as_others()
        try:
            self._part = self._sent(shares)
        except BenchmarkError as error:
            self._error = (type(error).__name__, error.message, error.hint or "")
        except Exception as error:  # noqa: BLE001 - nobody waits for this thread, so the driver is told, and raises it
            self._error = (type(error).__name__, str(error), "")

    def _sent(self, shares: Sequence[Share]) -> Part:
        with Contention((os.getpid(),)) as contention, workers.started(shares) as crew:
            self._crew = crew
            workers.hear_until(crew, lambda worker: worker.ready is not None, self._keep)
            while not self._begun.wait(PROGRESS_S):
                self._keep(time.monotonic())
            origin = time.monotonic() if self._origin is None else self._origin
            for worker in crew:
                worker.start(origin)
            try:
                workers.hear_until(crew, lambda worker: worker.ended is not None, self._keep)
            except BenchmarkError as error:  # reported before the processes are ended, which takes time
                self._error = (type(error).__name__, error.message, error.hint or "")
                raise
        whole, files = workers.together(crew)
        return Part(whole.elapsed_s, whole.interrupted, whole.health, contention.share, files)

    def _keep(self, listened_s: float) -> None:
        """Tell the workers the clock's pace, or to stop if that was asked or the lease has ended; check them."""
        now = time.monotonic()
        if now < self._kept + PROGRESS_S:
            return
        self._kept = now
        if now - self._renewed > LEASE_S:
            self.stop()
        word = "stop" if self._stopped.is_set() else f"pace {self._pace!r}"
        for worker in self._crew:
            worker.tell(word)
            worker.check(listened_s)
