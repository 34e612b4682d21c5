"""Connections without sockets: what the client writes a server reads at once, and the reverse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sagellm_benchmark.client.connection import Connection
from tests.servers.protocol import Server, serve


@dataclass(frozen=True, slots=True)
class Nearby:
    """Opens the client's own connections to a server that lives in the same event loop."""

    server: Server

    async def dial(self) -> Connection:
        """As Dials says."""
        loop = asyncio.get_running_loop()
        connection = Connection(loop.time)
        connection.connection_made(_Ends(connection, self.server))
        return connection


class _Ends(asyncio.Transport):
    """Both ends of a connection: the client's transport, and the server's Out."""

    def __init__(self, client: Connection, server: Server) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._client = client
        self._requests = asyncio.StreamReader()
        self._open = True
        self._server = _ServersEnd(client, self._lost)
        self._task = self._loop.create_task(serve(server, self._requests, self._server))

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if self._open:
            self._requests.feed_data(bytes(data))

    def is_closing(self) -> bool:
        return not self._open

    def abort(self) -> None:
        if self._open:
            self._task.cancel()
        self._lost(None)

    def _lost(self, error: Exception | None) -> None:
        if self._open:
            self._open = self._server.open = False
            self._loop.call_soon(self._client.connection_lost, error)


class _ServersEnd:
    """Writes into the client's parser, as a read from a socket would."""

    def __init__(self, client: Connection, lost: Callable[[Exception | None], None]) -> None:
        self._client, self._lost = client, lost
        self.open = True

    def write(self, content: bytes) -> None:
        if self.open:
            self._client.data_received(content)

    def close(self) -> None:
        self._lost(None)

    def abort(self) -> None:
        self._lost(ConnectionResetError("connection reset by peer"))
