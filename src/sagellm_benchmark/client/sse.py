"""Server-sent events: where one ends and the next begins, and the data that each carries. Pure.

The framing is that of https://html.spec.whatwg.org/multipage/server-sent-events.html, and its variants in real servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_BLANK_LINE = re.compile(rb"(?:\r\n?+|\n)(?:\r\n?+|\n)")  # possessive: CRLF is one line end, never two
_BOM = b"\xef\xbb\xbf"


def first(body: bytes) -> int:
    """Return the offset where the first event begins."""
    return len(_BOM) if body.startswith(_BOM) else 0


def blocks(body: bytes, start: int, *, complete: bool) -> Iterator[tuple[int, bytes]]:
    """Yield, for each event from `start` on, the offset where the blank line behind it ends, and the event's lines.

    A complete body may leave out the last blank line, as some servers do after `[DONE]`.
    """
    if b"\r" in body:
        for boundary in _BLANK_LINE.finditer(body, start):
            yield boundary.end(), body[start : boundary.start()]
            start = boundary.end()
    else:
        while (end := body.find(b"\n\n", start)) >= 0:
            yield end + 2, body[start:end]
            start = end + 2
    if complete:
        yield len(body), body[start:]


def data_of(block: bytes) -> bytes | None:
    """Return the data of one event; None for comments and other fields. `error:` is llama.cpp's own field."""
    if block.startswith(b"data:") and b"\n" not in block and b"\r" not in block:
        return block[5:].strip()
    lines = [line.partition(b":") for line in block.splitlines()]
    data = [value.removeprefix(b" ") for name, _, value in lines if name == b"data"]
    if data:
        return b"\n".join(data).strip()
    errors = [value.strip() for name, _, value in lines if name == b"error"]
    return b'{"error":%b}' % errors[0] if errors else None
