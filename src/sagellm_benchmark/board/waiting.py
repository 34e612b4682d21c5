"""What hf_data/ holds already, and the join of two versions of it that git could not merge."""

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

# a line of JSON never begins so, and a text in JSON never holds the end of a line
_MARK = re.compile(rb"^(<{7}|\|{7}|={7}|>{7})(?: [^\n]*)?\r?\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Unsound:
    """A row in hf_data/ that takes no place on the board and stays where it is, for its owner to mend, and why."""

    entry: Entry
    reasons: tuple[str, ...]


def waiting(hf_data: Path) -> Iterator[Entry]:
    """Return what hf_data/ already holds, published or not. Raises DataError for a board that cannot be read."""
    for name in BOARDS:
        path = hf_data / name
        if os.path.lexists(path):
            yield from both_sides(str(path), read_whole(path, MAX_BOARD_BYTES))


def both_sides(name: str, board: bytes) -> list[Entry]:
    """Return the rows of a board file; of one that git left in conflict, those of either side."""
    return [entry for side in sides(board) for entry in entries(name, side)]


def sides(content: bytes) -> tuple[bytes, ...]:
    """Return the file itself; if it holds git's conflict markers, the whole file as each of the two sides has it."""
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
    """Return the rows that may stand for their configuration, and the others: they must not push a sound one out."""
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
    """Return the files that hold the best of all these rows, and every unsound one."""
    return tables(_best(held))


def join_rows(held: Iterable[Entry]) -> bytes:
    """Return the same in one file, whatever number of nodes its rows ran on."""
    return board_file(_best(held))


def _best(held: Iterable[Entry]) -> Sequence[Entry]:
    sound, unsound = sorted_out(held, ())
    return together(join(map(Standing().expected, sound), []).entries, unsound)
