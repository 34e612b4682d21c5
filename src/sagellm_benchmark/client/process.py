"""One load, or one share of it, in one process: connections, clock, signals, and what it records."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import heapq
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from itertools import count as counter
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from sagellm_benchmark.address import Address, is_loopback
from sagellm_benchmark.causes import cause
from sagellm_benchmark.client import decoded
from sagellm_benchmark.client import spool as spooling
from sagellm_benchmark.client.connection import first_connection
from sagellm_benchmark.client.decoded import RunClock
from sagellm_benchmark.client.health import Watch
from sagellm_benchmark.client.sender import Load, due_soon
from sagellm_benchmark.client.sockets import allow_files
from sagellm_benchmark.client.terms import (
    ClientHealth,
    ClientNode,
    Conversations,
    Limits,
    Order,
    Progress,
    Target,
)
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.text import one_line
from sagellm_benchmark.workload.schedule import Schedule

if sys.platform != "win32":
    import uvloop

if TYPE_CHECKING:
    from sagellm_benchmark.client.sample import Sample

PROGRESS_S = 0.25
MOST_WAITING = 16  # segments that wait to be decoded: 256 MiB

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a load that one process sends: every `step`-th stream and conversation from `first` on."""

    conversations: Conversations
    count: int | None  # of the whole load; None if only its duration ends it
    schedule: Schedule
    target: Target
    limits: Limits
    spool: Path
    first: int = 0
    step: int = 1
    keep_raw: bool = False
    beside: int = 0  # other client processes on the same machine
    lease_s: float | None = None  # a worker ends its load when its parent has been silent for this long

    @classmethod
    def whole(cls, order: Order) -> Share:
        """Return a whole load as one share."""
        return cls(
            order.conversations,
            order.total,
            order.schedule,
            order.target,
            order.limits,
            order.spool / "exchanges.spool",
            keep_raw=order.keep_raw,
        )

    @property
    def indices(self) -> Iterator[int]:
        """The positions in the load of this share's conversations."""
        return iter(
            counter(self.first, self.step) if self.count is None else range(self.first, self.count, self.step)
        )

    @property
    def reading(self) -> spooling.Reading:
        """How this share's answers are decoded."""
        return spooling.Reading(self.target.exact_output, self.target.api_key, self.keep_raw)

    @property
    def waiting(self) -> int:
        """How many full segments wait before a process is started to decode them: 0 if a processor is free for it."""
        server = is_loopback(urlsplit(self.target.base_url).hostname or "")
        return 0 if _processors() > 1 + self.beside + server else MOST_WAITING

    @property
    def streams(self) -> range:
        """The numbers of this share's streams; in an open loop, of the connections that are ready at the start."""
        schedule = self.schedule
        wanted = schedule.concurrency or 1 if schedule.due_s is None else max(1, due_soon(schedule.due_s, 0))
        return range(self.first, wanted if self.count is None else max(1, min(wanted, self.count)), self.step)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a share ended."""

    elapsed_s: float
    interrupted: bool
    health: ClientHealth
    files: tuple[str, ...] = ()  # with the decoded samples, in order


@dataclass(slots=True)
class Recorded:
    """What a load leaves behind; its samples can be read once."""

    started_at: float
    elapsed_s: float
    interrupted: bool
    health: ClientHealth
    parts: tuple[tuple[RunClock, tuple[str, ...]], ...]  # for each process, its clock and its files
    nodes: tuple[ClientNode, ...] = ()

    def samples(self) -> Iterator[Sample]:
        """Yield every sample from disk, in order of completion, and remove the files at the end."""
        yield from heapq.merge(
            *(_samples(files, clock) for clock, files in self.parts), key=attrgetter("end_s")
        )
        for path in chain.from_iterable(files for _, files in self.parts):
            Path(path).unlink()


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _samples(files: tuple[str, ...], clock: RunClock) -> Iterator[Sample]:
    return chain.from_iterable(decoded.read(Path(path), clock) for path in files)


def drive(share: Share, on_progress: Callable[[Progress], None] | None) -> Recorded:
    """Send a whole load from this process, and return what it recorded."""
    started: list[float] = []

    async def start(load: Load, total: int | None) -> float:
        if on_progress is not None:
            load.spawn_helper(_report(load, total, on_progress))
        started.append(time.time())
        return time.monotonic()

    load, ended = run(share, start, own_signals=True)
    return Recorded(
        started_at=started[0],
        elapsed_s=ended.elapsed_s,
        interrupted=ended.interrupted,
        health=ended.health,
        parts=((RunClock(load.origin), ended.files),),
    )


def run(
    share: Share, start: Callable[[Load, int | None], Awaitable[float]], *, own_signals: bool
) -> tuple[Load, Ended]:
    """Send one share and decode its answers.

    `start` is called with the load, which is ready, and its number of requests; it returns the moment of the monotonic
    clock at which the load begins.
    """
    allow_files(len(share.streams))
    spool = spooling.Spool(share.spool)
    with spooling.Decoder(share.reading, share.waiting) as decoder:
        spool.decode_with(decoder)
        try:
            load = Load(share.conversations, share.indices, share.schedule, share.target, share.limits, spool)
            load.endless = share.count is None
            ended = _in_loop(_run(load, share, start, own_signals=own_signals))
        finally:
            spool.close()
        decoded.decode(spool.segments[-1:], share.reading)  # while the decoder finishes the others
    files = decoded.decode(spool.segments, share.reading)
    return load, replace(ended, files=tuple(map(str, files)))


async def _run(
    load: Load, share: Share, start: Callable[[Load, int | None], Awaitable[float]], *, own_signals: bool
) -> Ended:
    loop = asyncio.get_running_loop()
    with _signals(loop, load.stop) if own_signals else contextlib.nullcontext():
        total = load.prepare()
        where = Address.parse(share.target.base_url)
        try:
            dialer, first = await first_connection(where, share.limits.connect_s)
        except OSError as error:
            raise _unreachable(where, error) from error
        await load.connect(dialer, first, len(share.streams))
        with _quiet():
            load.origin = await start(load, total)
            watch = Watch(loop)
            if share.limits.total_s is not None:
                loop.call_at(loop.time() + share.limits.total_s, load.stop)
            await load.run(share.streams)
            return Ended(time.monotonic() - load.origin, load.stopped, watch.stop())


async def _report(load: Load, total: int | None, on_progress: Callable[[Progress], None]) -> None:
    while True:
        await asyncio.sleep(PROGRESS_S)
        elapsed_s = time.monotonic() - load.origin
        on_progress(Progress(load.done, load.failed, total, elapsed_s, tokens=load.tokens))


def _unreachable(where: Address, error: OSError) -> RemoteError:
    known = cause(error)
    return RemoteError(
        f"no connection to {where}: {known.said if known else one_line(str(error)) or 'no answer in time'}",
        hint=known.hint if known else "is the server running, and is that its port?",
    )


def _in_loop(work: Coroutine[None, None, T]) -> T:
    """Run a coroutine in an event loop of its own: uvloop's, except on Windows."""
    if sys.platform == "win32":
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Switch garbage collection off during the block; objects that somebody else had frozen stay frozen."""
    was_on, others = gc.isenabled(), _others_froze()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        if not others:
            gc.unfreeze()
        if was_on:
            gc.enable()


@cache
def _others_froze() -> bool:
    """Return whether somebody else froze objects before the first load; it takes too long to count for every load."""
    return gc.get_freeze_count() > 0


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """Let the first SIGINT or SIGTERM stop the load; a second one does what it would have done before the load."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)

    def first() -> None:
        restore()
        stop()

    for number in before:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        restore()
