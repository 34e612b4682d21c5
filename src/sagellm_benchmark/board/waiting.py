"""Read what hf_data/ already holds, and join two versions of it that git could not merge."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.entry import BOARDS, Entry, board_file, canonical_place, entries
from sagellm_benchmark.board.merge import join
from sagellm_benchmark.board.read import read_whole
from sagellm_benchmark.board.schema import Strength, problems
from sagellm_benchmark.board.standing import Standing

MAX_BOARD_BYTES = 1 << 30

# no line of JSON begins like this, because a text in JSON contains no line break
_MARK = re.compile(rb"^(<{7}|\|{7}|={7}|>{7})(?: [^\n]*)?\r?\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Unsound:
    """A row in hf_data/ that may not take a place on the board, and why. It stays there for its owner to mend."""

    entry: Entry
    reasons: tuple[str, ...]


def waiting(hf_data: Path) -> Iterator[Entry]:
    """Yield the rows that hf_data/ already holds, published or not. Raise DataError if a board cannot be read."""
    for name in BOARDS:
        path = hf_data / name
        if os.path.lexists(path):
            yield from both_sides(str(path), read_whole(path, MAX_BOARD_BYTES))


def both_sides(name: str, board: bytes) -> list[Entry]:
    """Return the rows of a board file; if git left it in conflict, those of both sides."""
    return [entry for side in sides(board) for entry in entries(name, side)]


def sides(content: bytes) -> tuple[bytes, ...]:
    """Return the file itself; if it holds git's conflict markers, the whole file of each of the two sides."""
    marks = list(_MARK.finditer(content))
    if not any(mark[1][:1] == b"<" for mark in marks):
        return (content,)
    ours, theirs = bytearray(), bytearray()
    start = 0
    kept: tuple[bytearray, ...] = (ours, theirs)
    for mark in marks:
        _extend(kept, content[start : mark.start()])
        kept = {b"<": (ours,), b"|": (), b"=": (theirs,), b">": (ours, theirs)}[mark[1][:1]]
        start = mark.end()
    _extend(kept, content[start:])
    return bytes(ours), bytes(theirs)


def _extend(versions: Iterable[bytearray], part: bytes) -> None:
    for version in versions:
        version.extend(part)


def sorted_out(held: Iterable[Entry], published: Sequence[Entry]) -> tuple[list[Entry], list[Unsound]]:
    """Return the sound rows, and the unsound ones, which must not displace them; a row as published is sound."""
    known = {entry.view for entry in published}
    sound: list[Entry] = []
    unsound: dict[bytes, Unsound] = {}
    for entry in held:
        against = () if entry.view in known else problems(entry.row, Strength.PUBLISHED)
        if against:
            unsound.setdefault(entry.text, Unsound(entry, tuple(map(str, against))))
        else:
            sound.append(entry)
    return sound, list(unsound.values())


def together(sound: Sequence[Entry], unsound: Sequence[Unsound]) -> Sequence[Entry]:
    """Return the rows of both kinds, in the order in which a board file holds them."""
    return sorted((*sound, *(one.entry for one in unsound)), key=canonical_place) if unsound else sound


def joined(held: Iterable[Entry]) -> dict[str, bytes]:
    """Return the board's files, by name, with the best of all these rows and every unsound one."""
    return tables(_best(held))


def join_rows(held: Iterable[Entry]) -> bytes:
    """Return the same rows in one board file, however many nodes they ran on."""
    return board_file(_best(held))


def _best(held: Iterable[Entry]) -> Sequence[Entry]:
    sound, unsound = sorted_out(held, ())
    return together(join(map(Standing().expected, sound), []).entries, unsound)
