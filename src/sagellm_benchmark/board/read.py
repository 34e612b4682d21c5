"""Read files that anybody may have written, in bounded time and memory."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark.board.hostile import is_deeper
from sagellm_benchmark.board.rules import shown
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import read_regular

_OTHER_ENCODINGS = {b"\xef\xbb\xbf": "a byte order mark", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_GAP = re.compile(r"[ \t\n\r,]*")
_SAVE = "save it as UTF-8 without a byte order mark"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a file may hold.

    `values` is counted before parsing, because small values take twenty times the memory of their text.
    """

    file_bytes: int = 256 * 1024 * 1024
    rows: int = 50_000
    values: int = 10_000_000
    depth: int = 32

    def beside(self, published: int) -> Limits:
        """Return the limits for a file that may also repeat a board of `published` rows."""
        return Limits(
            self.file_bytes + published * 8192,
            self.rows + published,
            self.values + published * 400,
            self.depth,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A row of a file, and a key that one of its objects holds twice, if any (a parser keeps only the last value)."""

    file: str
    index: int
    row: Any
    repeated: str | None = None

    @property
    def where(self) -> str:
        """Where the row is, for messages."""
        return f"{self.file}, row {self.index}"


def read_rows(path: Path, limits: Limits | None = None) -> list[Found]:
    """Return the rows of a JSON array, or the one row of a JSON object.

    Raise DataError for what is not a regular file, not UTF-8, not standard JSON, too large or nested too deep.
    Single rows are not checked further: that is for the schema.
    """
    limits = limits or Limits()
    return parse_rows(str(path), read_whole(path, limits.file_bytes), limits)


def read_whole(path: Path, at_most: int) -> bytes:
    """Return a regular file's bytes, without following a symbolic link or waiting on a pipe.

    Raise DataError if it cannot be read, or has more than `at_most` bytes.
    """
    try:
        return read_regular(path, at_most)
    except FileNotFoundError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="check its name") from error
    except OSError as error:
        link = path.is_symlink()
        why = "it is a symbolic link" if link else error.strerror or str(error)
        raise DataError(f"cannot read {path}: {why}", hint="put a plain JSON file in its place") from error


def parse_rows(name: str, content: bytes, limits: Limits) -> list[Found]:
    """Return the rows in these bytes; `name` is what errors call them. Raise DataError as `read_rows` does."""
    for start, encoding in _OTHER_ENCODINGS.items():
        if content.startswith(start):
            raise DataError(f"{name} begins with {encoding}", hint=_SAVE)
    values = sum(content.count(mark) for mark in (b",", b"[", b"{"))
    if values > limits.values:
        raise DataError(
            f"{name} holds more than {limits.values:,} values", hint="submit fewer rows at a time"
        )
    rows = _parse(name, content)
    one = isinstance(rows, dict)
    rows = [rows] if one else rows
    if not isinstance(rows, list):
        raise DataError(f"{name} holds {shown(rows)}; it must hold an array of rows")
    if len(rows) > limits.rows:
        raise DataError(
            f"{name} holds {len(rows):,} rows; at most {limits.rows:,} are allowed",
            hint="submit fewer rows at a time",
        )
    for index, row in enumerate(rows):
        if is_deeper(row, limits.depth):
            raise DataError(f"{name}, row {index} is nested deeper than {limits.depth} levels")
    repeated = _repeated_keys(content.decode(), one)
    return [Found(name, index, row, key) for index, (row, key) in enumerate(zip(rows, repeated, strict=True))]


def _parse(name: str, content: bytes) -> Any:
    """Read standard JSON only: orjson refuses NaN, Infinity, 1e999, half surrogates, and more than 1,024 levels."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if content.startswith(b"<<<<<<< ") or b"\n<<<<<<< " in content:
            raise DataError(
                f"{name} contains git's conflict markers",
                hint="merge both sides: `sagellm-benchmark aggregate`",
            ) from error
        raise DataError(
            f"{name} is not valid JSON: {error}",
            hint="write it with a JSON library; NaN and Infinity are not JSON",
        ) from error


def _repeated_keys(text: str, one: bool) -> Iterator[str | None]:
    """Yield for each row a key that one of its objects holds twice, or None. The text is known to be valid JSON."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = {name for name, _ in pairs}
        if len(names) < len(pairs):
            found.append(Counter(name for name, _ in pairs).most_common(1)[0][0])

    # numbers are not needed, and converting one of 100,000 digits would take long
    decoder = json.JSONDecoder(object_pairs_hook=look, parse_int=len, parse_float=len)
    position = _skip(text, 0 if one else text.index("[") + 1)
    while position < len(text) and text[position] != "]":
        found.clear()
        _, position = decoder.raw_decode(text, position)
        yield found[0] if found else None
        position = _skip(text, position)


def _skip(text: str, position: int) -> int:
    """Return the position after the white space and the comma between rows."""
    gap = _GAP.match(text, position)
    return gap.end() if gap else position
