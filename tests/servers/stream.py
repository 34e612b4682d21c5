"""How an answer goes over the wire: server-sent events in every framing that the OpenAI API allows, and in others."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from tests.servers.engine import Engine, Tokens, even
from tests.servers.protocol import Asked, Did, Out

Between = Callable[[AsyncIterator[Tokens]], AsyncIterator[Tokens]]
"""What stands between an engine and the wire; it may hold back, join or make up."""


async def as_made(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
    """Nothing stands between."""
    async for one in tokens:
        yield one


@dataclass(frozen=True, slots=True)
class Wire:
    """How events are written. The defaults are vLLM's."""

    framing: Literal["chunked", "length", "close"] = "chunked"
    keep_alive: bool = True
    newline: str = "\n"
    mark: str = ""  # before the first byte, such as a byte order mark
    colon: str = "data: "
    lines: bool = False  # the JSON of an event over several data lines
    comments: bool = False  # between events, as proxies keep connections alive
    named: str = ""  # more fields of an event, such as an id
    cut: int | None = None  # writes of so many bytes
    role_first: bool = True  # of a chat: an event without content
    field: str = "content"  # of a chat's delta; "tool" calls a tool
    reasons: int = 0  # the first so many events are reasoning
    null_fields: bool = False
    finish_with_last: bool = False  # the last token's event says why it ended
    finish: str | None = "length"
    done: bool = True
    done_after_s: float = 0.0
    usage: Literal["last", "every", "with finish", "none"] = "last"
    charged: float = 1.0  # completion tokens in usage, for each that was made
    prompt_charged: float = 1.0
    cached: int | None = None
    compressed: bool = False
    model: str = "simulated"


VLLMS = Wire()


@dataclass
class Streaming:
    """A server that streams what its engine makes."""

    engine: Engine = field(default_factory=lambda: Engine(even()))
    wire: Wire = field(default_factory=Wire)
    between: Between = as_made
    did: list[Did] = field(default_factory=list)

    async def answer(self, asked: Asked, out: Out) -> bool:
        """As Server says."""
        did = Did(asked)
        self.did.append(did)
        writing = _Writing(self.wire, asked, out)
        await self.stream(did, writing)
        writing.end()
        did.ended = asyncio.get_running_loop().time()
        return self.wire.keep_alive and self.wire.framing != "close"

    async def stream(self, did: Did, writing: _Writing) -> None:
        """Send every event of an answer."""
        now = asyncio.get_running_loop().time
        begun, made = False, 0
        async for tokens in self.between(self.engine.tokens(did.asked)):
            if not begun:
                writing.begin()
                begun = True
            made += len(tokens)
            did.sent.append((now(), len(tokens)))
            writing.tokens("".join(tokens), made, last=made >= did.asked.tokens)
        if not begun:
            writing.begin()
        await writing.finish(made)


class _Writing:
    """One answer on its way."""

    def __init__(self, wire: Wire, asked: Asked, out: Out) -> None:
        self._wire, self._asked, self._out = wire, asked, out
        self._events = 0
        self._kept = b""  # of an answer that is sent whole

    def begin(self) -> None:
        """The head, and the events that come before any content."""
        wire = self._wire
        if wire.framing != "length":
            self._out.write(self._head("Transfer-Encoding: chunked\r\n" if wire.framing == "chunked" else ""))
        if wire.mark:
            self._raw(wire.mark.encode())
        if wire.comments:
            self._raw(f": welcome{wire.newline * 2}".encode())
        if self._asked.chat and wire.role_first:
            self.event({"role": "assistant", "content": ""})

    def tokens(self, text: str, made: int, *, last: bool) -> None:
        """An event with content."""
        wire = self._wire
        ended = wire.finish if last and wire.finish_with_last else None
        more = {"usage": self._usage(made)} if wire.usage == "every" else {}
        if wire.comments:
            self._raw(f": still here{wire.newline * 2}".encode())
        self.event(self._delta(text), ended, more)
        self._events += 1

    async def finish(self, made: int) -> None:
        """What follows the last token."""
        wire = self._wire
        if wire.done_after_s:
            await asyncio.sleep(wire.done_after_s)
        if wire.finish is not None and not wire.finish_with_last:
            more = {"usage": self._usage(made)} if wire.usage == "with finish" else {}
            self.event({"content": ""} if self._asked.chat else "", wire.finish, more)
        if wire.usage in {"last", "every"}:
            self.data({"choices": [], "usage": self._usage(made)})
        if wire.done:
            self._raw(f"data: [DONE]{wire.newline * 2}".encode())

    def event(self, delta: Any, ended: str | None = None, more: dict[str, Any] | None = None) -> None:
        """One choice of an event."""
        part = {"delta": delta} if self._asked.chat else {"text": delta}
        nulls = {"logprobs": None, "stop_reason": None} if self._wire.null_fields else {}
        self.data({"choices": [{"index": 0, **part, **nulls, "finish_reason": ended}], **(more or {})})

    def data(self, fields: dict[str, Any]) -> None:
        """Any object as an event."""
        wire = self._wire
        whole = {"id": "x", "model": wire.model, **({"usage": None} if wire.null_fields else {}), **fields}
        text = orjson.dumps(whole, option=orjson.OPT_INDENT_2 if wire.lines else None).decode()
        lines = text.split("\n") if wire.lines else [text]
        body = wire.newline.join([wire.colon + line for line in lines])
        self._raw(f"{wire.named}{body}{wire.newline * 2}".encode())

    def end(self) -> None:
        """The end of HTTP's own framing."""
        if self._wire.framing == "length":
            content = gzip.compress(self._kept, mtime=0) if self._wire.compressed else self._kept
            self._out.write(self._head(f"Content-Length: {len(content)}\r\n") + content)
        elif self._wire.framing == "chunked":
            self._out.write(b"0\r\n\r\n")

    def _delta(self, text: str) -> Any:
        wire = self._wire
        if not self._asked.chat:
            return text
        if self._events < wire.reasons:
            return {"reasoning_content": text}
        if wire.field == "tool":
            return {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
        return {wire.field: text}

    def _usage(self, made: int) -> dict[str, Any]:
        wire = self._wire
        usage: dict[str, Any] = {
            "prompt_tokens": round(self._asked.prompt_tokens * wire.prompt_charged),
            "completion_tokens": round(made * wire.charged),
        }
        if wire.cached is not None:
            usage["prompt_tokens_details"] = {"cached_tokens": wire.cached}
        return usage

    def _head(self, framing: str) -> bytes:
        wire = self._wire
        kind = "Content-Type: text/event-stream\r\n"
        coded = "Content-Encoding: gzip\r\n" if wire.compressed else ""
        kept = "" if wire.keep_alive else "Connection: close\r\n"
        return f"HTTP/1.1 200 OK\r\n{kind}{coded}{framing}{kept}\r\n".encode()

    def _raw(self, content: bytes) -> None:
        wire = self._wire
        if wire.framing == "length":
            self._kept += content
            return
        step = wire.cut or len(content)
        for start in range(0, len(content), step):
            piece = content[start : start + step]
            self._out.write(b"%x\r\n%b\r\n" % (len(piece), piece) if wire.framing == "chunked" else piece)
