"""The log of the server of known timing: what it did, and when, for each request."""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from pathlib import Path

_RECORD = struct.Struct("=IId")  # request, number of events, moment of reading


@dataclass(frozen=True, slots=True)
class Truth:
    """What the server did for one request, on the monotonic clock."""

    read_s: float
    sent_s: tuple[float, ...]


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
    """Return one finished request as the log holds it."""
    return _RECORD.pack(number, len(sent_s), read_s) + sent_s.tobytes()
