"""Small JSON requests: a server is asked about itself before and after a run, and never while one is measured.

Why urllib and not httpx, which huggingface_hub brings along: its releases went from requests to httpx and on to a
fork of it, so what they bring is their own business. And httpx, too, limits single waits only: the deadline for a
whole exchange, which is most of this module, would be needed with it as well.
"""

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
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import orjson

from sagellm_benchmark.causes import cause
from sagellm_benchmark.errors import RemoteError, UsageError
from sagellm_benchmark.text import one_line

TIMEOUT_S = 10.0
BLOT = "***"  # in place of a key
MAX_REPLY_BYTES = 16 * 1024 * 1024
_MAX_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is asked, and by which names the user knows its address and the key to it."""

    name: str
    address: str
    key: str
    not_json: str  # what to do where it answers something else

    def status_hint(self, status: int) -> str | None:
        """Return what a failed status asks the user to do."""
        hints = {
            401: f"a key is wanted: put it into {self.key}",
            403: f"the key may not do this: check {self.key}",
            404: f"check {self.address}",
            429: "it limits requests: wait and try again",
            503: "it may still be loading what it serves: try again in a moment",
        }
        return hints.get(status, "look at the server's log" if status >= 500 else None)


LLM_SERVER = Peer(
    "an LLM server",
    "--base-url: it is what comes before /v1, for example http://host:8000",
    "an environment variable, and name that with --api-key-env",
    "check --base-url: an OpenAI-compatible server answers JSON at /v1/models",
)
CODE_HOST = Peer(
    "the code host's API", "GITHUB_API_URL", "GITHUB_TOKEN", "check GITHUB_API_URL, and proxies in between"
)
HUB = Peer("the Hugging Face Hub", "HF_ENDPOINT", "HF_TOKEN", "check HF_ENDPOINT, and proxies in between")


class StatusError(RemoteError):
    """The server answered with something else than 200; `status` and `body` let a caller decide what it means."""

    def __init__(self, message: str, *, status: int, body: bytes = b"", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = body


def get_json(
    url: str, *, timeout_s: float = TIMEOUT_S, api_key: str | None = None, peer: Peer = LLM_SERVER
) -> Any:
    """Return the JSON value at `url`. Raises RemoteError: StatusError for a status, else unreachable or not JSON."""
    return without(_json(url, _fetch(url, None, timeout_s, api_key, peer), peer), api_key)


def post_json(
    url: str, body: Any, *, timeout_s: float = TIMEOUT_S, api_key: str | None = None, peer: Peer = LLM_SERVER
) -> Any:
    """Return the JSON value that `url` answers to the JSON value `body`; raises as `get_json`."""
    return without(_json(url, _fetch(url, orjson.dumps(body), timeout_s, api_key, peer), peer), api_key)


def get_text(
    url: str, *, timeout_s: float = TIMEOUT_S, api_key: str | None = None, peer: Peer = LLM_SERVER
) -> str:
    """Return the text at `url`; bytes that are not UTF-8 are replaced. Raises as `get_json`."""
    return _text(_fetch(url, None, timeout_s, api_key, peer), api_key)


def post_text(
    url: str, body: Any, *, timeout_s: float = TIMEOUT_S, api_key: str | None = None, peer: Peer = LLM_SERVER
) -> str:
    """Return the whole text (an event stream, say) that `url` answers to the JSON value `body`.

    Raises as `get_json`.
    """
    return _text(_fetch(url, orjson.dumps(body), timeout_s, api_key, peer), api_key)


def _text(body: bytes, api_key: str | None) -> str:
    return str(without(body.decode("utf-8", "replace"), api_key))


_LEAST_KEY = 6  # characters; a shorter one is no secret, and stands in half of all words


def without(value: Any, api_key: str | None) -> Any:
    """Return a JSON value in which a key that the server echoes is blotted out: names out of it become folders and
    rows.
    """
    if not api_key or len(api_key) < _LEAST_KEY:
        return value
    if isinstance(value, str):
        return value.replace(api_key, BLOT)
    if isinstance(value, list):
        return [without(item, api_key) for item in value]
    if isinstance(value, dict):
        return {without(name, api_key): without(item, api_key) for name, item in value.items()}
    return value


def is_loopback(host: str) -> bool:
    """Tell whether `host` (a name or an address, without brackets) can only mean this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _json(url: str, body: bytes, peer: Peer) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RemoteError(
            f"{url} does not look like {peer.name}: its answer is not JSON ({one_line(body, 60)!r})",
            hint=peer.not_json,
        ) from error


