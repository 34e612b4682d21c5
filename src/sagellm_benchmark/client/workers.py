"""One load spread over several processes with one clock: each sends its share, all start at the same moment.

What the processes are told and what they answer is in `worker`.
"""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec
import psutil

from sagellm_benchmark import errors
from sagellm_benchmark.children import Child, Patience, child
from sagellm_benchmark.client.decoded import RunClock
from sagellm_benchmark.client.health import worst
from sagellm_benchmark.client.process import PROGRESS_S, Ended, Recorded, Share
from sagellm_benchmark.client.terms import ClientNode, Progress
from sagellm_benchmark.client.worker import Failed, Going, Over, Ready, Word
from sagellm_benchmark.signals import first_signal
from sagellm_benchmark.workload.workloads import Conversation

IDLE_S = 30.0  # without processor time for a worker that is still to get ready, however busy the machine is
_LEAD_S = 0.05  # between the last worker being ready and the common start
FROZEN_S = 2.5  # without a word from a worker that sends
DECODES_S = 30.0  # without a word from one that decodes: a single huge answer can take seconds
STUCK_S = 10.0  # without a request from a worker that has some to send, whatever it says
_PATIENCE = Patience(closed_s=10.0)
_WORDS: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Word)


@dataclass(frozen=True, slots=True)
class Dealt:
    """The conversations of one share, written out so that they can be sent to its process."""

    first: int
    step: int
    conversations: tuple[Conversation, ...]

    def __call__(self, index: int) -> Conversation:
        """Return the conversation at a position of the run that belongs to this share."""
        return self.conversations[(index - self.first) // self.step]


class ProcessLostError(errors.RemoteError):
    """A client process has died, or does nothing any more: its part of the load is missing."""


@dataclass(slots=True)
class Worker:
    """What the parent knows of one process."""

    process: Child
    ready: Ready | None = None
    going: Going | None = None  # None before the load
    ended: Ended | None = None
    error: errors.BenchmarkError | None = None
    begins_s: float = math.inf  # when it is to send its first request
    heard_s: float = field(default_factory=time.monotonic)
    used_s: float = 0.0  # processor time, before it was ready
    moved_s: float = field(default_factory=time.monotonic)  # when it last did something, or owed nothing
    unread: bytes = field(default=b"", repr=False)

    def tell(self, line: str) -> None:
        """Send a line; a worker that has gone does not need it."""
        self.process.tell(line.encode() + b"\n")

    def start(self, moment: float) -> None:
        """Tell it to start sending at that moment."""
        self.begins_s = moment
        self.tell(f"start {moment!r}")

    def hear(self, output: bytes) -> None:
        """Take in what the worker wrote; empty input means that it has ended."""
        *lines, self.unread = (self.unread + output).split(b"\n")
        self.heard_s = time.monotonic()
        for line in lines:
            self._take(_WORDS.decode(line))
        if not output and self.ended is None and self.error is None:
            self.error = ProcessLostError(
                f"a client process (pid {self.process.pid}) ended early", hint="is the machine out of memory?"
            )

    def _take(self, word: Word) -> None:
        match word:
            case Ready():
                self.ready = word
            case Going():
                if not word.owes or self.going is None or word.begun > self.going.begun:
                    self.moved_s = self.heard_s
                self.going = word
            case Over(ended):
                self.ended = ended
            case Failed():
                self.error = word.error

    def check_start(self, listened_s: float) -> None:
        """Raise ProcessLostError where it does nothing to get ready; one that has ended is heard of."""
        if self.ready is not None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            times = psutil.Process(self.process.pid).cpu_times()
            if times.user + times.system > self.used_s:
                self.used_s, self.moved_s = times.user + times.system, listened_s
        if listened_s - self.moved_s > IDLE_S:
            self.process.signal_group(signal.SIGKILL)
            raise ProcessLostError(
                f"a client process (pid {self.process.pid}) did nothing for {IDLE_S:g} s before the load",
                hint="was it frozen?",
            )

    def check(self, listened_s: float) -> None:
        """Raise ProcessLostError where it should say how far it is, and does not, or says it and sends nothing.

        What it wrote before `listened_s` has been heard, so that a pause of ours is no silence of its own.
        """
        if self.ended is not None:
            return
        decodes = self.going is not None and self.going.sent
        patience_s = DECODES_S if decodes else FROZEN_S
        if listened_s - max(self.heard_s, self.begins_s) > patience_s:
            self.error = ProcessLostError(
                f"a client process (pid {self.process.pid}) has not responded for {patience_s:g} s",
                hint="was it frozen?",
            )
        elif self.going is not None and not decodes and listened_s - self.moved_s > STUCK_S:
            self.error = ProcessLostError(
                f"a client process (pid {self.process.pid}) has requests to send, and has sent none for "
                f"{STUCK_S:g} s",
                hint="it hangs; run again, and report it if it does so again",
            )
        if self.error is not None:
            raise self.error


def drive(share: Share, processes: int, on_progress: Callable[[Progress], None] | None) -> Recorded:
    """Return a whole load over that many processes, or as many as it has streams or conversations for.

    A process that is lost ends the load: the others stop, and what they have is what was observed.
    """
    stopped = threading.Event()
    with (
        started(tuple(deal(share, processes))) as workers,
        first_signal((signal.SIGINT, signal.SIGTERM), partial(_stop, workers, stopped)),
    ):
        hear_until(workers, lambda worker: worker.ready is not None, partial(_check_start, workers))
        origin = time.monotonic() + _LEAD_S
        started_at = time.time() + _LEAD_S
        for worker in workers:
            worker.start(origin)
        lost = "; ".join(_lost_on_the_way(workers, _Reporter(workers, origin, on_progress)))
    whole, files = together(workers)
    return Recorded(
        started_at=started_at,
        elapsed_s=whole.elapsed_s,
        interrupted=stopped.is_set() if lost else whole.interrupted,
        health=whole.health,
        parts=tuple((RunClock(origin), each) for each in files),
        nodes=(ClientNode("localhost", len(workers), whole.health, lost=lost),) if lost else (),
    )


def _check_start(workers: Sequence[Worker], listened_s: float) -> None:
    for worker in workers:
        worker.check_start(listened_s)


def _lost_on_the_way(workers: Sequence[Worker], report: Callable[[], None]) -> Iterator[str]:
    """Listen until the load is over; yield why a process was lost, which is ended at once, and stop the others."""
    left = list(workers)

    def look(listened_s: float) -> None:
        for worker in left:
            worker.check(listened_s)
        report()

    while any(worker.ended is None for worker in left):
        try:
            hear_until(left, lambda worker: worker.ended is not None, look)
        except ProcessLostError as error:
            yield error.message
            for worker in left:
                if worker.error is not None:  # woken, a frozen one would send what is overdue
                    worker.process.signal_group(signal.SIGKILL)
            left = [worker for worker in left if worker.error is None]
            _stop(left)


def together(workers: Sequence[Worker]) -> tuple[Ended, tuple[tuple[str, ...], ...]]:
    """Return how shares that were sent side by side ended as one, and the files of each."""
    ended = [worker.ended for worker in workers if worker.ended is not None]
    whole = Ended(
        elapsed_s=max((one.elapsed_s for one in ended), default=0.0),
        interrupted=any(one.interrupted for one in ended),
        health=worst([one.health for one in ended], cpu_s=sum),
    )
    return whole, tuple(one.files for one in ended)


def progress(workers: Sequence[Worker], elapsed_s: float) -> Progress:
    """Return the progress of all of them, added up."""
    totals = [worker.ready.total for worker in workers if worker.ready is not None]
    going = [worker.going for worker in workers if worker.going is not None]
    return Progress.of(going, totals, elapsed_s)


def deal(share: Share, processes: int) -> Iterator[Share]:
    """Yield the shares of each process. Conversations go round: 0, P, 2P, … to the first, 1, P + 1, … to the second."""
    most = share.count if share.schedule.due_s is not None else share.schedule.concurrency
    step = max(1, min(processes, *(limit for limit in (most, share.count) if limit is not None)))
    for first in range(step):
        conversations = share.conversations
        if share.count is not None:
            indices = range(first, share.count, step)
            conversations = Dealt(first, step, tuple(share.conversations(index) for index in indices))
        path = share.spool.with_name(f"{share.spool.stem}-{first}{share.spool.suffix}")
        yield replace(share, conversations=conversations, spool=path, first=first, step=step)


@contextlib.contextmanager
def started(shares: Sequence[Share]) -> Iterator[list[Worker]]:
    """Give the processes of a load; none of them is left when the block ends, whichever way."""
    workers: list[Worker] = []
    with contextlib.ExitStack() as started:
        for share in shares:
            job = pickled(replace(share, beside=len(shares) - 1))
            command = [sys.executable, "-m", "sagellm_benchmark.client.worker"]
            worker = Worker(started.enter_context(child(command, patience=_PATIENCE)))
            worker.process.tell(len(job).to_bytes(8, "little") + job)  # one that has died is noticed later
            workers.append(worker)
        yield workers


def pickled(share: Share | Sequence[Share]) -> bytes:
    """Shares for another process. Raise UsageError if their conversations cannot be sent to one."""
    try:
        return pickle.dumps(share)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise errors.UsageError(
            f"these conversations cannot be sent to another process: {error}",
            hint="give a number of requests, or use one client process",
        ) from error


def hear_until(
    workers: Sequence[Worker],
    reached: Callable[[Worker], bool],
    between: Callable[[float], None] = lambda _: None,
) -> None:
    """Listen to the workers until each has reached a point; raises the first error that one of them has.

    `between` is called again and again, with a moment: what they wrote before it has been heard.
    """
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            selector.register(worker.process.output, selectors.EVENT_READ, worker)
        while not all(reached(worker) for worker in workers):
            listened_s = time.monotonic()
            for key, _ in selector.select(PROGRESS_S):
                output = os.read(key.fd, 65536)
                if not output:  # its end stays readable for ever
                    selector.unregister(key.fileobj)
                key.data.hear(output)
                if key.data.error is not None:
                    raise key.data.error
            between(listened_s)


def _stop(workers: Sequence[Worker], asked: threading.Event | None = None) -> None:
    if asked is not None:
        asked.set()
    for worker in workers:
        worker.tell("stop")


class _Reporter:
    """Passes on how far all workers are together, a few times a second."""

    def __init__(
        self, workers: Sequence[Worker], origin: float, on_progress: Callable[[Progress], None] | None
    ) -> None:
        self._workers = workers
        self._origin = origin
        self._on_progress = on_progress
        self._next = origin + PROGRESS_S

    def __call__(self) -> None:
        now = time.monotonic()
        if self._on_progress is None or now < self._next:
            return
        self._next = now + PROGRESS_S
        self._on_progress(progress(self._workers, now - self._origin))
