"""Ctrl-C, while something must be brought to an end first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator


@contextlib.contextmanager
def first_signal(numbers: Iterable[int], then: Callable[[], object]) -> Iterator[None]:
    """Call `then` at the first of these signals inside the block; a second one does what it did before the block.

    Outside the main thread, which alone gets signals, it does nothing. An event loop needs its own: `client.process`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def first(_: int, __: object) -> None:
        restore()
        then()

    for number in before:
        signal.signal(number, first)
    try:
        yield
    finally:
        restore()
