"""A Hub with models to download, as `huggingface_hub` sees one; what the test puts into `repos` is what it has."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass(slots=True)
class ModelHub:
    """`repos`: repository → file → content. `asked` lists the requests, `METHOD path`."""

    url: str = ""
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    status: int | None = None  # answers every question with this
    damaged: int = 0  # that many downloads lose their last bytes to zeros
    asked: list[str] = field(default_factory=list)

    def downloads(self) -> int:
        """How many files were fetched."""
        return sum(line.startswith("GET") and "/resolve/" in line for line in self.asked)


@contextmanager
def serve_models() -> Iterator[ModelHub]:
    """The Hub, on a free port, for as long as the context lasts."""
    hub = ModelHub()

    class Handler(_Handler):
        models = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    models: ModelHub

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.models.asked.append(f"{self.command} {path}")
        if self.models.status is not None:
            self._send(self.models.status, b"{}")
        elif path == "/api/models":
            self._send(200, json.dumps([{"id": repo} for repo in self.models.repos]).encode())
        elif path.startswith("/api/models/"):
            self._describe(path.removeprefix("/api/models/"))
        elif (repo := path[1:].partition("/resolve/")[0]) in self.models.gated:
            self._send(403, b"{}")
        else:
            rest = path[1:].partition("/resolve/")[2]
            self._file(self.models.repos[repo][rest.partition("/")[2]])

    def _describe(self, repo: str) -> None:
        if repo in self.models.gated:
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif repo not in self.models.repos:
            self._send(401, b"{}", {"X-Error-Code": "RepoNotFound"})
        else:
            files = [
                {"rfilename": name, "size": len(content)} for name, content in self.models.repos[repo].items()
            ]
            self._send(200, json.dumps({"id": repo, "sha": COMMIT, "siblings": files}).encode())

    def _file(self, content: bytes) -> None:
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha1(content).hexdigest()}"'}  # noqa: S324 - as git does
        if self.command == "GET" and self.models.damaged:
            self.models.damaged -= 1
            content = b"GGUF" + bytes(len(content) - 4)
        self._send(200, content, headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
