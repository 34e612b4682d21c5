"""The same servers behind a real socket, in a thread and by the machine's own clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.terms import Conversations, Observed, Order
from sagellm_benchmark.workload.schedule import Schedule
from tests.servers.measured import Drive, Setting
from tests.servers.protocol import Server, serve


@dataclass(frozen=True, slots=True)
class _Socket:
    """Where a server writes."""

    writer: asyncio.StreamWriter

    def write(self, content: bytes) -> None:
        """As Out says."""
        self.writer.write(content)

    def close(self) -> None:
        """As Out says."""
        self.writer.close()

    def abort(self) -> None:
        """As Out says."""
        self.writer.transport.abort()


@contextmanager
def client(server: Server, setting: Setting, folder: Path) -> Iterator[Drive]:
    """The client as `run` uses it, and the server at the other end of a loopback connection."""
    with _listening(server) as url:
        target = replace(setting.target, base_url=url)

        def send(conversations: Conversations, count: int, schedule: Schedule) -> Observed:
            return drive(Order(conversations, count, schedule, target, setting.limits, folder))

        yield send


@contextmanager
def _listening(server: Server) -> Iterator[str]:
    """Serve in a loop of its own; its base URL."""
    loop, told = asyncio.new_event_loop(), list[str]()
    ready, ended = threading.Event(), asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.CancelledError):
                await serve(server, reader, _Socket(writer))
        finally:
            writer.close()

    async def listen() -> None:
        listener = await asyncio.start_server(connected, "127.0.0.1", 0)
        told.append(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        ready.set()
        await ended.wait()
        listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(listen(),))
    thread.start()
    try:
        ready.wait()
        yield told[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
