"""Limits on every request and every answer.

The library shares one HTTP client for everything, without timeouts, and sleeps as long as a server tells it to.
Two hooks on that client, awake only inside `calls.call`, set the limits and raise `Answer` before the library reacts.
"""

from __future__ import annotations

import functools
import time
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from sagellm_benchmark.huggingface.endpoint import is_private_way
from sagellm_benchmark.huggingface.library import http_module, library, session
from sagellm_benchmark.huggingface.outcomes import Answer, NoAnswer, NotAsked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_ANSWER_BYTES = 16 << 20
"""The most bytes of an answer that is not a file: a page of a listing has a few hundred kilobytes."""
_PACKED = 64  # the limit for an answer that is compressed without being asked to be is so many times lower

_timeout_s: ContextVar[float | None] = ContextVar("_timeout_s", default=None)
_at_most: ContextVar[int] = ContextVar("_at_most", default=MAX_ANSWER_BYTES)
_witness: ContextVar[Callable[[Any], None] | None] = ContextVar("_witness", default=None)
_clock: ContextVar[Callable[[datetime], None] | None] = ContextVar("_clock", default=None)
_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")


def limit_silence(seconds: float) -> None:
    """Limit every wait for an answer in this thread from here on; without this call, the hooks do nothing."""
    _timeout_s.set(seconds)


@contextmanager
def longest(size: int) -> Iterator[None]:
    """Accept answers of at most `size` bytes inside the block."""
    before = _at_most.set(size)
    try:
        yield
    finally:
        _at_most.reset(before)


@contextmanager
def before_upload(look: Callable[[Any], None]) -> Iterator[None]:
    """Show `look` the Hub's answer before an upload: how each file is to be sent, and the id of the file that it has.

    The library does not pass that on. If `look` raises, the upload ends with nothing sent.
    """
    before = _witness.set(look)
    try:
        yield
    finally:
        _witness.reset(before)


@contextmanager
def by_its_clock(look: Callable[[datetime], None]) -> Iterator[None]:
    """Call `look` with the time by the Hub's own clock, for each answer inside the block that states it."""
    before = _clock.set(look)
    try:
        yield
    finally:
        _clock.reset(before)


@functools.cache
def install() -> None:
    """Make the library build its shared client, of whatever HTTP library, with our hooks added."""
    plain = session()
    kind: Callable[..., Any] = type(plain)
    hooks = {
        "request": [*plain.event_hooks.get("request", ()), _bound],
        "response": [*plain.event_hooks.get("response", ()), _refuse],
    }
    given = {"timeout": plain.timeout, "follow_redirects": plain.follow_redirects, "event_hooks": hooks}
    library().set_client_factory(lambda: kind(**given, mounts=dict.fromkeys(_LOOPBACK)))
    library().utils.disable_progress_bars()
    library().utils.logging.set_verbosity_error()  # we report what matters ourselves


def _bound(request: Any) -> None:
    """Request hook: limit every wait of this request, and send no token where others can read it."""
    limit = _timeout_s.get()
    if limit is None:
        return
    if "authorization" in request.headers and not is_private_way(str(request.url)):
        raise NotAsked("the token is not sent in clear", "use an address that begins with https://")
    asked = request.extensions.get("timeout") or {}
    request.extensions["timeout"] = {
        step: min(asked.get(step) or limit, limit) for step in ("connect", "read", "write", "pool")
    }


def _refuse(response: Any) -> None:
    """Response hook: raise Answer for an error status, before the library reacts, and limit the length of others."""
    if _timeout_s.get() is None:
        return
    if response.status_code >= 400:
        raise Answer(
            response.status_code, response.headers.get("X-Error-Code", ""), _retry_after(response.headers)
        )
    told, now = _clock.get(), _date(response.headers.get("Date", ""))
    if told is not None and now is not None:
        told(now)
    packed = response.headers.get("Content-Encoding", "identity") != "identity"
    limit = _at_most.get() // (_PACKED if packed else 1)
    response.stream = _bounded_stream()(response.stream, limit)
    look = _witness.get()
    if look is not None and "/preupload/" in response.request.url.path:
        response.read()
        look(response.json())


@functools.cache
def _bounded_stream() -> Callable[[Any, int], Any]:
    """Return a class that wraps a body of the library's HTTP client, and raises NoAnswer beyond a limit in bytes."""
    base: Any = http_module().SyncByteStream

    class Bounded(base):  # type: ignore[misc]
        def __init__(self, stream: Any, limit: int) -> None:
            self.stream, self.left = stream, limit

        def __iter__(self) -> Iterator[bytes]:
            for chunk in self.stream:
                self.left -= len(chunk)
                if self.left < 0:
                    raise NoAnswer("its answer is longer than any that was asked for")
                yield chunk

        def close(self) -> None:
            self.stream.close()

    return Bounded


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks to wait; it may hold a date. None if it is absent or unreadable."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    date = _date(value)
    return None if date is None else max(0.0, date.timestamp() - time.time())


def _date(value: str) -> datetime | None:
    """Return the time in a header, in UTC; None if it cannot be read."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
