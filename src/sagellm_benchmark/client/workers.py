"""One load spread over several processes with one clock: each sends its share, and all start at the same moment.

`worker` describes what the processes are told and what they answer.
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
from sagellm_benchmark.blas import without_threads
from sagellm_benchmark.children import Child, Patience, child
from sagellm_benchmark.client.decoded import RunClock
from sagellm_benchmark.client.health import worst
from sagellm_benchmark.client.process import PROGRESS_S, Ended, Recorded, Share
from sagellm_benchmark.client.terms import ClientNode, Progress
from sagellm_benchmark.client.worker import Failed, Going, Over, Ready, Word
from sagellm_benchmark.signals import first_signal
from sagellm_benchmark.workload.workloads import Conversation

# A worker is lost after this long
IDLE_S = 30.0  # without processor time before it is ready; even a busy machine gives it some
FROZEN_S = 2.5  # without a word while it sends
DECODES_S = 30.0  # without a word while it decodes: a single huge answer can take seconds
STUCK_S = 10.0  # without a request although some are due, even if it still reports

_LEAD_S = 0.05  # from the moment when the last worker is ready to the common start
_PATIENCE = Patience(closed_s=10.0)
_WORDS: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Word)


@dataclass(frozen=True, slots=True)
class Dealt:
    """The conversations of one share as plain values, which can be sent to its process."""

    first: int
    step: int
    conversations: tuple[Conversation, ...]

    def __call__(self, index: int) -> Conversation:
        """Return the conversation at a position of the load, which must belong to this share."""
        return self.conversations[(index - self.first) // self.step]


class ProcessLostError(errors.RemoteError):
    """A client process has died or does nothing any more, so its part of the load is missing."""


@dataclass(slots=True)
class Worker:
    """What the parent knows of one client process. Moments are of the monotonic clock."""

    process: Child
    ready: Ready | None = None
    going: Going | None = None  # None before the load
    ended: Ended | None = None
    error: errors.BenchmarkError | None = None
    begins_s: float = math.inf  # when its load begins
    heard_s: float = field(default_factory=time.monotonic)  # when it last wrote anything
    used_s: float = 0.0  # its processor time before it was ready
    moved_s: float = field(default_factory=time.monotonic)  # when it last did something, or owed nothing
    unread: bytes = field(default=b"", repr=False)

    def tell(self, line: str) -> None:
        """Send the worker a line, if it is still there."""
        self.process.tell(line.encode() + b"\n")

    def start(self, moment: float) -> None:
        """Tell the worker to start sending at a moment of the monotonic clock."""
        self.begins_s = moment
        self.tell(f"start {moment!r}")

    def hear(self, output: bytes) -> None:
        """Take in what the worker wrote; nothing means that it has ended."""
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
        """Raise ProcessLostError if the worker does nothing to get ready. `hear` notices one that has ended."""
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
        """Raise ProcessLostError if the worker should report and does not, or if it reports but sends nothing.

        Everything that it wrote before `listened_s` has been heard, so a pause of this process is not taken for a
        silence of the worker.
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
    """Send a whole load from up to `processes` processes, never more than it has streams or conversations.

    If a process is lost, the load ends: the others stop, and what they have is what was observed.
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
    """Listen until the load is over. If a process is lost, yield why, kill it at once, and stop the others."""
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
                if worker.error is not None:  # if it was frozen and woke up, it would send what is overdue
                    worker.process.signal_group(signal.SIGKILL)
            left = [worker for worker in left if worker.error is None]
            _stop(left)


def together(workers: Sequence[Worker]) -> tuple[Ended, tuple[tuple[str, ...], ...]]:
    """Return how the shares of one load ended, combined, and the files of each."""
    ended = [worker.ended for worker in workers if worker.ended is not None]
    whole = Ended(
        elapsed_s=max((one.elapsed_s for one in ended), default=0.0),
        interrupted=any(one.interrupted for one in ended),
        health=worst([one.health for one in ended], cpu_s=sum),
    )
    return whole, tuple(one.files for one in ended)


def progress(workers: Sequence[Worker], elapsed_s: float) -> Progress:
    """Return the progress of all workers, added up."""
    totals = [worker.ready.total for worker in workers if worker.ready is not None]
    going = [worker.going for worker in workers if worker.going is not None]
    return Progress.of(going, totals, elapsed_s)


def deal(share: Share, processes: int) -> Iterator[Share]:
    """Yield the share of each process. The first gets conversations 0, P, 2P, …, the second 1, P + 1, …"""
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
    """Start the processes of a load and yield them; however the block ends, none of them is left.

    Raise UsageError if the shares' conversations cannot be pickled.
    """
    workers: list[Worker] = []
    with contextlib.ExitStack() as started:
        for share in shares:
            job = pickled(replace(share, beside=len(shares) - 1))
            command = [sys.executable, "-m", "sagellm_benchmark.client.worker"]
            worker = Worker(
                started.enter_context(child(command, env=without_threads(os.environ), patience=_PATIENCE))
            )
            worker.process.tell(len(job).to_bytes(8, "little") + job)  # if it has died, that is noticed later
            workers.append(worker)
        yield workers


def pickled(share: Share | Sequence[Share]) -> bytes:
    """Pickle shares for another process. Raise UsageError if their conversations cannot be pickled."""
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
    """Listen to the workers until each has `reached` a point. Raise the first error that one of them has.

    `between` is called again and again with a moment; everything that they wrote before it has been heard.
    """
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            selector.register(worker.process.output, selectors.EVENT_READ, worker)
        while not all(reached(worker) for worker in workers):
            listened_s = time.monotonic()
            for key, _ in selector.select(PROGRESS_S):
                output = os.read(key.fd, 65536)
                if not output:  # a closed pipe stays readable for ever
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
    """Passes on the progress of all workers together, a few times a second."""

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
