"""One load in this process: connections, clock, signals, and what is left at the end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count as counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sagellm_benchmark.bench import spool as spooling
from sagellm_benchmark.bench import wire
from sagellm_benchmark.bench.client import first_connection
from sagellm_benchmark.bench.health import Watch
from sagellm_benchmark.bench.load import ClientHealth, Progress
from sagellm_benchmark.bench.loops import Load, due_soon
from sagellm_benchmark.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from sagellm_benchmark.bench.load import Conversations, Limits, Target
    from sagellm_benchmark.bench.sample import Sample
    from sagellm_benchmark.bench.schedule import Schedule

_PROGRESS_S = 0.25
_OTHER_FILES = 64  # what else a process has open


@dataclass(slots=True)
class Recorded:
    """What a load leaves behind; `samples` can be read once."""

    started_at: float
    elapsed_s: float
    interrupted: bool
    health: ClientHealth
    _origin: float
    _spools: tuple[Path, ...]
    _target: Target

    def samples(self) -> Iterator[Sample]:
        """Decode every sample from disk, in order of completion, and remove the files at the end."""
        for path in self._spools:
            yield from spooling.read(
                path, self._origin, exact_output=self._target.exact_output, secret=self._target.api_key
            )
            path.unlink()


def drive(
    conversations: Conversations,
    count: int | None,
    schedule: Schedule,
    target: Target,
    limits: Limits,
    folder: Path,
    on_progress: Callable[[Progress], None] | None,
) -> Recorded:
    """See `load.drive`."""
    _check(count, schedule)
    _allow_files(_connections(count, schedule))
    path = folder / "exchanges.spool"
    spool = spooling.Spool(path)
    known = _conversations(count, schedule)
    load = Load(
        conversations, iter(counter() if known is None else range(known)), schedule, target, limits, spool
    )
    try:
        started_at, elapsed_s, health = _in_loop(_run(load, known, schedule, target, limits, on_progress))
    finally:
        spool.close()
    return Recorded(started_at, elapsed_s, load.stopped, health, load.origin, (path,), target)


def _conversations(count: int | None, schedule: Schedule) -> int | None:
    """How many conversations the load has, None where only its duration ends it."""
    if schedule.due_s is None:
        return count
    return len(schedule.due_s) if count is None else min(count, len(schedule.due_s))


def _connections(count: int | None, schedule: Schedule) -> int:
    """How many connections are opened before the clock starts."""
    wanted = schedule.concurrency or 1 if schedule.due_s is None else max(1, due_soon(schedule.due_s, 0))
    return wanted if count is None else max(1, min(wanted, count))


def _allow_files(connections: int) -> None:
    """Raise this process's limit of open files as far as it may; UsageError where that is too few."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on every system

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + _OTHER_FILES
    most = needed if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        raise UsageError(
            f"{connections} connections at once need {needed} open files, and this process may open {soft}",
            hint="raise the limit (`ulimit -n`), or ask for fewer streams or more client processes",
        )


def _check(count: int | None, schedule: Schedule) -> None:
    if schedule.due_s is None and not schedule.concurrency:
        raise UsageError("a load needs a concurrency or a rate", hint="give --concurrency or --rate")
    if count is None and schedule.duration_s is None and schedule.due_s is None:
        raise UsageError("a load needs an end", hint="give --requests or --duration")


def _in_loop(work: Any) -> Any:
    """Run a coroutine in an event loop of its own, the fast one where there is one."""
    if sys.platform == "win32":
        loop = asyncio.new_event_loop()
    else:
        import uvloop  # noqa: PLC0415 - not on every system

        loop = uvloop.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _run(
    load: Load,
    count: int | None,
    schedule: Schedule,
    target: Target,
    limits: Limits,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[float, float, ClientHealth]:
    load.endless = count is None
    total = load.prepare()
    where = wire.endpoint(target.base_url)
    try:
        dialer, first = await first_connection(where, limits.connect_s)
    except OSError as error:
        raise RemoteError(
            f"no connection to {where}: {str(error) or 'timed out'}",
            hint="is the server running, and is that its port?",
        ) from error
    await load.connect(dialer, first, _connections(count, schedule))
    loop = asyncio.get_running_loop()
    with _quiet(), _signals(loop, load.stop):
        watch = Watch(loop)
        started_at, load.origin = time.time(), time.monotonic()
        report = _reporter(load, total, on_progress)
        ticker = loop.create_task(report)
        if limits.total_s is not None:
            loop.call_later(limits.total_s, load.stop)
        await load.run(range(_connections(count, schedule)))
        ticker.cancel()
        return started_at, time.monotonic() - load.origin, watch.stop()


async def _reporter(load: Load, total: int | None, on_progress: Callable[[Progress], None] | None) -> None:
    while on_progress is not None:
        await asyncio.sleep(_PROGRESS_S)
        on_progress(Progress(load.done, load.failed, total, time.monotonic() - load.origin))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No garbage collection while requests are in flight."""
    was_on = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_on:
            gc.enable()


@contextlib.contextmanager
def _signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM stop the load, the first time; a second one does what it did before the load."""
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
