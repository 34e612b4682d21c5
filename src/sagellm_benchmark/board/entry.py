"""A row as it takes part in a merge: its own text, its configuration and its rank.

The text stays where it was read and the parsed row is let go, so that 100,000 rows fit in a few hundred megabytes
and a row of another tool comes out exactly as it went in.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from sagellm_benchmark.board.identity import Identity, Row, content, identity, order_key, submitted_at
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import inert

SINGLE = "leaderboard_single.json"
MULTI = "leaderboard_multi.json"
BOARDS = (SINGLE, MULTI)

MAX_VALUES = 10_000_000
"""The most values in a JSON file that is parsed as a whole: small values take twenty times the memory of their text."""
MAX_ROW_BYTES = 1 << 20
"""The most bytes of one row's text in a board file."""

_FIGURES = 3  # a rank begins with throughput, TTFT and error rate
_EMPTY = b"[]\n"
_HEAD, _BETWEEN, _TAIL = b"[\n  {\n", b"\n  },\n  {\n", b"\n  }\n]"


class Place(NamedTuple):
    """What a dataset knows about a row beyond what the row says: see board/standing.py."""

    tier: int = 0
    number: int = 0  # in the order of acceptance; 0 for rows from before acceptances were numbered
    published_at: str = ""
    withdrawn: bool = False  # it was accepted, but no longer takes part in a merge


class Entry(NamedTuple):
    """One row of a board. A tuple, because a merge makes 100,000 of them."""

    identity: Identity
    rank: tuple[Any, ...]  # what `order_key` returns
    view: memoryview | bytes  # its text, not copied out of the file that it was read from
    moment: float  # when the row says that it was submitted, in seconds since the epoch; else infinite
    place: Place = Place()

    @property
    def text(self) -> bytes:
        """The row's JSON as it stands in a board file: indented by two, from its opening brace on."""
        return bytes(self.view)

    @property
    def row(self) -> Row:
        """The parsed row; it is parsed at each access."""
        row: Row = orjson.loads(self.view)
        return row

    @property
    def entry_id(self) -> str:
        """The id the row carries; '' where it has none."""
        return str(self.rank[3])

    @property
    def throughput_tps(self) -> float | None:
        """Output tokens per second of the whole system; None if the row has no such number."""
        rate: float = -self.rank[0]
        return rate if math.isfinite(rate) else None

    @property
    def submitted_at(self) -> float | None:
        """Seconds since the epoch; None if the row gives no readable time."""
        return self.moment if math.isfinite(self.moment) else None

    @property
    def published_at(self) -> float | None:
        """Seconds since the epoch; None if the dataset does not say when."""
        said = self.place.published_at
        return datetime.fromisoformat(said).timestamp() if said else None

    @property
    def row_or_nothing(self) -> Row:
        """The parsed row; an empty one if another tool left something other than an object."""
        row: Any = self.row
        return row if isinstance(row, dict) else {}

    @property
    def is_verified(self) -> bool:
        """Whether the row carries the maintainers' mark."""
        return not self.rank[4]

    @property
    def order(self) -> tuple[Any, ...]:
        """The strict total order inside one identity, best first: tier, numbers, who was published first, id."""
        return (-self.place.tier, *self.rank[:_FIGURES], self.place.number, *self.rank[_FIGURES:])

    def beats(self, other: Entry) -> bool:
        """Return whether this row is the better one; of two rows with the same order, the smaller text is better."""
        mine, theirs = self.order, other.order
        return mine < theirs or (mine == theirs and self.text < other.text)

    def same_as(self, other: Entry) -> bool:
        """Return whether both rows say the same, whatever the order of their keys and the maintainers' mark."""
        if self is other:
            return True
        alike = self.rank[:_FIGURES] == other.rank[:_FIGURES] and self.entry_id == other.entry_id
        return alike and self.identity == other.identity and content(self.row) == content(other.row)

    @classmethod
    def of(cls, row: Any) -> Entry:
        """Return the entry of a row in memory. Raise DataError if the row cannot be written as JSON."""
        try:
            text = inert(orjson.dumps(row, option=orjson.OPT_INDENT_2))
        except TypeError as error:
            raise DataError(f"a row cannot be written as JSON: {error}") from error
        text = text.replace(b"\n", b"\n  ")  # a newline is never inside a JSON string
        return cls(identity(row), order_key(row), text, submitted_at(row))

    @classmethod
    def parse(cls, text: memoryview) -> Entry:
        """Return the entry of a row's text from a board file. Raise orjson.JSONDecodeError if it is not JSON."""
        row = orjson.loads(text)
        return cls(identity(row), order_key(row), text, submitted_at(row))


