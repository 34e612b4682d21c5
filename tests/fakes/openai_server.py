"""An OpenAI-compatible server of known timing and chosen misbehaviour, over real sockets.

    with serving(Script(ttft_s=0.05)) as server: …            # on threads of this process
    python -m tests.fakes.openai_server --ttft-s 0.05 …       # as a child process; prints its base URL first

Tokens are the words `t0 t1 …` in answers. In a prompt, every whitespace-separated word counts as one token; the same
rule answers `/tokenize`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, cast

Ending = Literal["proper", "no_done", "no_finish", "cut", "reset", "stall", "error", "garbage"]
Framing = Literal["chunked", "close", "length"]


@dataclass(frozen=True, slots=True)
class Script:
    """How the server behaves. The defaults are a well-behaved, fast server."""

    model: str = "fake-model"
    ttft_s: float = 0.0
    repeated_ttft_s: float | None = None  # for a prompt that was sent before
    itl_s: float = 0.0
    timetable: bool = False  # tokens come at set times after the first: lateness does not add up
    slots: int | None = None  # answers at a time; other requests wait
    status: int = 200  # of the generation endpoints
    error_body: str = '{"error": {"message": "no can do", "type": "test", "code": "test"}}'
    tokens: int | None = None  # how many are generated; None as many as asked
    tokens_per_event: int = 1
    ending: Ending = "proper"
    bad_after: int = 2  # content events before `cut`, `reset`, `stall`, `error` and `garbage` happen
    framing: Framing = "chunked"
    keep_alive: bool = True  # False closes each connection after one answer
    stream: bool = True  # False answers in one JSON object whatever is asked
    usage: bool = True
    usage_in_streams: bool = True
    usage_unasked: bool = False  # in streams whose request did not ask for it
    template_tokens: int = 0  # added to every prompt of a chat
    system_tokens: int = 0  # the part of them that a system message of one's own takes the place of
    takes: tuple[str, ...] | None = None  # fields of a request; others are answered 422
    goes_on: bool = True  # heeds ignore_eos and min_tokens
    ends_after: int | None = None  # tokens of an answer that may end by itself, unless it is asked to count
    finish: str | None = "as it ended"  # the finish_reason of every streamed answer
    streams: tuple[str, ...] = ("chat", "completions")  # APIs that can; another one refuses to, 400
    info: bool = False  # as sageLLM's gateway has it
    title: str | None = None  # of the API's description, which then tells the version in place of /version
    paths: tuple[str, ...] = ()  # in it
    count_path: bool = False  # llama-cpp-python's own way to count
    local_folder: str | None = None  # where the model lies
    cached_tokens: int | None = None
    newline: str = "\n"
    write_bytes: int | None = None  # cut the stream into writes of this many bytes
    events_per_write: int = 1
    comments: bool = False
    role_first: bool = True
    reasoning: int = 0  # the first so many events carry reasoning
    tool_call: bool = False  # the answer is the call of a tool
    word: str = "t{}"  # what each token looks like
    apis: tuple[str, ...] = ("chat", "completions")
    api_key: str | None = None  # anything else is answered 401
    llm: bool = True  # False: some other web server
    tokenizer: bool = True
    metrics: str | None = None
    version: str | None = "1.2.3"
    owned_by: str = "vllm"
    silent_close: bool = False  # drop the connection after an answer that promised to keep it
    sequence: tuple[Mapping[str, Any], ...] = ()  # overrides for the first, second, … generation request


@dataclass(slots=True)
class Seen:
    """One generation request as the server saw it. Times are of the monotonic clock."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: int
    read_s: float
    sent_s: list[float] = field(default_factory=list)  # just before each content event was written
    prompt_tokens: int = 0


