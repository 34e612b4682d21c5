"""A small HTTP server that answers by a table of routes, and notes what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]  # a status, and a JSON value or the bytes of the body
Route = Answer | Callable[[Any], Answer]
Routes = Mapping[str, Route]  # by "GET /path"


@dataclass(slots=True)
class Asked:
    """One request as it arrived."""

    route: str
    headers: dict[str, str]
    body: Any


@dataclass(slots=True)
class RouteServer:
    """Where it listens, and what it was asked."""

    base_url: str
    port: int
    requests: list[Asked] = field(default_factory=list)

    def asked(self, route: str) -> list[Asked]:
        """The requests to one route, in their order."""
        return [request for request in self.requests if request.route == route]


@contextlib.contextmanager
def serving(routes: Routes, *, headers: Mapping[str, str] | None = None) -> Iterator[RouteServer]:
    """Answer by `routes`, 404 for everything else, every answer with the given headers."""
    handler = type("Handler", (_Handler,), {"routes": routes, "extra": dict(headers or {})})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    port = server.server_address[1]
    seen = RouteServer(f"http://127.0.0.1:{port}", port)
    handler.seen = seen  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    routes: Routes
    extra: dict[str, str]
    seen: RouteServer

    def do_GET(self) -> None:
        self.answer(None)

    def do_POST(self) -> None:
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body: Any) -> None:
        key = f"{self.command} {self.path}"
        self.seen.requests.append(Asked(key, {k.lower(): v for k, v in self.headers.items()}, body))
        route = self.routes.get(key, (404, {"detail": "Not Found"}))
        status, value = route(body) if callable(route) else route
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        with contextlib.suppress(OSError):  # a client may have gone
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            for name, text in self.extra.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base class
        """Quiet."""


@contextlib.contextmanager
def raw(pieces: list[bytes], *, gap_s: float = 0.0, hold: bool = False) -> Iterator[str]:
    """A server that sends these bytes to whoever connects, a gap after each, and then hangs up, or holds on."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def run() -> None:
        with contextlib.suppress(OSError):
            while not over.is_set():
                connection, _ = listener.accept()
                with connection:
                    _send(connection, pieces, gap_s, over)
                    if hold:
                        over.wait()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _send(connection: socket.socket, pieces: list[bytes], gap_s: float, over: threading.Event) -> None:
    with contextlib.suppress(OSError):
        connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)
            if over.wait(gap_s):
                return


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Look until something has come true; an AssertionError when it has not in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)
