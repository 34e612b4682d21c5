"""One load spread over several processes with one clock: each sends its share, all start at the same moment.

The parent writes a pickled Share to a worker's standard input, then lines: `start MOMENT`, `stop`. The worker writes
lines of JSON: that it is ready, how far it is, how it ended or why not. Its input coming to an end stops it, so
that no worker outlives its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import orjson

from sagellm_benchmark import errors
from sagellm_benchmark.children import Child, Patience, child, die_with
from sagellm_benchmark.client.health import worst
from sagellm_benchmark.client.process import PROGRESS_S, Recorded, Share, run
from sagellm_benchmark.client.sender import Load
from sagellm_benchmark.client.terms import ClientHealth, Progress
from sagellm_benchmark.signals import first_signal
from sagellm_benchmark.workload.workloads import Conversation

_LEAD_S = 0.05  # between the last worker being ready and the common start
FROZEN_S = 2.5  # without a word from a worker that sends
_PATIENCE = Patience(closed_s=10.0)


@dataclass(frozen=True, slots=True)
class Dealt:
    """The conversations of one share, written out so that they can be sent to its process."""

    first: int
    step: int
    conversations: tuple[Conversation, ...]

    def __call__(self, index: int) -> Conversation:
        """Return the conversation at a position of the run that belongs to this share."""
        return self.conversations[(index - self.first) // self.step]


@dataclass(slots=True)
class Worker:
    """What the parent knows of one process."""

    process: Child
    total: int | None = None
    ready: bool = False
    done: int = 0
    failed: int = 0
    tokens: int = 0
    ended: dict[str, Any] | None = None
    error: errors.BenchmarkError | None = None
    sent: bool | None = None  # its load is over, and it decodes; None before the load
    heard_s: float = field(default_factory=time.monotonic)
    unread: bytes = field(default=b"", repr=False)

    def tell(self, line: str) -> None:
        """Send a line; a worker that has gone does not need it."""
        self.process.tell(line.encode() + b"\n")

    def hear(self, output: bytes) -> None:
        """Take in what the worker wrote; nothing means that it has ended."""
        *lines, self.unread = (self.unread + output).split(b"\n")
        self.heard_s = time.monotonic()
        for line in lines:
            for name, value in orjson.loads(line).items():
                setattr(self, name, _as_error(value) if name == "error" else value)
        if not output and self.ended is None and self.error is None:
            self.error = errors.RemoteError(
                "a client process ended early", hint="is the machine out of memory?"
            )

    def check(self) -> None:
        """Raise RemoteError where it should say how far it is, and does not."""
        if self.sent is False and time.monotonic() - self.heard_s > FROZEN_S:
            raise errors.RemoteError(
                f"a client process (pid {self.process.pid}) has said nothing for {FROZEN_S:g} s",
                hint="was it frozen?",
            )


def drive(share: Share, processes: int, on_progress: Callable[[Progress], None] | None) -> Recorded:
    """Return a whole load over that many processes, or as many as it has streams or conversations for."""
    shares = tuple(deal(share, processes))
    with (
        started(shares) as workers,
        first_signal((signal.SIGINT, signal.SIGTERM), partial(_stop, workers)),
    ):
        hear_until(workers, lambda worker: worker.ready)
        origin = time.monotonic() + _LEAD_S
        started_at = time.time() + _LEAD_S
        for worker in workers:
            worker.tell(f"start {origin!r}")
        hear_until(workers, lambda worker: worker.ended is not None, _Reporter(workers, origin, on_progress))
    ended = [worker.ended for worker in workers if worker.ended is not None]
    return Recorded(
        started_at=started_at,
        elapsed_s=max(one["elapsed_s"] for one in ended),
        interrupted=any(one["interrupted"] for one in ended),
        health=worst([ClientHealth(**one["health"]) for one in ended], cpu_s=sum),
        parts=tuple((origin, tuple(one["files"])) for one in ended),
    )


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
            job = pickled(share)
            command = [sys.executable, "-m", "sagellm_benchmark.client.workers"]
            worker = Worker(started.enter_context(child(command, patience=_PATIENCE)))
            worker.process.tell(len(job).to_bytes(8, "little") + job)  # one that has died is noticed later
            workers.append(worker)
        yield workers


def pickled(share: Share | Sequence[Share]) -> bytes:
    """Shares for another process. Raises UsageError where their conversations cannot be sent to one."""
    try:
        return pickle.dumps(share)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise errors.UsageError(
            f"these conversations cannot be sent to another process: {error}",
            hint="give a number of requests, or use one client process",
        ) from error


def hear_until(
    workers: Sequence[Worker], reached: Callable[[Worker], bool], between: Callable[[], None] = lambda: None
) -> None:
    """Listen to the workers until each has reached a point; raises the first error that one of them has."""
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            selector.register(worker.process.output, selectors.EVENT_READ, worker)
        while not all(reached(worker) for worker in workers):
            for key, _ in selector.select(PROGRESS_S):
                output = os.read(key.fd, 65536)
                if not output:  # its end stays readable for ever
                    selector.unregister(key.fileobj)
                key.data.hear(output)
                if key.data.error is not None:
                    raise key.data.error
            between()


def _stop(workers: Sequence[Worker]) -> None:
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
        totals = [worker.total for worker in self._workers]
        self._on_progress(
            Progress(
                done=sum(worker.done for worker in self._workers),
                failed=sum(worker.failed for worker in self._workers),
                total=None if None in totals else sum(total or 0 for total in totals),
                elapsed_s=now - self._origin,
                tokens=sum(worker.tokens for worker in self._workers),
            )
        )


def _as_error(value: list[Any]) -> errors.BenchmarkError:
    name, message, hint = value
    kind = {"UsageError": errors.UsageError, "DataError": errors.DataError}.get(name, errors.RemoteError)
    return kind(message, hint=hint)


# In the worker.


def main() -> None:
    """Receive a share, run it, say how it went."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides; its end is ours
    size = int.from_bytes(_exactly(8), "little")
    share: Share = pickle.loads(_exactly(size))  # noqa: S301 - from our own parent
    if share.lease_s is not None:
        die_with(os.getppid())
    try:
        _, ended = run(share, partial(_start, lease_s=share.lease_s), own_signals=False)
    except errors.BenchmarkError as error:
        _say(error=[type(error).__name__, error.message, error.hint])
    else:
        _say(ended=asdict(ended))


