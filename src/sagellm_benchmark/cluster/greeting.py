"""Find out whether the head of a Ray cluster listens at an address; Ray itself would try for minutes.

The question is gRPC's health check (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). A head answers it
within milliseconds, without a token; the ports of Ray Client and of dashboards do not.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

_DATA, _HEADERS, _SETTINGS = 0, 1, 4  # frames of HTTP/2 (RFC 9113, section 6)
_END_STREAM, _END_HEADERS = 0x1, 0x4
_OURS = 1  # the stream of our question
_HEALTHY = b"\x08\x01"  # a HealthCheckResponse that says SERVING
_MOST_BYTES = 65_536


def is_head(host: str, port: int, within_s: float) -> bool:
    """Return whether a Ray head answers at the address in time. Raise OSError if nobody listens there."""
    deadline = time.monotonic() + within_s
    with socket.create_connection((host, port), timeout=within_s) as connection:
        try:
            connection.sendall(_question())
            frames = list(_frames(connection, deadline))
        except OSError:  # it does not answer, or has closed the connection
            return False
    return any(kind == _DATA and content.endswith(_HEALTHY) for kind, content in frames)


def _question() -> bytes:
    """Return the bytes of a whole call without content, with header fields in the format of RFC 7541."""
    fields = b"\x83\x86"  # :method POST, :scheme http
    fields += b"\x04" + _text(b"/grpc.health.v1.Health/Check") + b"\x01" + _text(b"ray")  # :path, :authority
    fields += b"\x0f\x10" + _text(b"application/grpc")  # content-type
    fields += b"\x00\x02te\x08trailers"
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0)
    no_service_named = bytes(5)  # not compressed, and 0 bytes long
    return (
        preface
        + _frame(_HEADERS, _END_HEADERS, _OURS, fields)
        + _frame(_DATA, _END_STREAM, _OURS, no_service_named)
    )


def _text(value: bytes) -> bytes:
    return bytes([len(value)]) + value


def _frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def _frames(connection: socket.socket, deadline: float) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and content of each frame, up to the end of the answer to our question."""
    unread, total = b"", 0
    while total < _MOST_BYTES:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        part = connection.recv(4096)
        if not part:
            return
        unread, total = unread + part, total + len(part)
        while len(unread) >= 9 and len(unread) >= (end := 9 + int.from_bytes(unread[:3], "big")):
            yield unread[3], unread[9:end]
            if unread[3] == _DATA or (unread[3] == _HEADERS and unread[4] & _END_STREAM):
                return
            unread = unread[end:]
