"""A server's address as people write it, taken apart and checked once for everybody who connects to it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from sagellm_benchmark.errors import UsageError

_PORTS = {"http": 80, "https": 443}
_EXAMPLE = "http://localhost:8000"


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of scheme://host[:port][/prefix] that a connection and a request's head need."""

    host: str  # a name or an address, IPv6 without brackets
    port: int
    tls: bool
    prefix: str  # path before /v1, without a trailing slash
    authority: str  # the Host header

    def __str__(self) -> str:
        """Return what people call it: `host:port`."""
        has_port = ":" in self.authority.rpartition("]")[2]
        return self.authority if has_port else f"{self.authority}:{self.port}"

    @property
    def url(self) -> str:
        """The address in its one form: lower case, without /v1 and without a trailing slash."""
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.prefix}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Parse an address. Raises UsageError, which never shows a password, for one that is malformed."""
        text = text.strip()
        parts = _split(text)
        _check(text, parts)
        path = re.sub(r"/v1$", "", parts.path.rstrip("/")).rstrip("/")
        port = parts.port or _PORTS[parts.scheme]
        return cls(parts.hostname or "", port, parts.scheme == "https", path, parts.netloc.lower())


def _split(text: str) -> SplitResult:
    """Return the parts of an address.

    One with a password in it is refused, and not shown: it would end up in records.
    """
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
        _ = parts.port  # reading it checks it
    except ValueError as error:
        shown = repr(text) if "@" not in text else "that was given"
        raise UsageError(f"the address {shown} is not one: {error}", hint=f"write it as {_EXAMPLE}") from None
    if "@" in parts.netloc:
        raise UsageError(
            "the server's address must not hold a user name or a password",
            hint="put the key into an environment variable and name that with --api-key-env",
        )
    return parts


def _check(text: str, parts: SplitResult) -> None:
    if not parts.scheme:
        raise UsageError(
            f"the address {text!r} has no scheme",
            hint=f"write http:// or https:// before it, such as http://{text.removeprefix('//') or 'host:8000'}",
        )
    if parts.scheme not in _PORTS:
        raise UsageError(
            f"the address {text!r} has the scheme {parts.scheme}, which no LLM server speaks",
            hint=f"servers are reached by http:// or https://, such as {_EXAMPLE}",
        )
    if not parts.hostname:
        raise UsageError(f"the address {text!r} has no host", hint=f"write it as {_EXAMPLE}")
    if parts.query or parts.fragment or re.search(r"[^\x21-\x7e]", text):
        raise UsageError(
            f"the address {text!r} contains more than a server's address",
            hint=f"give what comes before /v1 in plain ASCII, such as {_EXAMPLE}",
        )


def is_loopback(host: str) -> bool:
    """Return whether `host` (a name or an address, without brackets) can only mean this machine."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    except ValueError:
        return False
