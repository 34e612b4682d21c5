"""Read the usual stream, whose events differ only in their text, by comparing bytes: several times as fast as JSON.

Pure. The result is the same as from reading every event as JSON, which is done for events that do not fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import orjson

_STRING = re.compile(rb'"(?:content|text)"[ ]?:[ ]?"((?:[^"\\]|\\.)*)"')
_END = b"\n\n"  # of an event
_PROBE = b"\xe2\x82\xac1"


@dataclass(frozen=True, slots=True)
class Regular:
    """A frame: the bytes before and behind the text of an event."""

    before: bytes
    behind: bytes

    @classmethod
    def of(cls, block: bytes, meaning: Callable[[bytes], str | None]) -> Regular | None:
        """Return the frame of an event, or None if another text in its place would not be read as the event's text.

        `meaning` reads a block in full and returns its text, if it carries nothing else. If it returns a probe that is
        put into the frame, it does so for every text, because a JSON string does not reach beyond its quotes.
        """
        for found in _STRING.finditer(block):
            frame = cls(block[: found.start(1)], block[found.end(1) :])
            if meaning(frame.before + _PROBE + frame.behind) == _PROBE.decode():
                return frame
        return None

    def text(self, block: bytes) -> str | None:
        """Return the text of a block that has this frame; None if it has another, or no text."""
        before, behind = self.before, self.behind
        if not (block.startswith(before) and block.endswith(behind)):
            return None
        end = len(block) - len(behind)
        if end <= len(before):
            return None
        try:
            text = orjson.loads(b'"' + block[len(before) : end] + b'"')
        except orjson.JSONDecodeError:
            return None
        return text if type(text) is str else None

    def run(self, body: bytes, start: int) -> tuple[list[str], list[int]]:
        """Return the texts of the events from `start` on that have this frame, and the offsets where they end.

        Both are empty if one of the texts is empty or cannot be read.
        """
        if not body.startswith(self.before, start):
            return [], []
        pieces = body[start + len(self.before) :].split(self.behind + _END + self.before)
        last, found, _ = pieces.pop().partition(self.behind + _END)
        if found:
            pieces.append(last)
        texts = _strings(pieces)
        frame = len(self.before) + len(self.behind) + len(_END)
        lengths = (frame + len(piece) for piece in pieces)
        return texts, list(accumulate(lengths, initial=start))[1:] if texts else []


def _strings(pieces: list[bytes]) -> list[str]:
    """Decode what stands between the quotes of JSON strings; return no texts if one is not a string, or is empty.

    A piece that contains a quote makes two strings; one that ends with a backslash could swallow the next.
    """
    array = b'["' + b'","'.join(pieces) + b'"]'
    if not pieces or b'\\","' in array or array.endswith(b'\\"]'):
        return []
    try:
        texts = orjson.loads(array)
    except orjson.JSONDecodeError:
        return []
    return texts if len(texts) == len(pieces) and "" not in texts else []
