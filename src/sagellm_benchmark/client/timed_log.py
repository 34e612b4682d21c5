"""The log of the server of known timing: what it did for each request, and when."""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from pathlib import Path

_RECORD = struct.Struct("=IId")  # number of the request, number of events, when the request was read


@dataclass(frozen=True, slots=True)
class Truth:
    """When the server handled one request, in seconds of the monotonic clock."""

    read_s: float  # when the request had been read
    sent_s: tuple[float, ...]  # when each event was about to be written


def read_log(path: Path) -> dict[int, Truth]:
    """Return the finished requests of a log, by their number."""
    content, offset, found = path.read_bytes(), 0, {}
    while offset < len(content):
        number, events, read_s = _RECORD.unpack_from(content, offset)
        offset += _RECORD.size
        found[number] = Truth(read_s, struct.unpack_from(f"={events}d", content, offset))
        offset += 8 * events
    return found


def record(number: int, read_s: float, sent_s: array[float]) -> bytes:
    """Return the bytes of one finished request in the log."""
    return _RECORD.pack(number, len(sent_s), read_s) + sent_s.tobytes()
