"""What a simulated server is: requests go in, bytes come out, and it remembers what it really did."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import Any, Protocol


class Out(Protocol):
    """Where a server writes: a real socket, or the client's own parser."""

    def write(self, content: bytes) -> None:
        """Send bytes at once."""
        ...

    def close(self) -> None:
        """End the connection in order, after what was written."""
        ...

    def abort(self) -> None:
        """Tear the connection down."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the server read it."""

    number: int  # 0 for the first one
    prompt: str
    prompt_tokens: int
    tokens: int  # that the answer should have
    chat: bool
    moment: float  # when it was read


@dataclass(slots=True)
class Did:
    """What a server really did with one request. Moments are of the loop's clock."""

    asked: Asked
    sent: list[tuple[float, int]] = field(default_factory=list)  # each content event, and the tokens in it
    ended: float = 0.0  # the last byte


class Server(Protocol):
    """Anything that answers requests."""

    @property
    def did(self) -> list[Did]:
        """What it did with every request, in order."""
        ...

    async def answer(self, asked: Asked, out: Out) -> bool:
        """Answer; False where the connection cannot be used any more."""
        ...


async def serve(server: Server, requests: asyncio.StreamReader, out: Out) -> None:
    """Answer what comes over one connection until either side has enough of it."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await requests.readuntil(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            body = await requests.readexactly(int(fields[b"Content-Length"]))
            if not await server.answer(_asked(len(server.did), head, body), out):
                break
    out.close()


def _asked(number: int, head: bytes, body: bytes) -> Asked:
    said: dict[str, Any] = json.loads(body)
    messages = said.get("messages")
    prompt = said["prompt"] if messages is None else " ".join(one["content"] for one in messages)
    return Asked(
        number=number,
        prompt=prompt,
        prompt_tokens=len(prompt.split()),
        tokens=int(said["max_tokens"]),
        chat=b"/chat/" in head.split(b"\r\n", 1)[0],
        moment=asyncio.get_running_loop().time(),
    )
