"""The connections of one load that wait for a request, and how new ones are opened."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sagellm_benchmark.client.connection import Connection, Dials

_DIALS_AT_ONCE = 64  # stays below the accept queue of a common server


class Pool:
    """Idle connections, the most recently used first; every connection that was ever opened has its own number."""

    def __init__(self) -> None:
        self._dialer: Dials | None = None
        self._idle: list[Connection] = []
        self._dialing = 0
        self._dialed = 0

    @property
    def ready(self) -> int:
        """How many connections wait for a request, including those that are being opened to wait."""
        return len(self._idle) + self._dialing

    async def connect(self, dialer: Dials, first: Connection, connections: int) -> None:
        """Open idle connections in advance. If one cannot be opened now, it is opened when it is needed."""
        self._dialer = dialer
        self._idle.append(self._numbered(first))
        gate = asyncio.Semaphore(_DIALS_AT_ONCE)

        async def one() -> None:
            async with gate:
                with contextlib.suppress(OSError):
                    self._idle.append(await self.dial())

        await asyncio.gather(*(one() for _ in range(connections - 1)))

    async def dial(self) -> Connection:
        """Return a new connection. Raise OSError if none can be opened."""
        if self._dialer is None:
            raise RuntimeError("connect the pool before the load runs")
        return self._numbered(await self._dialer.dial())

    async def grow(self) -> None:
        """Open one more idle connection, if one can be opened."""
        self._dialing += 1
        try:
            with contextlib.suppress(OSError):
                self._idle.append(await self.dial())
        finally:
            self._dialing -= 1

    def take(self) -> Connection | None:
        """Return the most recently used idle connection that is still open, if any."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        return None

    def put(self, connection: Connection | None) -> None:
        """Keep a connection for the next request; do nothing for None."""
        if connection is not None:
            self._idle.append(connection)

    def close(self) -> None:
        """Drop every idle connection."""
        for connection in self._idle:
            connection.close()

    def _numbered(self, connection: Connection) -> Connection:
        connection.number = self._dialed
        self._dialed += 1
        return connection
