"""Exchanges over HTTP, each within a time and a size, over a connection for each or one for all."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net.connection import Deadline, Response, Route, route
from sagellm_benchmark.net.failures import refused, unreachable
from sagellm_benchmark.net.keys import bearer
from sagellm_benchmark.net.peers import Peer

MAX_REPLY_BYTES = 16 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Session:
    """Asks one server, from one thread at a time.

    Inside `with`, the connection is kept from request to request, and opened again if the server has closed it.
    Outside, each request has its own: a server may keep a thread for each connection, and run short of them in a load.
    """

    def __init__(self) -> None:
        self._keeps = False
        self._origin = ""
        self._route: Route | None = None

    def __enter__(self) -> Session:
        self._keeps = True
        return self

    def __exit__(self, *_: object) -> None:
        self._keeps = False
        self._close()

    def fetch(self, url: str, body: bytes | None, timeout_s: float, api_key: str | None, peer: Peer) -> bytes:
        """Return what `url` answers to a GET, or to a POST of `body`, all within `timeout_s`.

        Redirects are not followed, because the load goes to one place, and the key must not go elsewhere.
        Raise StatusError for a status other than 2xx, another RemoteError if no usable answer came.
        """
        headers = _headers(body, api_key)
        try:
            answer = self._exchange(url, body, headers, Deadline(timeout_s))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise unreachable(url, error, timeout_s, peer) from error
        if not answer.ok:
            location = answer.headers.get("Location")
            raise refused(url, answer.status, answer.content, location, api_key, peer)
        _check(url, answer, peer)
        return answer.content

    def _exchange(self, url: str, body: bytes | None, headers: dict[str, str], deadline: Deadline) -> _Answer:
        whole = False
        try:
            with self._reply(url, body, headers, deadline) as reply:
                answer = _read(reply)
                whole = reply.isclosed()  # read to its end
            return answer
        finally:
            if not (self._keeps and whole):
                self._close()

    def _reply(
        self, url: str, body: bytes | None, headers: dict[str, str], deadline: Deadline
    ) -> http.client.HTTPResponse:
        """Return the reply; ask once more if the server had closed the connection that was kept."""
        kept = self._route_to(url)
        was_open = kept.connection.sock is not None
        try:
            return self._ask(kept, url, body, headers, deadline)
        except ConnectionError:
            if not was_open:
                raise
        self._close()
        return self._ask(self._route_to(url), url, body, headers, deadline)

    def _ask(
        self, way: Route, url: str, body: bytes | None, headers: dict[str, str], deadline: Deadline
    ) -> http.client.HTTPResponse:
        connection = way.connection
        connection.response_class = partial(Response, deadline=deadline)  # type: ignore[assignment]
        connection.timeout = deadline.left()
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(deadline.left())
        closes = {} if self._keeps else {"Connection": "close"}
        method = "GET" if body is None else "POST"
        connection.request(method, _target(way, url), body, {**headers, **way.headers, **closes})
        return connection.getresponse()

    def _route_to(self, url: str) -> Route:
        """Return the route that is already open, else a new one."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if self._route is None or origin != self._origin:
            self._close()
            self._route, self._origin = route(parts), origin
        return self._route

    def _close(self) -> None:
        if self._route is not None:
            self._route.connection.close()
            self._route = None


def _target(way: Route, url: str) -> str:
    """Return the target of the request line: the path or, for a proxy, the whole URL."""
    parts = urlsplit(url)._replace(fragment="")
    return (parts if way.by_proxy else parts._replace(scheme="", netloc="", path=parts.path or "/")).geturl()


def _headers(body: bytes | None, api_key: str | None) -> dict[str, str]:
    headers = {"Accept": "application/json, text/plain", "User-Agent": "sagellm-benchmark"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if api_key:
        headers["Authorization"] = bearer(api_key)
    return headers


def _read(reply: http.client.HTTPResponse) -> _Answer:
    """Return an answer with as much of its body as we take; an error's body may be missing."""
    answer = _Answer(reply.status, reply.headers, b"")
    try:
        content = reply.read(MAX_REPLY_BYTES + 1 if answer.ok else _MAX_ERROR_BYTES)
    except (OSError, http.client.HTTPException):
        if answer.ok:
            raise
        return answer
    broke_off = bool(reply.length) and len(content) <= MAX_REPLY_BYTES
    if answer.ok and broke_off:  # read(n) takes a broken-off body for a whole one
        raise http.client.IncompleteRead(content, reply.length)
    return _Answer(answer.status, answer.headers, content)


def _check(url: str, answer: _Answer, peer: Peer) -> None:
    """Raise RemoteError for a body that is compressed, or has more bytes than we take."""
    encoding = str(answer.headers.get("Content-Encoding") or "").strip().lower()
    if encoding not in {"", "identity"}:
        raise RemoteError(
            f"{url} answers with Content-Encoding: {encoding[:40]!r}, although compression was not requested",
            hint="switch off compression in the server or the proxy before it",
        )
    if len(answer.content) > MAX_REPLY_BYTES:
        raise RemoteError(
            f"{url} answers more than {MAX_REPLY_BYTES // 2**20} MiB",
            hint=f"this is not what {peer.name} answers; check {peer.address}",
        )