def entries(name: str, board: bytes) -> list[Entry]:
    """Return every row of a board file. Raise DataError, naming the file, if it is not a JSON array."""
    with collector_paused():
        try:
            return [Entry.parse(_bounded(name, text)) for text in _texts(board)]
        except orjson.JSONDecodeError:  # not laid out as we do, or damaged
            return [Entry.of(row) for row in _parsed(name, board)]


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from searching a growing heap of rows for cycles, which rows cannot form."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def canonical_place(entry: Entry) -> tuple[Any, ...]:
    """Return the key by which a board file is sorted: a total order, even if a configuration has several rows."""
    return entry.identity, entry.rank, entry.text


def board_file(rows: Iterable[Entry]) -> bytes:
    """Return the board file that holds these rows: the same bytes as `files.to_json` gives for the parsed rows."""
    texts = [row.view for row in rows]
    if not texts:
        return _EMPTY
    texts[0] = b"[\n  " + texts[0]
    texts[-1] = b"".join((texts[-1], b"\n]\n"))
    return b",\n  ".join(texts)  # the whole board is copied once


def written_rows(board: bytes) -> Iterator[Any]:
    """Yield the parsed rows of what `board_file` returned, one at a time.

    From the first row that is not an object, all that are left are parsed at once.
    """
    number = 0
    try:
        for text in () if board == _EMPTY else _texts(board):
            row = orjson.loads(text)
            yield row
            number += 1
    except orjson.JSONDecodeError:
        yield from orjson.loads(board)[number:]


def _texts(board: bytes) -> Iterator[memoryview]:
    """Cut a board file that is laid out as `board_file` does into its rows, without parsing it.

    If every piece is a JSON object by itself, then the pieces are the rows: JSON has only one reading. Otherwise
    the caller's parser fails at some piece, and the file is laid out in another way.
    """
    end = board.rfind(_TAIL)
    if end < 0 or not board.startswith(_HEAD) or board[end + len(_TAIL) :].strip():
        raise orjson.JSONDecodeError("not laid out as a board file", "", 0)
    start, view = _HEAD.index(b"{"), memoryview(board)
    while (cut := board.find(_BETWEEN, start)) >= 0:
        yield view[start : cut + _BETWEEN.index(b",")]
        start = cut + _BETWEEN.index(b"{")
    yield view[start : end + _TAIL.index(b"\n]")]


def _bounded(name: str, text: memoryview) -> memoryview:
    if len(text) > MAX_ROW_BYTES:
        raise DataError(
            f"{name} holds a row of {len(text):,} bytes, more than {MAX_ROW_BYTES:,}",
            hint="take it out, or restore the file from its last good version",
        )
    return text


def loaded(name: str, content: bytes, hint: str = "restore it from its last good version") -> Any:
    """Return what a JSON file holds. Raise DataError if it is not JSON, or holds more than MAX_VALUES values."""
    if sum(content.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise DataError(f"{name} holds more than {MAX_VALUES:,} values", hint=hint)
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{name} is not valid JSON: {error}", hint=hint) from error


def _parsed(name: str, board: bytes) -> list[Any]:
    """Return the rows of a board file in any layout."""
    rows = loaded(name, board)
    if not isinstance(rows, list):
        raise DataError(f"{name} holds {type(rows).__name__}, not an array of rows")
    return rows
