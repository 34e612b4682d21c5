"""Find out whether a server runs on this machine, and as which process."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from sagellm_benchmark.address import is_loopback

_TUNNELS = {"ssh", "autossh", "kubectl", "socat"}  # they listen here, but the server is elsewhere
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"
_FORWARDERS = {"docker-proxy", "rootlessport", "pasta", "slirp4netns"}  # into a container on this machine


def is_local(host: str) -> bool:
    """Return whether `host` is this machine: loopback, or an address of one of its own interfaces."""
    if is_loopback(host):
        return True
    own = {_address(entry.address) for entries in psutil.net_if_addrs().values() for entry in entries}
    try:
        found = {_address(str(info[4][0])) for info in socket.getaddrinfo(host.strip("[]"), None)}
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(
        address is not None and (address in own or address.is_loopback) for address in found
    )


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an interface's address; None for a hardware address."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def place(host: str, port: int) -> tuple[bool, int | None]:
    """Return whether the server at `host` runs on this machine, and its process, if the system shows it."""
    if not is_local(host):
        return False, None
    pid = listening_pid(port)
    name = _process_name(pid)
    if name in _TUNNELS:
        return False, None
    return True, None if name in _FORWARDERS else pid


def places(addresses: Iterable[tuple[str, int]]) -> tuple[bool, tuple[int, ...]]:
    """Return whether all processes of a server, by host and port, run on this machine, and their pids.

    The pids are empty unless all of them are known.
    """
    found = [place(host, port) for host, port in addresses]
    pids = {pid for _, pid in found if pid is not None}
    complete = all(pid is not None for _, pid in found)
    return all(here for here, _ in found), tuple(sorted(pids)) if complete else ()


def listening_pid(port: int) -> int | None:
    """Return the process that listens on a TCP port of this machine; of several, the one that started the others.

    None if the system does not show it, or none of several started the others.
    """
    known = _listening_on_linux(port) if sys.platform == "linux" else _listening(port)
    first = {pid for pid in known if _parent(pid) not in known}
    return first.pop() if len(first) == 1 else None


def _listening_on_linux(port: int) -> set[int]:
    """Return the processes that listen on a port.

    Only its sockets are looked for: psutil describes every connection, and a load leaves tens of thousands.
    """
    sockets = {f"socket:[{inode}]" for table in _TABLES for inode in _listening_inodes(table, port)}
    return {pid for pid in psutil.pids() if not sockets.isdisjoint(_open_files(pid))} if sockets else set()


def _listening_inodes(table: Path, port: int) -> Iterator[str]:
    """Yield the inodes of the sockets that listen on a port; Linux's proc_net_tcp.rst describes the columns."""
    with suppress(OSError), table.open() as lines:  # there is no tcp6 if IPv6 is switched off
        for _, local, _, state, *rest in map(str.split, lines):
            if state == _LISTENS and local.endswith(f":{port:04X}"):
                yield rest[5]


def _open_files(pid: int) -> Iterator[str]:
    with suppress(OSError):  # the process has ended, or is another user's
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                yield str(file.readlink())


def _listening(port: int) -> set[int]:
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return set()  # macOS wants root for this
    return {
        connection.pid
        for connection in connections
        if connection.status == psutil.CONN_LISTEN
        and connection.laddr
        and connection.laddr.port == port
        and connection.pid is not None
    }


def _parent(pid: int) -> int | None:
    try:
        return psutil.Process(pid).ppid()
    except psutil.Error:
        return None


def _process_name(pid: int | None) -> str | None:
    try:
        return None if pid is None else psutil.Process(pid).name()
    except psutil.Error:
        return None
