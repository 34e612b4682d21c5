"""Text from elsewhere on its way to a screen, a log or a page: it is shown, and never acted upon."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

MOST = 200  # rows that a list on a screen shows before it only counts
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_COMMAND = re.compile(r"(^\s*:(?=:)|#(?=#\[|#vso\[))", re.MULTILINE)
_READ = 4096  # characters of a hostile text that are looked at


def plain(text: str) -> str:
    """Return text that a terminal only prints; rows of other tools may hold anything."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "�" for c in text)


def count_of(number: int, noun: str) -> str:
    """Return a count such as `1 row` or `1,000 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def writable(value: Any) -> Any:
    """Return a JSON value whose texts can all be written as UTF-8, with escapes where they could not."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {writable(name): writable(child) for name, child in value.items()}
    return [writable(child) for child in value] if isinstance(value, (list, tuple)) else value


def shown(text: str) -> str:
    """Return text of several lines, of which a terminal prints each, and a workflow's log takes none for a command.

    GitHub's runner obeys `::name::` at the beginning of a line, and `##[name]` anywhere.
    """
    lines = (plain(line.expandtabs()) for line in text.split("\n"))
    return _COMMAND.sub(r"\1 ", "\n".join(lines))


def one_line(text: str | bytes, most: int = 200) -> str:
    """Return the beginning of a text as one printable line of at most `most` characters."""
    if isinstance(text, bytes):
        text = text[: 4 * _READ].decode("utf-8", "replace")
    words = _COLOUR.sub("", text[:_READ])
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def duration(seconds: float) -> str:
    """Return a duration as people write it: `42 s`, `3 min 05 s` or `2 h 10 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def wide(text: str) -> int:
    """Return how many columns of a terminal a text takes: a Chinese letter takes two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def cut(text: str, columns: int) -> str:
    """Return the beginning of a text that takes at most so many columns of a terminal; what is left out is a …."""
    if wide(text) <= columns:
        return text
    length = next(
        length for length in range(len(text), -1, -1) if wide(text[:length]) < columns or not length
    )
    return f"{text[:length]}…"


def markdown(text: str) -> str:
    """Return text as Markdown shows it literally, on one line."""
    flat = plain(re.sub(r"\s+", " ", text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", flat)


def markdown_row(*cells: str) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def inert_markdown(text: str) -> str:
    """Return the same where a code host would also make links of addresses, @names and #numbers: nothing but words is
    left.
    """
    return "".join(c if c.isalnum() or c in " ,;/-✗" else f"&#{ord(c)};" for c in plain(text[:2000]))


def columns(rows: Sequence[tuple[str, ...]], *, figures: bool = True) -> list[str]:
    """Return rows as aligned lines: the first column to the left, the others, where they are figures, to the right."""
    widths = [max(wide(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []

    def cell(text: str, place: int) -> str:
        room = " " * (widths[place] - wide(text))
        return text + room if place == 0 or not figures else f" {room}{text}"

    return ["  " + "  ".join(cell(text, place) for place, text in enumerate(row)).rstrip() for row in rows]
