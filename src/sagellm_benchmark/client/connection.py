"""One connection to a server. Each read is stamped before anything else happens to its bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Protocol, cast

import httptools

from sagellm_benchmark.client.sample import Failure

if TYPE_CHECKING:
    from sagellm_benchmark.address import Address

Clock = Callable[[], float]
"""Returns seconds that never decrease, as `time.monotonic` does."""

_ANSWER_BYTES = 64 * 1024 * 1024  # a longer answer is a failure
_ANSWER_PIECES = 1_000_000  # reads and HTTP chunks of one answer; more are a failure


@dataclass(slots=True)
class Exchange:
    """One request and the raw bytes of its answer. Times are seconds on the monotonic clock."""

    index: int
    turn: int
    stream: int
    due: float | None
    asked_input_tokens: int
    asked_output_tokens: int
    start: float = 0.0
    end: float = 0.0
    status: int | None = None
    complete: bool = False  # whether, by HTTP's framing, nothing is missing
    failure: Failure | None = None  # only a failure that the connection can see
    detail: str | None = None
    resend: bool = False  # whether its connection had been idle: if that is closed, the request is sent again
    log: list[float | bytes] = field(default_factory=list)  # each read's time, then its pieces of body


class Connection(asyncio.Protocol):
    """A keep-alive connection that carries one exchange at a time."""

    def __init__(self, clock: Clock = monotonic) -> None:
        self._clock = clock
        self._log: list[float | bytes] = []
        self._stamp = self._log.append
        self.on_body = self._log.append  # the parser calls the list itself: no Python frame per piece
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._done: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._room = _ANSWER_BYTES
        self._framed = False
        self._headers = False
        self._reusable = False
        self._kept: int | None = None  # how many log entries are the answer's; None until it is complete
        self.number = 0
        self._finished: Callable[[Exchange], None] | None = None

    @property
    def usable(self) -> bool:
        """Whether another request can be sent over this connection."""
        return self._transport is not None and not self._transport.is_closing() and self._exchange is None

    @property
    def tokens(self) -> int:
        """Tokens of the answer in flight so far: estimated as one per read, and at most as many as asked for."""
        exchange = self._exchange
        return 0 if exchange is None else min(len(self._log) // 2, exchange.asked_output_tokens)

    async def send(
        self, exchange: Exchange, request: bytes, timeout_s: float, finished: Callable[[Exchange], None]
    ) -> None:
        """Write a request at once and wait until its answer is complete or has failed.

        `finished` is called with the exchange during the read that ends it, so the exchange is kept even if the waiting
        task is cancelled. Raise RuntimeError if the connection is not open.
        """
        loop = asyncio.get_running_loop()
        transport = self._transport
        if transport is None:
            raise RuntimeError("send on a connection that is not open")
        self._done = loop.create_future()
        self._finished = finished
        self._exchange = exchange
        self._room = _ANSWER_BYTES
        self._framed = self._headers = False
        self._kept = None
        self._timer = loop.call_later(
            timeout_s, self.stop, Failure.TIMEOUT, f"no complete answer in {timeout_s:g} s"
        )
        exchange.start = self._clock()
        transport.write(request)
        await self._done

    def stop(self, failure: Failure, detail: str) -> None:
        """Abandon the exchange in flight, if any, and close the connection."""
        if self._exchange is not None:
            self._exchange.failure, self._exchange.detail = failure, detail
            self._end(self._clock())
        self.close()

    def close(self) -> None:
        """Drop the connection without waiting for the other side."""
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._stamp(self._clock())
        self._room -= len(data)
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if self._kept is None:
                self.stop(Failure.MALFORMED, f"not HTTP: {error}")
                return
            self.close()  # nonsense after a complete answer
        if self._kept is not None or self._room < 0 or len(self._log) > _ANSWER_PIECES:
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._exchange is not None:
            self._exchange.complete = exc is None and self._headers and not self._framed
            if not self._exchange.complete:
                self._exchange.failure = Failure.CUT_OFF
                self._exchange.detail = "the server closed the connection before the answer was complete"
            self._end(self._clock())
        self._transport = None

    # What the HTTP parser calls.

    def on_header(self, name: bytes, _value: bytes) -> None:
        if name.lower() in {b"content-length", b"transfer-encoding"}:
            self._framed = True

    def on_headers_complete(self) -> None:
        self._headers = True
        if self._exchange is not None and self._kept is None:
            self._exchange.status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._framed = self._headers = False
        elif self._kept is None:
            self._kept = len(self._log)
            self._reusable = self._parser.should_keep_alive()  # the parser forgets it after this callback

    def _answered(self) -> None:
        """End the exchange, whose answer is complete or too long to keep."""
        if self._exchange is None:
            self.close()  # bytes that nobody asked for
            return
        if self._kept is None:
            self.stop(
                Failure.MALFORMED,
                f"the answer is longer than {_ANSWER_BYTES} bytes or {_ANSWER_PIECES} pieces",
            )
            return
        self._exchange.complete = True
        stamp = next(item for item in reversed(self._log[: self._kept]) if type(item) is float)
        self._end(stamp)
        if not self._reusable:
            self.close()

    def _end(self, moment: float) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None or self._timer is None or self._finished is None or self._done is None:
            return
        self._timer.cancel()
        exchange.end = moment
        exchange.log = self._log[: self._kept]
        self._log.clear()
        self._finished(exchange)
        if not self._done.done():
            self._done.set_result(None)


class Dials(Protocol):
    """Something that can open connections."""

    async def dial(self) -> Connection:
        """Return a new connection. Raise OSError (which includes TimeoutError) if none can be opened."""
        ...


@dataclass(frozen=True, slots=True)
class Dialer:
    """Opens connections to one address, never through a proxy that the environment names."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    server_name: str | None
    timeout_s: float

    async def dial(self) -> Connection:
        """Return a new connection. Raise OSError (which includes TimeoutError) if none can be opened."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self.timeout_s):
            _, connection = await loop.create_connection(
                Connection, self.host, self.port, ssl=self.tls, server_hostname=self.server_name
            )
        return connection


async def first_connection(where: Address, timeout_s: float) -> tuple[Dialer, Connection]:
    """Resolve the host once; return a dialer for the first of its addresses that accepts a connection, and that one.

    Raise OSError if the name is unknown or no address accepts.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(timeout_s):
        found = await loop.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    context = ssl.create_default_context() if where.tls else None
    failure = OSError(f"no address for {where.host}")
    for address in dict.fromkeys(str(entry[4][0]) for entry in found):
        dialer = Dialer(address, where.port, context, where.host if where.tls else None, timeout_s)
        try:
            return dialer, await dialer.dial()
        except OSError as error:
            failure = error
    raise failure
