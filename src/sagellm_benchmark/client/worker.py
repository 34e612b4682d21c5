"""A process that sends one share of a load as its parent tells it, and the messages with which it answers.

The parent writes a pickled Share to the worker's standard input, and then lines: `start MOMENT`, `pace PACE`, `stop`.
The worker writes Words, one JSON line each. It stops at the end of its input, so that it never outlives its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from sagellm_benchmark import errors
from sagellm_benchmark.children import die_with
from sagellm_benchmark.client.process import PROGRESS_S, Ended, Share, run
from sagellm_benchmark.client.sender import Load


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The worker is ready to start; `total` is its number of requests, None if only the duration ends the load."""

    total: int | None


class Going(msgspec.Struct, frozen=True, tag=True):
    """How far the worker is.

    `sent` says that its load is over and it decodes; `owes` says that a request is overdue. `begun`, `done` and
    `failed` are requests.
    """

    done: int = 0
    failed: int = 0
    tokens: int = 0
    begun: int = 0
    owes: bool = False
    sent: bool = False

    @classmethod
    def of(cls, load: Load, *, sent: bool) -> Going:
        """Return the progress of a load."""
        return cls(load.done, load.failed, load.tokens, load.begun, load.owes, sent)


class Over(msgspec.Struct, frozen=True, tag=True):
    """How the worker's share ended."""

    ended: Ended


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Why the worker failed; `kind` is the class of the error."""

    kind: str
    message: str
    hint: str | None

    @property
    def error(self) -> errors.BenchmarkError:
        """The error that was raised in the worker; one of an unknown class is a RemoteError."""
        kinds: dict[str, type[errors.BenchmarkError]] = {
            one.__name__: one for one in (errors.UsageError, errors.DataError)
        }
        return kinds.get(self.kind, errors.RemoteError)(self.message, hint=self.hint)


Word = Ready | Going | Over | Failed


def main() -> None:
    """Receive a share, run it, and report how it went."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent handles them, and this process ends when it does
    size = int.from_bytes(_exactly(8), "little")
    share: Share = pickle.loads(_exactly(size))  # noqa: S301 - from our own parent
    if share.lease_s is not None:
        die_with(os.getppid())
    try:
        with _repeating() as repeat:
            start = partial(_start, repeat=repeat, lease_s=share.lease_s)
            _, ended = run(share, start, own_signals=False)
    except errors.BenchmarkError as error:
        _say(Failed(type(error).__name__, error.message, error.hint))
    else:
        _say(Over(ended))


@contextlib.contextmanager
def _repeating() -> Iterator[Callable[[Word], None]]:
    """Yield a function that sends a word again and again until the block ends, even while the caller computes."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def repeat(word: Word) -> None:
        _say(word)
        threads.append(threading.Thread(target=on_and_on, args=(word,)))
        threads[-1].start()

    def on_and_on(word: Word) -> None:
        while not over.wait(PROGRESS_S):
            _say(word)

    try:
        yield repeat
    finally:
        over.set()
        for thread in threads:
            thread.join()


async def _start(
    load: Load, total: int | None, *, repeat: Callable[[Word], None], lease_s: float | None = None
) -> float:
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
        for line in lines:
            if line.startswith(b"pace "):
                load.pace = float(line.split()[1])
        starts = [float(line.split()[1]) for line in lines if line.startswith(b"start ")]
        if not moment.done() and (starts or load.stopped):
            moment.set_result(starts[0] if starts else time.monotonic())

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), obey)
    _say(Ready(total))
    origin = await moment
    await asyncio.sleep(origin - time.monotonic())
    load.spawn_helper(_report(load, repeat))
    if lease_s is not None:
        load.spawn_helper(_leased(load, lease_s, lambda: heard_s))
    return origin


async def _report(load: Load, repeat: Callable[[Word], None]) -> None:
    try:
        while True:
            await asyncio.sleep(PROGRESS_S)
            _say(Going.of(load, sent=False))
    finally:
        repeat(Going.of(load, sent=True))


async def _leased(load: Load, lease_s: float, heard_s: Callable[[], float]) -> None:
    """Stop the load when the parent has been silent for too long: a frozen parent could not stop it."""
    while (left_s := heard_s() + lease_s - time.monotonic()) > 0:  # noqa: ASYNC110 - nobody sets an event when frozen
        await asyncio.sleep(left_s)
    load.stop()


def _say(word: Word) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
        sys.stdout.buffer.flush()


def _exactly(size: int) -> bytes:
    """Read exactly `size` bytes of standard input; the lines behind them are for `obey`.

    End this process if the input ends first.
    """
    content = bytearray()
    while len(content) < size:
        more = os.read(sys.stdin.fileno(), min(size - len(content), 1 << 20))
        if not more:
            raise SystemExit(errors.Exit.REMOTE)
        content += more
    return bytes(content)


if __name__ == "__main__":
    main()