def _fetch(url: str, body: bytes | None, timeout_s: float, api_key: str | None, peer: Peer) -> bytes:
    """Return one exchange that ends within `timeout_s` as a whole, however slowly the bytes drip."""
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
            encoding = str(reply.headers.get("Content-Encoding") or "").strip().lower()
            if (
                reply.length and len(content) <= MAX_REPLY_BYTES
            ):  # read(n) takes a broken-off body for a whole one
                raise http.client.IncompleteRead(content, reply.length)
    except urllib.error.HTTPError as error:
        raise _status_error(url, error, api_key, peer) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(url, error, timeout_s, peer, expired=deadline.expired) from error
    if deadline.expired:
        raise _unreachable(url, TimeoutError(), timeout_s, peer, expired=True)
    if encoding not in {"", "identity"}:
        raise RemoteError(
            f"{url} answers with Content-Encoding: {encoding[:40]!r}, which nobody asked for",
            hint="switch off compression in the server or the proxy before it",
        )
    if len(content) > MAX_REPLY_BYTES:
        raise RemoteError(
            f"{url} answers more than {MAX_REPLY_BYTES // 2**20} MiB",
            hint=f"this is not what {peer.name} answers; check {peer.address}",
        )
    return content


def bearer(api_key: str) -> str:
    """Return the Authorization header's value.

    A key that a header cannot carry is a UsageError that does not show it.
    """
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
    """Return the certificates to trust; reading them takes tens of milliseconds, and there can be hundreds of
    exchanges.
    """
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
    """Return an opener without redirects: the load goes to one place, and a key must not follow one elsewhere."""
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


def _status_error(url: str, error: urllib.error.HTTPError, api_key: str | None, peer: Peer) -> StatusError:
    """Return what a status other than 2xx means; a server that echoes the key does not get it into our message."""
    try:
        with error:
            body = error.read(_MAX_ERROR_BYTES)
    except (OSError, http.client.HTTPException):
        body = b""
    if api_key:
        body = body.replace(api_key.encode(), BLOT.encode())
    code = error.code
    if 300 <= code < 400:
        target = one_line(str(error.headers.get("Location", "")))
        return StatusError(
            f"{url} redirects to {target or 'nowhere'}",
            status=code,
            hint=f"give the address that it redirects to; check {peer.address}",
        )
    said = one_line(_reason(body))
    return StatusError(
        f"{url} answers {code} {_phrase(code)}{f': {said}' if said else ''}",
        status=code,
        body=body,
        hint=peer.status_hint(code),
    )


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "(no such status)"


def _reason(body: bytes) -> bytes:
    """Return the message inside an error in any of the shapes that servers use, else the body itself."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    for key in ("error", "message", "detail"):
        if isinstance(value, dict) and key in value:
            value = value[key]
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def _unreachable(url: str, error: Exception, timeout_s: float, peer: Peer, *, expired: bool) -> RemoteError:
    known = cause(error)
    if expired or any(isinstance(one, TimeoutError) for one in (error, getattr(error, "reason", None))):
        return RemoteError(
            f"{url} does not answer within {timeout_s:g} s",
            hint=f"is it up? Check host, port, and http against https in {peer.address}",
        )
    if known is not None:
        return RemoteError(
            f"{url} cannot be reached: {known.said}", hint=f"{known.hint}; check {peer.address}"
        )
    if isinstance(error, http.client.HTTPException):
        said = "what answers there does not speak HTTP, or broke off"
    else:
        said = one_line(str(getattr(error, "reason", error))) or type(error).__name__
    return RemoteError(f"{url} cannot be reached: {said}", hint=f"check {peer.address}")
