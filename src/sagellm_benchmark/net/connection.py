"""Connections of http.client, straight or through the environment's proxy, that wait for one deadline and no longer."""

from __future__ import annotations

import base64
import functools
import http.client
import io
import os
import socket
import ssl
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from sagellm_benchmark.address import is_loopback


class Deadline:
    """The time by which an exchange must end. With a timeout for each wait, a slow server could hold us for ever."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left, always more than 0. Raise TimeoutError if there are none."""
        seconds = self._at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


class Response(http.client.HTTPResponse):
    """An answer that has arrived before the deadline or raises TimeoutError, however slowly its bytes drip."""

    def __init__(self, sock: socket.socket, *args: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Incoming(sock, deadline))


class _Incoming(io.RawIOBase):
    """The bytes that a socket receives; no wait for them is longer than the time that is left."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._sock, self._deadline = sock, deadline
        self._bytes = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.left())
        return self._bytes.readinto(buffer)

    def close(self) -> None:
        self._bytes.close()
        super().close()


@dataclass(frozen=True, slots=True)
class Route:
    """A connection to open, and the parts of a request that depend on the way it takes."""

    connection: http.client.HTTPConnection
    by_proxy: bool = False  # a proxy is told the whole URL
    headers: Mapping[str, str] = field(default_factory=dict)


def route(origin: SplitResult) -> Route:
    """Return the way to the host of a URL. Raise ValueError for a URL that is not HTTP's."""
    if origin.scheme not in ("http", "https"):
        raise ValueError(f"unknown url type: {origin.scheme}")
    if not origin.hostname:
        raise ValueError("no host given")
    proxy = _proxy(origin)
    if proxy is None:
        return Route(_connection(origin.scheme, origin.netloc))
    place, login = unquote(proxy.netloc.rpartition("@")[2]), _login(proxy)
    if origin.scheme == "http":
        return Route(_connection(proxy.scheme or "http", place), by_proxy=True, headers=login)
    tunnel = _connection("https", place)
    tunnel.set_tunnel(origin.netloc, headers=login)
    return Route(tunnel)


def _proxy(origin: SplitResult) -> SplitResult | None:
    """Return the environment's proxy for a URL; None if it names none, or the host can only mean this machine."""
    if is_loopback(origin.hostname or "") or urllib.request.proxy_bypass(origin.netloc):
        return None
    named = urllib.request.getproxies().get(origin.scheme)
    return urlsplit(named if "//" in named else f"//{named}") if named else None


def _login(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username or not proxy.password:
        return {}
    login = f"{unquote(proxy.username)}:{unquote(proxy.password)}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode()}"}


def _connection(scheme: str, place: str) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(place)
    if scheme == "https":
        context = _trusted(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        return http.client.HTTPSConnection(place, context=context)
    raise ValueError(f"unknown url type: {scheme}")


@functools.cache
def _trusted(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Return the certificates to trust; cached, because reading them takes tens of milliseconds."""
    return ssl.create_default_context()
