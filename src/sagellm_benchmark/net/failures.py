"""Why a request failed, in words for people: a bad status, no server, or no answer in time."""

from __future__ import annotations

import http.client
from http import HTTPStatus

import orjson

from sagellm_benchmark.causes import cause
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net.keys import BLOT
from sagellm_benchmark.net.peers import Peer
from sagellm_benchmark.text import one_line


class StatusError(RemoteError):
    """The server's status was not 200; `status` and `body` let a caller decide what it means."""

    def __init__(self, message: str, *, status: int, body: bytes = b"", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = body


def refused(
    url: str, status: int, body: bytes, location: str | None, api_key: str | None, peer: Peer
) -> StatusError:
    """Return the error for a status other than 2xx; if the server echoes the key, the message does not show it."""
    if api_key:
        body = body.replace(api_key.encode(), BLOT.encode())
    if 300 <= status < 400:
        return StatusError(
            f"{url} redirects to {one_line(location or '') or 'nowhere'}",
            status=status,
            hint=f"give the address that it redirects to; check {peer.address}",
        )
    said = one_line(_reason(body))
    return StatusError(
        f"{url} answers {status} {_phrase(status)}{f': {said}' if said else ''}",
        status=status,
        body=body,
        hint=peer.status_hint(status),
    )


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "(no such status)"


def _reason(body: bytes) -> bytes:
    """Return the message inside an error's body, in any of the shapes that servers use; else the body itself."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    for key in ("error", "message", "detail"):
        if isinstance(value, dict) and key in value:
            value = value[key]
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def unreachable(url: str, error: Exception, timeout_s: float, peer: Peer) -> RemoteError:
    """Return the error for a connection that failed, broke off, or took longer than `timeout_s`."""
    if isinstance(error, TimeoutError):
        return RemoteError(
            f"{url} does not answer within {timeout_s:g} s",
            hint=f"is it up? Check host, port, and http against https in {peer.address}",
        )
    known = cause(error)
    if known is not None:
        return RemoteError(
            f"{url} cannot be reached: {known.said}", hint=f"{known.hint}; check {peer.address}"
        )
    if isinstance(error, http.client.HTTPException):
        said = "what answers there does not speak HTTP, or broke off"
    else:
        said = one_line(str(error)) or type(error).__name__
    return RemoteError(f"{url} cannot be reached: {said}", hint=f"check {peer.address}")
