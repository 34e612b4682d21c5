"""Asking a server about itself: small JSON requests before and after a run. Never used while one is measured."""

from __future__ import annotations

import functools
import http.client
import ipaddress
import os
import socket
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson

from sagellm_benchmark.errors import RemoteError, UsageError

TIMEOUT_S = 10.0
MAX_REPLY_BYTES = 16 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024

_STATUS_HINTS = {
    401: "the server wants an API key: put it into an environment variable and name that with --api-key-env",
    403: "the API key may not do this: check the key in the variable named by --api-key-env",
    404: "check --base-url: it is what comes before /v1, for example http://host:8000",
    429: "the server limits requests: wait, or measure one that is yours alone",
    503: "the server may still be loading its model: try again in a moment",
}


class StatusError(RemoteError):
    """The server answered with something else than 200; `status` and `body` let a caller decide what it means."""

    def __init__(self, message: str, *, status: int, body: bytes = b"", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = body


def get_json(url: str, *, timeout_s: float = TIMEOUT_S, api_key: str | None = None) -> Any:
    """The JSON value at `url`. Raises RemoteError: StatusError for a status, else unreachable or not JSON."""
    return _json(url, _fetch(url, None, timeout_s, api_key))


def post_json(url: str, body: Any, *, timeout_s: float = TIMEOUT_S, api_key: str | None = None) -> Any:
    """The JSON value that `url` answers to the JSON value `body`; raises as `get_json`."""
    return _json(url, _fetch(url, orjson.dumps(body), timeout_s, api_key))


def get_text(url: str, *, timeout_s: float = TIMEOUT_S, api_key: str | None = None) -> str:
    """The text at `url`; bytes that are not UTF-8 are replaced. Raises as `get_json`."""
    return _fetch(url, None, timeout_s, api_key).decode("utf-8", "replace")


def post_text(url: str, body: Any, *, timeout_s: float = TIMEOUT_S, api_key: str | None = None) -> str:
    """The whole text (an event stream, say) that `url` answers to the JSON value `body`; raises as `get_json`."""
    return _fetch(url, orjson.dumps(body), timeout_s, api_key).decode("utf-8", "replace")


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address, without brackets) can only mean this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _json(url: str, body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RemoteError(
            f"{url} does not look like an LLM server: its answer is not JSON ({_excerpt(body)[:60]!r})",
            hint="check --base-url: an OpenAI-compatible server answers JSON at /v1/models",
        ) from error


def _fetch(url: str, body: bytes | None, timeout_s: float, api_key: str | None) -> bytes:
    """One exchange that ends within `timeout_s` as a whole, however slowly the bytes drip."""
    headers = {"Accept": "application/json, text/plain", "User-Agent": "sagellm-benchmark"}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if api_key:
        headers["Authorization"] = bearer(api_key)
    deadline = _Deadline(timeout_s)
    try:
        request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - only http(s) is opened
        with deadline, _opener(url, deadline).open(request, timeout=timeout_s) as reply:
            content: bytes = reply.read(MAX_REPLY_BYTES + 1)
            if (
                reply.length and len(content) <= MAX_REPLY_BYTES
            ):  # read(n) takes a broken-off body for a whole one
                raise http.client.IncompleteRead(content, reply.length)
    except urllib.error.HTTPError as error:
        raise _status_error(url, error, api_key) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(url, error, timeout_s, expired=deadline.expired) from error
    if deadline.expired:
        raise _unreachable(url, TimeoutError(), timeout_s, expired=True)
    if len(content) > MAX_REPLY_BYTES:
        raise RemoteError(
            f"{url} answers more than {MAX_REPLY_BYTES // 2**20} MiB",
            hint="this is not the answer of an LLM server; check --base-url",
        )
    return content


def bearer(api_key: str) -> str:
    """The Authorization header's value; a key that a header cannot carry is a UsageError that does not show it."""
    if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise UsageError(
            "the API key holds characters that an HTTP header cannot carry",
            hint="look for a line break or a blank around the key in the variable named by --api-key-env",
        )
    return f"Bearer {api_key}"


class _Deadline:
    """Shuts the sockets it was given when its time is up: a timeout per read would let a slow server hold us."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, sock: socket.socket) -> None:
        self._sockets.append(sock)

    def _expire(self) -> None:
        self.expired = True
        for sock in self._sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it was closed meanwhile


class _HttpConnection(http.client.HTTPConnection):
    def __init__(self, *args: Any, deadline: _Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline = deadline

    def connect(self) -> None:
        super().connect()
        self._deadline.watch(self.sock)


class _HttpsConnection(_HttpConnection, http.client.HTTPSConnection):
    """The same over TLS: what is watched is the socket that TLS has wrapped."""


@functools.cache
def _trusted(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """The certificates to trust; reading them takes tens of milliseconds, and there can be hundreds of exchanges."""
    return ssl.create_default_context()


class _Handler(urllib.request.AbstractHTTPHandler):
    """For both schemes; the library's own for https reads all certificates whenever it is made."""

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self._open(partial(_HttpConnection, deadline=self._deadline), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        context = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        return self._open(partial(_HttpsConnection, deadline=self._deadline, context=context), req)

    def _open(
        self, connection: Callable[..., http.client.HTTPConnection], req: urllib.request.Request
    ) -> http.client.HTTPResponse:
        return self.do_open(connection, req)


def _opener(url: str, deadline: _Deadline) -> urllib.request.OpenerDirector:
    """An opener without redirects: the load goes to one place, and a key must not follow a redirect elsewhere."""
    host = urllib.parse.urlsplit(url).hostname or ""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler({} if is_loopback(host) else None),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Handler(deadline),
    ):
        opener.add_handler(handler)
    return opener


def _status_error(url: str, error: urllib.error.HTTPError, api_key: str | None) -> StatusError:
    """What a status other than 2xx means; a server that echoes the key does not get it into our message."""
    try:
        with error:
            body = error.read(_MAX_ERROR_BYTES)
    except (OSError, http.client.HTTPException):
        body = b""
    if api_key:
        body = body.replace(api_key.encode(), b"***")
    code = error.code
    if 300 <= code < 400:
        target = _excerpt(str(error.headers.get("Location", "")).encode())
        return StatusError(
            f"{url} redirects to {target or 'nowhere'}",
            status=code,
            hint="give the address that it redirects to as --base-url",
        )
    said = _excerpt(_reason(body))
    hint = _STATUS_HINTS.get(code, "look at the server's log" if code >= 500 else None)
    return StatusError(
        f"{url} answers {code} {_phrase(code)}{f': {said}' if said else ''}",
        status=code,
        body=body,
        hint=hint,
    )


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "(no such status)"


def _reason(body: bytes) -> bytes:
    """The message inside an error in any of the shapes that servers use, else the body itself."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    for key in ("error", "message", "detail"):
        if isinstance(value, dict) and key in value:
            value = value[key]
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def _excerpt(body: bytes) -> str:
    """The beginning of hostile bytes as one printable line."""
    line = " ".join(body[:1000].decode("utf-8", "replace").split())
    return "".join(char if char.isprintable() else "�" for char in line)[:200]


def _unreachable(url: str, error: Exception, timeout_s: float, *, expired: bool) -> RemoteError:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if expired or isinstance(reason, TimeoutError):
        return RemoteError(
            f"{url} does not answer within {timeout_s:g} s",
            hint="is the server up? Check host, port, and http against https in --base-url",
        )
    if isinstance(reason, ConnectionRefusedError):
        said, hint = "nothing listens there (connection refused)", "start the server, or check host and port"
    elif isinstance(reason, socket.gaierror):
        said, hint = "the host name is not known", "check the spelling of the host in --base-url"
    elif isinstance(reason, ssl.SSLError):
        said = f"TLS failed ({_excerpt(str(reason.reason or reason).encode())})"
        hint = "check http against https in --base-url, and the server's certificate"
    elif isinstance(reason, http.client.HTTPException):
        said, hint = "what answers there does not speak HTTP, or broke off", "check the port in --base-url"
    else:
        said, hint = _excerpt(str(reason).encode()) or type(reason).__name__, "check --base-url"
    return RemoteError(f"{url} cannot be reached: {said}", hint=hint)
