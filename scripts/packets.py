"""Read streamed answers off the loopback, as the kernel stamped their packets: a witness to what a client says.

The kernel notes when each packet passed, whatever the client and the server are doing meanwhile. Nothing stands between
the two and nothing of this project takes part, so that what a record says of an answer can be held against that answer
itself. Wants Linux and the right to read raw packets (root, or CAP_NET_RAW).
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

import h11
from engine_habits import text_of

LOOPBACK, IPV4 = "lo", 0x0800
TIMESTAMPS = 35  # SO_TIMESTAMPNS, which the socket module does not name
FORCED_BUFFER, BUFFER_BYTES = 33, 64 << 20  # SO_RCVBUFFORCE: no packet is lost while the engine computes
LARGEST = 1 << 17
LOOK_S = 0.1
SAME_START_S = 0.05


@dataclass(frozen=True, slots=True)
class Seen:
    """A streamed answer on the wire, in seconds since the epoch."""

    start_s: float  # when the request's first packet passed
    text_s: tuple[float, ...]  # of each event that carries text
    text: str

    @property
    def ttft_s(self) -> float:
        """From the request to the first text."""
        return self.text_s[0] - self.start_s

    @property
    def gaps_s(self) -> list[float]:
        """Between events with text."""
        return [later - earlier for earlier, later in pairwise(self.text_s)]


@dataclass(slots=True)
class Connection:
    """What passed on one connection, in order: when, and what."""

    asked: list[tuple[float, bytes]] = field(default_factory=list)
    answered: list[tuple[float, bytes]] = field(default_factory=list)


class Witness:
    """Record what passes on the loopback while the context is open.

    Raises PermissionError where raw packets may not be read. An answer of which the kernel lost a packet is not seen.
    """

    def __init__(self) -> None:
        self._passed: dict[tuple[int, int], list[tuple[float, bytes]]] = defaultdict(list)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IPV4))
        self._socket.bind((LOOPBACK, IPV4))
        self._socket.setsockopt(socket.SOL_SOCKET, TIMESTAMPS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, FORCED_BUFFER, BUFFER_BYTES)
        self._socket.settimeout(LOOK_S)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, once what is under way has been read."""
        self._done.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                packet, said, _, _ = self._socket.recvmsg(LARGEST, 64)
            except TimeoutError:
                if self._done.is_set():
                    return
                continue
            seconds, nanoseconds = struct.unpack("ll", said[0][2])
            self._keep(seconds + nanoseconds / 1e9, packet)

    def _keep(self, moment: float, packet: bytes) -> None:
        segment = packet[(packet[0] & 15) * 4 : int.from_bytes(packet[2:4])]
        if packet[9] != socket.IPPROTO_TCP:
            return
        source, target = struct.unpack_from("!HH", segment)
        payload = segment[(segment[12] >> 4) * 4 :]
        if not payload:
            return
        self._passed[source, target].append((moment, payload))

    def streams(self, port: int) -> list[Seen]:
        """Every streamed answer with text of the server on that port, in the order of their requests."""
        connections = [
            Connection(asked, self._passed.get((port, source), []))
            for (source, target), asked in self._passed.items()
            if target == port
        ]
        seen = [one for connection in connections for one in streams_of(connection)]
        return sorted(seen, key=lambda one: one.start_s)


def streams_of(connection: Connection) -> Iterator[Seen]:
    """The streamed answers with text on one connection."""
    starts = [moment for moment, payload in connection.asked if payload.startswith((b"POST ", b"GET "))]
    for start, end in pairwise([*starts, float("inf")]):
        answer = [(moment, payload) for moment, payload in connection.answered if start <= moment < end]
        try:
            said = list(_said(answer))
        except (h11.RemoteProtocolError, ValueError):
            continue  # a part of it is missing
        if said:
            yield Seen(start, tuple(moment for moment, _ in said), "".join(text for _, text in said))


def _said(packets: Sequence[tuple[float, bytes]]) -> Iterator[tuple[float, str]]:
    """When each event with text came, with its text."""
    line = b""
    for moment, body in _body(packets):
        *whole, line = (line + body).split(b"\n")
        for one in whole:
            if one.startswith(b"data:") and one[5:].strip() != b"[DONE]":
                text = text_of(json.loads(one[5:]))
                if text:
                    yield moment, text


def _body(packets: Sequence[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    """The parts of an event stream's body, with the moments of the packets that ended them."""
    http = h11.Connection(h11.CLIENT)
    http.send(h11.Request(method="POST", target="/", headers=[("host", "it")]))
    http.send(h11.EndOfMessage())
    for moment, payload in packets:
        http.receive_data(payload)
        while (event := http.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response) and not _is_stream(event):
                return
            if isinstance(event, h11.Data):
                yield moment, bytes(event.data)
            if isinstance(event, h11.EndOfMessage):
                return


def _is_stream(response: h11.Response) -> bool:
    return any(
        name == b"content-type" and value.startswith(b"text/event-stream") for name, value in response.headers
    )


def matched(
    records: Sequence[Mapping[str, Any]], seen: Sequence[Seen]
) -> list[tuple[Mapping[str, Any], Seen]]:
    """Pair a run's recorded requests with the same answers on the wire.

    A record counts its seconds from the start of the load, the wire from the epoch: of all the offsets that put the
    first record onto an answer of the same text, the one that puts most others onto theirs is taken.
    """
    if not records:
        return []
    first = min(records, key=lambda one: one["start_s"])
    offsets = [one.start_s - first["start_s"] for one in seen if one.text == first["text"]]
    return max((_paired(records, seen, offset) for offset in offsets), key=len, default=[])


def _paired(
    records: Sequence[Mapping[str, Any]], seen: Sequence[Seen], offset: float
) -> list[tuple[Mapping[str, Any], Seen]]:
    left, pairs = list(seen), []
    for record in records:
        near = [one for one in left if one.text == record["text"]]
        best = min(near, key=lambda one: abs(one.start_s - offset - record["start_s"]), default=None)
        if best is not None and abs(best.start_s - offset - record["start_s"]) < SAME_START_S:
            left.remove(best)
            pairs.append((record, best))
    return pairs
