"""Proof that nothing accepted has disappeared: the boards follow from the submissions, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED
from sagellm_benchmark.board.merge import ONTO_THE_BOARD, Merge, join
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import write_whole
from sagellm_benchmark.hub.plan import Board, with_unknown
from sagellm_benchmark.hub.publish import read_submissions
from sagellm_benchmark.hub.retry import Pace, retrying
from sagellm_benchmark.hub.store import BEFORE_SUBMISSIONS, SUBMISSIONS, Stale, Store

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the submissions and the rows recorded beside them give: files by name, and where they differ."""

    commit: str
    submissions: int
    recorded: int
    files: dict[str, bytes]
    differences: tuple[str, ...]


def rebuild(store: Store, pace: Pace | None = None) -> Rebuilt:
    """Make the boards anew from everything that was ever accepted, and compare them with those at the newest commit.

    A busy store is waited for, and so is one that changes while it is read. Raises DataError when there is nothing to
    rebuild from, RemoteError when the store is out of reach.
    """
    return retrying(lambda: _rebuilt(store), pace)


def _rebuilt(store: Store) -> Rebuilt:
    snapshot = store.read()
    if snapshot.commit is None or BEFORE_SUBMISSIONS not in snapshot.files:
        raise DataError(f"{store.name} has no submissions yet", hint="publish to it once, then try again")
    board = Board.of(snapshot)
    listed = store.paths(SUBMISSIONS, snapshot.commit)
    paths = [path for path in listed if path.endswith(".json") and path != BEFORE_SUBMISSIONS]
    submitted = read_submissions(store, paths, snapshot.commit)
    if store.read(()).commit != snapshot.commit:  # then a folder's files may be of two commits
        raise Stale(f"{store.name} changed while it was read", hint="try again when nobody publishes")
    return _compare(board, submitted)


def write(rebuilt: Rebuilt, folder: Path) -> None:
    """Put the rebuilt files into a folder."""
    for name, content in rebuilt.files.items():
        write_whole(folder / name, content)


def _compare(board: Board, submitted: list[Entry]) -> Rebuilt:
    merged = _with_marks(join(board.recorded, [board.standing.placed(entry) for entry in submitted]), board)
    before = board.snapshot.files
    files = tables(merged.entries)
    files |= {name: with_unknown(before.get(name), files[name]) for name in (COMPARE, LAST_UPDATED)}
    differing = [f"{name} is not what the rows give" for name in files if before.get(name) != files[name]]
    lost = [o.entry for o in join(board.entries, merged.entries).outcomes if o.fate in ONTO_THE_BOARD]
    strange = [o.entry for o in join(merged.entries, board.entries).outcomes if o.fate in ONTO_THE_BOARD]
    said = (
        *differing,
        *(f"row {entry.entry_id} was accepted and is missing" for entry in lost[:_NAMED]),
        *(f"row {entry.entry_id} is on the board and was never accepted" for entry in strange[:_NAMED]),
    )
    return Rebuilt(board.snapshot.commit or "", len(submitted), len(board.recorded), files, said)


def _with_marks(merged: Merge, board: Board) -> Merge:
    """The same board, with the marks that maintainers have set on its rows: no submission holds those."""
    accepted = {entry.identity: entry for entry in merged.entries}
    marked = [
        entry
        for entry in board.entries
        if entry.is_verified and entry.identity in accepted and entry.same_as(accepted[entry.identity])
    ]
    return join(merged.entries, marked)
