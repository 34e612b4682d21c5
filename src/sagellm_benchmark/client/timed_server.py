"""A server of known timing, for measuring the client itself. Runs in a process of its own.

    python -m sagellm_benchmark.client.timed_server --ttft-ms 50 --itl-ms 10 --log FILE

It prints its base URL and serves until it is stopped or its standard input closes, so that it never outlives its
parent. A request may ask for another timing (`ttft_s` and `itl_s` in its body); all requests in flight at the same
time must ask for the same one. The answer to request 7 of the log begins with `#7 `. The log says when each request had
been read and when each of its events was about to be written, on this machine's monotonic clock.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import selectors
import signal
import socket
import sys
from array import array
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO

import orjson

from sagellm_benchmark.client.sockets import allow_files
from sagellm_benchmark.client.timed_answers import HEAD, MODELS, chunk, closing, event, reply, whole
from sagellm_benchmark.client.timed_log import record
from sagellm_benchmark.errors import UsageError

_LENGTH = re.compile(rb"(?i)\r\ncontent-length:[ \t]*(\d+)")
_CONNECTIONS = 1100  # the most that a calibration needs
_MAX_REQUEST = 16 * 1024 * 1024


class _Peer:
    """One connection, and the answer that is being sent over it."""

    __slots__ = (
        "api",
        "buffer",
        "due",
        "itl_s",
        "left",
        "number",
        "pending",
        "prompt",
        "read_s",
        "sent",
        "sock",
        "tokens",
    )

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.pending = b""
        self.api = "chat"
        self.due = 0.0
        self.itl_s = 0.0
        self.left = 0  # tokens still to be sent
        self.tokens = 0
        self.prompt = 0
        self.number = 0
        self.read_s = 0.0
        self.sent = array("d")


class TimedServer:
    """One thread and one selector. Answers in flight have the same timing, so two queues keep them in order."""

    def __init__(self, listener: socket.socket, ttft_s: float, itl_s: float, log: BinaryIO) -> None:
        self._listener = listener
        self._ttft_s = ttft_s
        self._itl_s = itl_s
        self._log = log
        self._selector = selectors.DefaultSelector()
        self._first: deque[_Peer] = deque()
        self._later: deque[_Peer] = deque()
        self._token = {api: chunk(event(api, " token")) for api in ("chat", "completions")}
        self._requests = 0
        self.running = True

    def serve(self, until_closed: Any | None = None) -> None:
        """Serve until `running` is False or the file `until_closed` reaches its end."""
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        if until_closed is not None:
            self._selector.register(until_closed, selectors.EVENT_READ, self._end)
        while self.running:
            for key, mask in self._selector.select(self._send_due()):
                key.data(key.fileobj, mask)
        self._log.flush()

    def _send_due(self) -> float:
        """Send every token that is due, and return the seconds until the next one is, at most 1."""
        now = monotonic()
        while True:
            queue = self._later
            if self._first and (not queue or self._first[0].due <= queue[0].due):
                queue = self._first
            if not queue:
                return 1.0
            if queue[0].due > now:
                return min(queue[0].due - now, 1.0)
            self._send_token(queue.popleft())

    def _send_token(self, peer: _Peer) -> None:
        first = not peer.sent
        content = self._opening(peer) if first else self._token[peer.api]
        peer.left -= 1
        last = peer.left == 0
        if last:
            content += closing(peer.api, peer.prompt, peer.tokens)
        else:
            peer.due += peer.itl_s
            self._later.append(peer)
        peer.sent.append(monotonic())
        self._write(peer, content)
        if last and peer.sock.fileno() >= 0:  # if the client has gone, it has not seen the end
            self._log.write(record(peer.number, peer.read_s, peer.sent))
            self._read(peer)

    def _opening(self, peer: _Peer) -> bytes:
        role = chunk(event("chat", None)) if peer.api == "chat" else b""
        return HEAD + role + chunk(event(peer.api, f"#{peer.number} "))

    def _write(self, peer: _Peer, content: bytes) -> None:
        if peer.pending:
            peer.pending += content
            return
        try:
            sent = peer.sock.send(content)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(peer)
            return
        if sent < len(content):
            peer.pending = content[sent:]
            self._selector.modify(peer.sock, selectors.EVENT_READ | selectors.EVENT_WRITE, self._ready(peer))

    def _accept(self, _: Any, __: int) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):
                sock, _ = self._listener.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._selector.register(sock, selectors.EVENT_READ, self._ready(_Peer(sock)))

    def _ready(self, peer: _Peer) -> Any:
        """Return the callback for one connection."""

        def ready(_: Any, mask: int) -> None:
            if mask & selectors.EVENT_WRITE:
                content, peer.pending = peer.pending, b""
                self._selector.modify(peer.sock, selectors.EVENT_READ, self._ready(peer))
                self._write(peer, content)
            if mask & selectors.EVENT_READ:
                self._receive(peer)

        return ready

    def _receive(self, peer: _Peer) -> None:
        try:
            data = peer.sock.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        peer.buffer += data
        if not data or len(peer.buffer) > _MAX_REQUEST:
            self._drop(peer)
        elif peer.left == 0:
            self._read(peer)

    def _read(self, peer: _Peer) -> None:
        """Take the next whole request out of a connection's buffer, if there is one."""
        end = peer.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(peer.buffer, 0, end)
        stop = end + 4 + (int(length[1]) if length else 0)
        if len(peer.buffer) < stop:
            return
        head, body, peer.buffer = peer.buffer[:end], peer.buffer[end + 4 : stop], peer.buffer[stop:]
        self._route(peer, head.split(b" ", 2), body)

    def _route(self, peer: _Peer, line: list[bytes], body: bytes) -> None:
        path = line[1] if len(line) > 1 else b""
        if line[0] == b"POST" and path.endswith(b"/completions"):
            self._schedule(peer, "chat" if path.endswith(b"/chat/completions") else "completions", body)
        elif path.startswith(b"/v1/models"):
            self._write(peer, reply(b"200 OK", MODELS))
        elif path in {b"/health", b"/"}:
            self._write(peer, reply(b"200 OK", b"{}"))
        else:
            self._write(peer, reply(b"404 Not Found", b'{"error":{"message":"no such page"}}'))

    def _schedule(self, peer: _Peer, api: str, body: bytes) -> None:
        peer.read_s = monotonic()
        try:
            asked = orjson.loads(body)
            peer.tokens = max(1, int(asked.get("max_completion_tokens") or asked.get("max_tokens") or 16))
            ttft_s = float(asked.get("ttft_s", self._ttft_s))
            peer.itl_s = float(asked.get("itl_s", self._itl_s))
        except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError):
            self._write(peer, reply(b"400 Bad Request", b'{"error":{"message":"not a request"}}'))
            return
        peer.api, peer.prompt, peer.number = api, body.count(b" ") + 1, self._requests
        self._requests += 1
        if not asked.get("stream"):
            self._write(peer, reply(b"200 OK", whole(peer.api, peer.prompt, peer.tokens)))
            return
        peer.left, peer.sent = peer.tokens, array("d")
        peer.due = peer.read_s + ttft_s
        self._first.append(peer)

    def _drop(self, peer: _Peer) -> None:
        for queue in (self._first, self._later):
            with contextlib.suppress(ValueError):
                queue.remove(peer)
        peer.left = 0
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(peer.sock)
        peer.sock.close()

    def _end(self, file: Any, _: int) -> None:
        if not os.read(file.fileno(), 4096):
            self.running = False


