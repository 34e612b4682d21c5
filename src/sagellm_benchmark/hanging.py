"""Calls into a library that may never return, and the end of a process in which one of them has not."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

T = TypeVar("T")

_hung = threading.Event()


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what `call` returns, or raise what it raises; it is made in a thread of its own.

    Raises TimeoutError if it takes longer. From then on every further call does so at once: the library hangs.
    """
    if _hung.is_set():
        raise TimeoutError
    answers: list[T] = []
    errors: list[BaseException] = []

    def answered() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again for whoever waits
            errors.append(error)

    waited_for = threading.Thread(target=answered, daemon=True)
    waited_for.start()
    waited_for.join(seconds)
    for error in errors:
        raise error
    if not answers:
        _hung.set()
        raise TimeoutError
    return answers[0]


def leave(code: str | int | None) -> NoReturn:
    """End the process as `sys.exit` does, but without waiting for a library that hangs and would clean up first."""
    if _hung.is_set() and not isinstance(code, str):
        for stream in (sys.stdout, sys.stderr, sys.__stdout__):
            if stream is not None and not stream.closed:
                stream.flush()
        os._exit(code or 0)
    sys.exit(code)
