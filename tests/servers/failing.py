"""Servers that spoil a measurement: they refuse, cut off, stall, or talk nonsense, always or now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.servers.engine import dice
from tests.servers.protocol import Asked, Did, Out, Server
from tests.servers.stream import Streaming

Fault = Callable[[Asked, Out], bool]
"""Answers in a server's place; False where the connection cannot be used any more."""


@dataclass
class Faulty:
    """A good server, but for the share of requests that a fault answers in its place."""

    fault: Fault
    share: float = 0.1
    good: Server = field(default_factory=Streaming)

    @property
    def did(self) -> list[Did]:
        """As Server says."""
        return self.good.did

    async def answer(self, asked: Asked, out: Out) -> bool:
        """As Server says."""
        if dice(asked, 17).random() >= self.share:
            return await self.good.answer(asked, out)
        self.did.append(Did(asked))
        await asyncio.sleep(0.05)
        return self.fault(asked, out)


def status(code: int, said: str) -> Fault:
    """Answer with a status and a JSON error."""

    def fault(_: Asked, out: Out) -> bool:
        body = f'{{"error": {{"message": "{said}"}}}}'
        out.write(f"HTTP/1.1 {code} No\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        return True

    return fault


def says(body: str, *, kind: str = "text/event-stream", closes: bool = False) -> Fault:
    """Answer 200 with these bytes."""

    def fault(_: Asked, out: Out) -> bool:
        framing = "Connection: close" if closes else f"Content-Length: {len(body)}"
        out.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n{body}".encode())
        return not closes

    return fault


EVENT = 'data: {"choices": [{"index": 0, "text": "word ", "finish_reason": null}]}\n\n'

ENDS = (
    'data: {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}], '
    '"usage": {"prompt_tokens": 32, "completion_tokens": 1}}\n\n'
)


def cut_off(_: Asked, out: Out) -> bool:
    """Close in the middle of an answer."""
    out.write(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{len(EVENT):x}\r\n{EVENT}\r\n".encode())
    return False


def reset(asked: Asked, out: Out) -> bool:
    """Tear the connection down in the middle of an answer."""
    cut_off(asked, out)
    out.abort()
    return False


def hang_up(_: Asked, __: Out) -> bool:
    """Close without a byte."""
    return False


def no_http(_: Asked, out: Out) -> bool:
    """Answer in another protocol."""
    out.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    return False


@dataclass
class Stalling:
    """A server some of whose answers stop after a few events and never go on."""

    share: float = 0.1
    good: Streaming = field(default_factory=Streaming)

    @property
    def did(self) -> list[Did]:
        """As Server says."""
        return self.good.did

    async def answer(self, asked: Asked, out: Out) -> bool:
        """As Server says."""
        if dice(asked, 17).random() >= self.share:
            return await self.good.answer(asked, out)
        cut_off(asked, out)
        self.did.append(Did(asked))
        await asyncio.sleep(3_600)
        return False