class FakeServer(socketserver.ThreadingTCPServer):
    """The server behind `serving`; `requests` is what it was asked."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512
    block_on_close = False

    def __init__(self, script: Script, host: str = "127.0.0.1", port: int = 0) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)
        self.script = script
        self.requests: list[Seen] = []
        self.prompts: set[str] = set()
        self.latest: dict[str, int] = {}  # of the streams
        self.slots = (
            contextlib.nullcontext() if script.slots is None else threading.BoundedSemaphore(script.slots)
        )
        self.connections = 0
        self.lock = threading.Lock()
        self.ending = threading.Event()
        self.open_sockets: set[socket.socket] = set()
        self.stop_after: int | None = None  # answers

    @property
    def base_url(self) -> str:
        """Where it is, without /v1."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{shown}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what these tests are about; anything else is a mistake in this file."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def ttft_s(self, script: Script, body: Mapping[str, Any]) -> float:
        """How long a prompt takes, the first time or again."""
        prompt = json.dumps(body.get("messages") or body.get("prompt"))
        with self.lock:
            again = prompt in self.prompts
            self.prompts.add(prompt)
        return script.repeated_ttft_s if again and script.repeated_ttft_s is not None else script.ttft_s

    def count_down(self) -> None:
        """Let nobody in any more before the last answer that was wanted."""
        if self.stop_after is not None:
            self.stop_after -= 1
            if self.stop_after == 0:
                self.socket.close()

    def stop(self) -> None:
        """End at once, stalled answers included."""
        self.ending.set()
        self.shutdown()
        self.server_close()
        with self.lock:
            for open_socket in self.open_sockets:
                with contextlib.suppress(OSError):
                    open_socket.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def serving(script: Script | None = None, host: str = "127.0.0.1") -> Iterator[FakeServer]:
    """A server on threads of this process, ended with the block."""
    server = FakeServer(script or Script(), host)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()


class _HangUp(Exception):  # noqa: N818 - not an error but an instruction
    """Close this connection now."""