async def _start(load: Load, total: int | None, *, lease_s: float | None = None) -> float:
    """Report readiness, wait for the common moment, and obey the parent from then on."""
    moment: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    unread, heard_s = b"", time.monotonic()

    def obey() -> None:
        nonlocal unread, heard_s
        heard_s = time.monotonic()
        heard = os.read(sys.stdin.fileno(), 4096)
        *lines, unread = (unread + heard).split(b"\n")
        if not heard:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        if not heard or b"stop" in lines:
            load.stop()
        starts = [float(line.split()[1]) for line in lines if line.startswith(b"start ")]
        if not moment.done() and (starts or load.stopped):
            moment.set_result(starts[0] if starts else time.monotonic())

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), obey)
    _say(ready=True, total=total)
    origin = await moment
    await asyncio.sleep(origin - time.monotonic())
    load.spawn_helper(_report(load))
    if lease_s is not None:
        load.spawn_helper(_leased(load, lease_s, lambda: heard_s))
    return origin


async def _report(load: Load) -> None:
    try:
        while True:
            await asyncio.sleep(PROGRESS_S)
            _say(done=load.done, failed=load.failed, tokens=load.tokens, sent=False)
    finally:
        _say(done=load.done, failed=load.failed, tokens=load.tokens, sent=True)


async def _leased(load: Load, lease_s: float, heard_s: Callable[[], float]) -> None:
    """End the load when the parent has been silent for too long: frozen, it could not end it."""
    while (left_s := heard_s() + lease_s - time.monotonic()) > 0:  # noqa: ASYNC110 - nobody sets an event when frozen
        await asyncio.sleep(left_s)
    load.stop()


def _say(**facts: Any) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(orjson.dumps(facts) + b"\n")
        sys.stdout.buffer.flush()


def _exactly(size: int) -> bytes:
    """So many bytes of standard input, and none of the lines behind them: those are for `obey`."""
    content = bytearray()
    while len(content) < size:
        more = os.read(sys.stdin.fileno(), min(size - len(content), 1 << 20))
        if not more:
            raise SystemExit(errors.Exit.REMOTE)
        content += more
    return bytes(content)


if __name__ == "__main__":
    main()
