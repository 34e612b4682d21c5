"""An event loop whose clock jumps to the next moment at which something is due: hours pass in milliseconds."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from typing import Any


async def pause(seconds: float) -> None:
    """Sleep for so long by the loop's clock; hardly anything else happens here, so it is leaner than asyncio's own."""
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    loop.call_at(loop.time() + seconds, _end, over)
    await over


def _end(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


class Clocked(asyncio.SelectorEventLoop):
    """A loop that never waits. Whatever else the machine does, the same things happen at the same moments."""

    def __init__(self) -> None:
        self.moment = 1_000.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """The moment, in seconds, that this clock has come to."""
        return self.moment

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Sleep without a thread; nothing else is ever given to one here."""
        if func is not time.sleep:
            raise NotImplementedError(f"{func} does not go by this clock")
        return self.create_task(asyncio.sleep(*args))


class _Jumping(selectors.SelectSelector):
    """Has no socket to wait for, so it lets the time pass."""

    def __init__(self, loop: Clocked) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits for somebody else: nothing will ever happen here again")
        self._loop.moment += max(timeout, 0.0)
        return []