class _Handler(socketserver.StreamRequestHandler):
    server: FakeServer
    disable_nagle_algorithm = True
    wbufsize = 0

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1
            self.number = self.server.connections
            self.server.open_sockets.add(self.connection)

    def finish(self) -> None:
        with self.server.lock:
            self.server.open_sockets.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with contextlib.suppress(_HangUp):
            while not self.server.ending.is_set() and self.one():
                pass

    def one(self) -> bool:
        """Answer one request; False when the client is gone."""
        line = self.rfile.readline().decode()
        if not line:
            return False
        method, path, _ = line.split(" ", 2)
        headers = {}
        while (header := self.rfile.readline().decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        read_s = time.monotonic()
        self.kept = self.server.script.keep_alive
        self.route(method, path, headers, body, read_s)
        return self.kept

    def route(self, method: str, path: str, headers: dict[str, str], body: bytes, read_s: float) -> None:
        script = self.server.script
        if not script.llm:
            self.reply(200, "<html><body>It works!</body></html>", "text/html")
        elif script.api_key is not None and headers.get("authorization") != f"Bearer {script.api_key}":
            self.reply(401, '{"error": {"message": "Incorrect API key provided: ' + _key(headers) + '"}}')
        elif method == "GET":
            self.get(path)
        else:
            self.post(path, Seen(path, headers, _parsed(body), self.number, read_s))

    def get(self, path: str) -> None:
        script = self.server.script
        model: dict[str, Any] = {"id": script.model, "object": "model", "owned_by": script.owned_by}
        if not script.info:
            model["max_model_len"] = 32768
        pages = {
            "/v1/models": json.dumps({"object": "list", "data": [model]}),
            "/health": "{}",
            "/version": None
            if script.version is None or script.title
            else json.dumps({"version": script.version}),
            "/metrics": script.metrics,
        }
        if script.info:
            pages["/info"] = json.dumps(_info(script, self.server))
        if script.title or script.paths:
            about = {"title": script.title or "FastAPI", "version": script.version or "0.1.0"}
            pages["/openapi.json"] = json.dumps({"info": about, "paths": {one: {} for one in script.paths}})
        page = pages.get(path)
        if page is None:
            self.reply(404, '{"detail": "Not Found"}')
        else:
            self.reply(200, page, "text/plain; version=0.0.4" if path == "/metrics" else "application/json")

    def post(self, path: str, seen: Seen) -> None:
        script = self.server.script
        api = {"/v1/chat/completions": "chat", "/v1/completions": "completions"}.get(path)
        if path == "/tokenize" and script.tokenizer:
            text = str(seen.body.get("prompt", seen.body.get("content", "")))
            tokens = list(range(len(text.split())))
            self.reply(200, json.dumps({"tokens": tokens, "count": len(tokens), "max_model_len": 32768}))
        elif path == "/extras/tokenize/count" and script.count_path:
            self.reply(200, json.dumps({"count": len(str(seen.body["input"]).split())}))
        elif api is None or api not in script.apis:
            self.reply(404, '{"detail": "Not Found"}')
        elif script.takes is not None and (unknown := set(seen.body) - set(script.takes)):
            self.reply(422, json.dumps({"detail": f"Unexpected fields in the request: {unknown}"}))
        elif api not in script.streams and seen.body.get("stream"):
            self.reply(400, json.dumps({"detail": f"Streaming is not supported on {path}."}))
        else:
            with self.server.lock:
                position = len(self.server.requests)
                self.server.requests.append(seen)
            if position < len(script.sequence):
                script = replace(script, **script.sequence[position])
            self.kept = script.keep_alive and not script.silent_close
            self.server.count_down()
            with self.server.slots:
                self.generate(script, api, seen)

    def generate(self, script: Script, api: str, seen: Seen) -> None:
        asked = int(seen.body.get("max_tokens", 16))
        tokens = _length(script, seen.body, asked)
        seen.prompt_tokens = _prompt_tokens(seen.body) + _template(script, api, seen.body)
        if script.status != 200:
            self.reply(script.status, script.error_body)
            return
        self.pause(self.server.ttft_s(script, seen.body))
        if script.stream and seen.body.get("stream"):
            self.server.latest = {"prompt_tokens": seen.prompt_tokens, "tokens_generated": tokens}
            _Stream(self, script, api, seen, tokens).send()
        else:
            self.pause(script.itl_s * (tokens - 1))
            self.reply(200, json.dumps(_whole(script, api, seen, tokens)))

    def pause(self, seconds: float) -> None:
        if seconds > 0 and self.server.ending.wait(seconds):
            raise _HangUp

    def reply(self, status: int, body: str, kind: str = "application/json") -> None:
        content = body.encode()
        length = f"Content-Length: {len(content)}\r\n"
        head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: {kind}\r\n{length}{self.closing()}\r\n"
        self.wfile.write(head.encode() + content)

    def closing(self) -> str:
        return "" if self.server.script.keep_alive else "Connection: close\r\n"


class _Stream:
    """One streamed answer."""

    def __init__(self, handler: _Handler, script: Script, api: str, seen: Seen, tokens: int) -> None:
        self.handler = handler
        self.script = script
        self.api = api
        self.seen = seen
        self.tokens = tokens
        self.held = b""
        self.framing: Framing = script.framing

    def send(self) -> None:
        if self.framing == "length":
            self.all_at_once()
            return
        self.head("Transfer-Encoding: chunked\r\n" if self.framing == "chunked" else "Connection: close\r\n")
        due_s = time.monotonic()
        for event, content, pause in self.events():
            if pause:
                due_s = (due_s if self.script.timetable else time.monotonic()) + self.script.itl_s
                self.handler.pause(due_s - time.monotonic())
            if content:
                self.seen.sent_s.append(time.monotonic())
            self.write(event)
        self.flush()
        if self.script.ending == "cut":
            raise _HangUp
        if self.framing == "close":
            raise _HangUp
        self.handler.wfile.write(b"0\r\n\r\n")

    def all_at_once(self) -> None:
        body = b"".join(event for event, _, _ in self.events())
        self.head(f"Content-Length: {len(body)}\r\n")
        self.seen.sent_s.append(time.monotonic())
        self.raw(body)

    def head(self, framing: str) -> None:
        kind = "Content-Type: text/event-stream; charset=utf-8\r\n"
        self.handler.wfile.write(f"HTTP/1.1 200 OK\r\n{kind}{framing}{self.handler.closing()}\r\n".encode())

    def events(self) -> Iterator[tuple[bytes, bool, bool]]:
        """Event bytes, whether it carries content, whether a gap comes before it."""
        script = self.script
        if script.comments:
            yield self.sse(": welcome"), False, False
        if script.role_first and self.api == "chat":
            yield self.event({"role": "assistant", "content": ""}), False, False
        words = [script.word.format(i) + " " for i in range(self.tokens)]
        groups = [
            words[i : i + script.tokens_per_event] for i in range(0, len(words), script.tokens_per_event)
        ]
        for position, group in enumerate(groups):
            if position == script.bad_after and script.ending in {
                "cut",
                "reset",
                "stall",
                "error",
                "garbage",
            }:
                yield from self.misbehave()
                return
            if script.comments:
                yield self.sse(": ping"), False, False
            yield self.event(self.delta("".join(group), position)), True, position > 0
        yield from self.end()

    def delta(self, text: str, position: int) -> dict[str, Any]:
        if self.script.tool_call:
            return {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
        return {"reasoning_content": text} if position < self.script.reasoning else {"content": text}

    def end(self) -> Iterator[tuple[bytes, bool, bool]]:
        script = self.script
        asked = int(self.seen.body.get("max_tokens", 16))
        if script.ending != "no_finish":
            ended = "length" if self.tokens >= asked else "stop"
            yield self.event({}, ended if script.finish == "as it ended" else script.finish), False, False
        wanted = (self.seen.body.get("stream_options") or {}).get("include_usage") or script.usage_unasked
        if script.usage and script.usage_in_streams and wanted:
            usage = _usage(script, self.seen, self.tokens)
            yield self.data(json.dumps({"id": "x", "choices": [], "usage": usage})), False, False
        if script.ending not in {"no_done", "no_finish"}:
            yield self.data("[DONE]"), False, False

    def misbehave(self) -> Iterator[tuple[bytes, bool, bool]]:
        ending = self.script.ending
        if ending == "error":
            yield self.data('{"error": {"message": "the engine fell over", "code": 500}}'), False, False
        elif ending == "garbage":
            yield self.sse("data: {this is not JSON"), False, False
        elif ending == "stall":
            self.flush()
            self.handler.server.ending.wait()
            raise _HangUp
        elif ending == "reset":
            self.flush()
            self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.handler.connection.close()
            raise _HangUp

    def event(self, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        if self.api == "chat":
            choice["delta"] = delta
        else:
            choice["text"] = "".join(str(part) for part in delta.values())
        return self.data(
            json.dumps({"id": "x", "model": self.script.model, "choices": [choice]}, ensure_ascii=False)
        )

    def data(self, payload: str) -> bytes:
        return self.sse(f"data: {payload}")

    def sse(self, line: str) -> bytes:
        return (line + self.script.newline * 2).encode()

    def write(self, event: bytes) -> None:
        self.held += event
        if self.script.events_per_write <= 1 or self.held.count(b"data:") >= self.script.events_per_write:
            self.flush()

    def flush(self) -> None:
        body, self.held = self.held, b""
        step = self.script.write_bytes or len(body)
        for start in range(0, len(body), step or 1):
            piece = body[start : start + step]
            self.raw(b"%x\r\n%b\r\n" % (len(piece), piece) if self.framing == "chunked" else piece)

    def raw(self, content: bytes) -> None:
        self.handler.wfile.write(content)


def _length(script: Script, body: Mapping[str, Any], asked: int) -> int:
    """How many tokens an answer has: as many as asked, or where it ends by itself."""
    if script.tokens is not None:
        return script.tokens
    told = script.goes_on and (body.get("ignore_eos") or body.get("min_tokens", 0) >= asked)
    if script.ends_after is None or told or "Count " in json.dumps(body):
        return asked
    return min(asked, script.ends_after)


def _template(script: Script, api: str, body: Mapping[str, Any]) -> int:
    if api != "chat" and "completions" in script.streams:
        return 0
    own = any(message.get("role") == "system" for message in body.get("messages", []))
    return script.template_tokens - (script.system_tokens if own else 0)


def _info(script: Script, server: FakeServer) -> dict[str, Any]:
    """What sageLLM's gateway tells of the engine behind it."""
    port = server.server_address[1]
    engine = {
        "model_path": script.local_folder or script.model,
        "backend_type": "cpu",
        "dtype": "auto",
        "max_model_len": 4096,
        "max_new_tokens": 128,
        "tensor_parallel_size": 1,
        "pipeline_parallel_size": 1,
        "quantization": None,
        "device_type": "cpu",
        "performance_mainline": {"latest_native_stream": server.latest or None},
    }
    registered = {
        "model_id": script.model,
        "host": "localhost",
        "port": port,
        "state": "READY",
        "info": engine,
    }
    return {"service": "sageLLM Gateway", "state": "ready", "registered_engines": [registered]}


def _whole(script: Script, api: str, seen: Seen, tokens: int) -> dict[str, Any]:
    """An answer that is not streamed."""
    text = "".join(script.word.format(i) + " " for i in range(tokens))
    asked = int(seen.body.get("max_tokens", 16))
    choice: dict[str, Any] = {"index": 0, "finish_reason": "length" if tokens >= asked else "stop"}
    choice |= {"message": {"role": "assistant", "content": text}} if api == "chat" else {"text": text}
    usage = {"usage": _usage(script, seen, tokens)} if script.usage else {}
    return {"id": "x", "model": script.model, "choices": [choice]} | usage


def _usage(script: Script, seen: Seen, tokens: int) -> dict[str, Any]:
    usage: dict[str, Any] = {"prompt_tokens": seen.prompt_tokens, "completion_tokens": tokens}
    usage["total_tokens"] = seen.prompt_tokens + tokens
    if script.cached_tokens is not None:
        usage["prompt_tokens_details"] = {"cached_tokens": script.cached_tokens}
    return usage


def _prompt_tokens(body: Mapping[str, Any]) -> int:
    said = [message for message in body.get("messages", []) if message.get("role") != "system"]
    texts = [str(message.get("content")) for message in said] or [str(body.get("prompt", ""))]
    return sum(len(text.split()) for text in texts)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        return cast("dict[str, Any]", json.loads(body or b"{}"))
    except ValueError:
        return {}


def _key(headers: Mapping[str, str]) -> str:
    """Servers have been seen to repeat the key that they refuse."""
    return headers.get("authorization", "").removeprefix("Bearer ")


def main() -> None:
    """Serve until killed. Every field of Script is an option; what is not text is given as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    for option in fields(Script):
        parser.add_argument("--" + option.name.replace("_", "-"), dest=option.name)
    given = {name: value for name, value in vars(parser.parse_args()).items() if value is not None}
    host, port = given.pop("host"), given.pop("port")
    text = {
        "model",
        "error_body",
        "ending",
        "framing",
        "newline",
        "word",
        "api_key",
        "metrics",
        "version",
        "owned_by",
        "finish",
        "title",
        "local_folder",
    }
    values = {name: value if name in text else json.loads(value) for name, value in given.items()}
    server = FakeServer(Script(**values), host, port)
    print(server.base_url, flush=True)  # noqa: T201 - the parent reads it
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
