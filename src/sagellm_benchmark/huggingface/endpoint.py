"""Addresses: the part that may be printed, and whether anybody can listen in on the way there."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit


def shown(endpoint: str) -> str:
    """Return an address as it may be printed: without a query, and without a name and password before the host."""
    return re.sub(r"^([a-z]+://)?.*@", r"\1", re.split(r"[?#]", endpoint)[0], flags=re.IGNORECASE | re.DOTALL)


def is_loopback(host: str | None) -> bool:
    """Return whether this host is this machine, where nobody listens in."""
    if host is None or host.lower() == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_private_way(address: str) -> bool:
    """Return whether nobody can listen in, or answer instead, on the way to this address: https, or this machine."""
    parts = urlsplit(address)
    return parts.scheme.lower() == "https" or is_loopback(parts.hostname)