def listen(port: int = 0) -> socket.socket:
    """Return a listening socket on the loopback address; port 0 is any free one."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(4096)
    listener.setblocking(False)
    return listener


def _place(cpu: int | None, *, beside: bool) -> None:
    """Move to the core `cpu`; or with `beside`, to all cores except the inherited ones, to which the load is pinned."""
    others = set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0)
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    elif beside and others:
        with contextlib.suppress(OSError):  # the other cores may be forbidden
            os.sched_setaffinity(0, others)


@contextlib.contextmanager
def _ended_by_signals(server: TimedServer) -> Iterator[None]:
    def end(_: int, __: Any) -> None:
        server.running = False

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles it
    yield


def main(arguments: list[str] | None = None) -> None:
    """Serve as the arguments say; see the module's docstring."""
    parser = argparse.ArgumentParser(description="A server of known timing.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ttft-ms", type=float, default=50.0)
    parser.add_argument("--itl-ms", type=float, default=10.0)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--cpu", type=int, help="run on this core only")
    parser.add_argument("--beside", action="store_true", help="avoid the cores that it was pinned to")
    parser.add_argument("--detached", action="store_true", help="do not end when standard input closes")
    given = parser.parse_args(arguments)
    with contextlib.suppress(UsageError):  # most loads need fewer
        allow_files(_CONNECTIONS)
    if sys.platform == "linux":
        _place(given.cpu, beside=given.beside)
    with listen(given.port) as listener, given.log.open("wb") as log:
        server = TimedServer(listener, given.ttft_ms / 1000, given.itl_ms / 1000, log)
        with _ended_by_signals(server):
            sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
            sys.stdout.flush()
            server.serve(None if given.detached else sys.stdin.buffer)


if __name__ == "__main__":
    main()
