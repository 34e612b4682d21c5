"""Prove that nothing accepted has disappeared: the boards follow from the submissions, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.merge import ONTO_THE_BOARD, Merge, join
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import write_whole
from sagellm_benchmark.hub.accepted import Rows, accepted_rows
from sagellm_benchmark.hub.blobs import sha256
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.board_files import derived_files
from sagellm_benchmark.hub.bundles import Identifier, Prover
from sagellm_benchmark.hub.order import in_order
from sagellm_benchmark.hub.retry import Pace, retrying
from sagellm_benchmark.hub.store import BEFORE_SUBMISSIONS, SIGNERS, WITHDRAWN, Stale, Store
from sagellm_benchmark.hub.tiers import Backed, backed
from sagellm_benchmark.hub.tombstones import Tombstones, tombstones, unlike

_NAMED = 5
_AT_ONCE = 100  # tombstones read in one call


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The files, by name, that follow from the submissions and the rows recorded beside them.

    `differences` says where the published files differ from these, and which submissions are not as they were accepted.
    `notes` says what could not be checked.
    """

    commit: str
    submissions: int
    recorded: int
    files: dict[str, bytes]
    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()


def rebuild(
    store: Store,
    pace: Pace | None = None,
    *,
    compare: bool = True,
    prove: Prover | None = None,
    identify: Identifier | None = None,
) -> Rebuilt:
    """Make the boards anew from everything that was ever accepted, and compare them with those at the newest commit.

    Rows are left out if their tombstones count by `identify`; without it, if the dataset says that they are withdrawn.
    Each row has the tier that its evidence supports by `prove` and `identify`; without both, the one in the dataset.

    Without `compare`, the boards may be damaged or gone. If the store is busy, or changes while it is read, try again.
    Raise DataError if there is nothing to rebuild from, RemoteError if the store is out of reach.
    """
    return retrying(lambda: _rebuilt(store, prove, identify, compare=compare), pace)


def write(rebuilt: Rebuilt, folder: Path) -> None:
    """Write the rebuilt files into a folder."""
    for name, content in rebuilt.files.items():
        write_whole(folder / name, content)


def _rebuilt(store: Store, prove: Prover | None, identify: Identifier | None, *, compare: bool) -> Rebuilt:
    snapshot = store.read() if compare else store.read((BEFORE_SUBMISSIONS, STANDING, SIGNERS))
    if snapshot.commit is None:
        raise _nothing_yet(store)
    kept = accepted_rows(store, snapshot.commit)
    if BEFORE_SUBMISSIONS not in snapshot.files and not kept.entries:
        raise _nothing_yet(store)
    board = Board.of(snapshot)
    proofs = _backed(store, board, kept, prove, identify)
    known = board.standing.withdrawn
    standing, misplaced = in_order(proofs.standing, kept.order)
    board = replace(board, standing=standing)
    stones = _tombstones(store, board, kept, identify)
    derived = replace(board, standing=replace(board.standing, withdrawn=stones.withdrawn))
    done = _compared(derived, kept) if compare else _from_rows(derived, kept)
    said = (*misplaced[:_NAMED], *proofs.problems, *stones.problems, *unlike(stones.withdrawn, known))
    notes = (*done.notes, *proofs.unchecked, *stones.unchecked)
    done = replace(done, differences=(*done.differences, *said), notes=notes)
    if store.read(()).commit != snapshot.commit:  # then a folder's files may be of two commits
        raise Stale(f"{store.name} changed while it was read", hint="try again when nobody publishes")
    return done


def _backed(
    store: Store, board: Board, kept: Rows, prove: Prover | None, identify: Identifier | None
) -> Backed:
    if prove is None or identify is None:
        return Backed(board.standing)
    done = backed(store, board, [*kept.entries, *board.recorded], prove, identify)
    if done.missing:
        kept.confirm_absent(store, board.commit or "", done.missing)
    return done


def _tombstones(store: Store, board: Board, kept: Rows, identify: Identifier | None) -> Tombstones:
    if identify is None or board.commit is None:
        return Tombstones(board.standing.withdrawn)
    files: dict[str, bytes] = {}
    paths = store.paths(WITHDRAWN, board.commit)
    for start in range(0, len(paths), _AT_ONCE):
        files |= store.read(paths[start : start + _AT_ONCE], commit=board.commit).files
    rows = [*kept.entries, *board.recorded]
    return tombstones(files, rows, board.standing, board.small.get(SIGNERS), identify)


def _every(board: Board, kept: Rows) -> Merge:
    placed = board.standing.placed
    return join(map(placed, board.recorded), [placed(entry) for entry in kept.entries])


def _nothing_yet(store: Store) -> DataError:
    return DataError(f"{store.name} has no submissions yet", hint="publish to it once, then try again")


def _from_rows(board: Board, kept: Rows) -> Rebuilt:
    """Return what follows from the rows, whatever the boards are. Maintainers' marks are only on the boards."""
    files = tables(_every(board, kept).entries)
    notes = (*_notes(board, kept), "rows are as submitted: marks of maintainers are not among them")
    return _rebuilt_of(board, kept, files, tuple(kept.problems), notes)


def _compared(board: Board, kept: Rows) -> Rebuilt:
    merged = _with_marks(_every(board, kept), board)
    files = derived_files(board, merged.entries)
    differing = [
        f"{name} is not what the rows give"
        for name, content in files.items()
        if board.hashes.get(name) != sha256(content)
    ]
    board = replace(board, entries=tuple(map(board.standing.placed, board.entries)))
    lost = [o.entry for o in join(board.entries, merged.entries).outcomes if o.fate in ONTO_THE_BOARD]
    strange = [o.entry for o in join(merged.entries, board.entries).outcomes if o.fate in ONTO_THE_BOARD]
    said = (
        *kept.problems,
        *differing,
        *(f"row {entry.entry_id} was accepted and is missing" for entry in lost[:_NAMED]),
        *(f"row {entry.entry_id} is on the board and was never accepted" for entry in strange[:_NAMED]),
    )
    return _rebuilt_of(board, kept, files, said, tuple(_notes(board, kept)))


def _notes(board: Board, kept: Rows) -> Iterator[str]:
    if board.is_new:
        yield f"{BEFORE_SUBMISSIONS} is missing: rows from before the first publish are not among them"
    if not kept.proved:
        yield "no history could be read: whether a submission was changed or removed was not looked at"


def _rebuilt_of(
    board: Board, kept: Rows, files: dict[str, bytes], said: tuple[str, ...], notes: tuple[str, ...]
) -> Rebuilt:
    commit = board.commit or ""
    return Rebuilt(commit, len(kept.entries), len(board.recorded), files, said, notes)


def _with_marks(merged: Merge, board: Board) -> Merge:
    """Return the same board, with the marks that maintainers have set on its rows, which no submission holds."""
    accepted = {entry.identity: entry for entry in merged.entries}
    marked = [
        entry
        for entry in board.entries
        if entry.is_verified and entry.identity in accepted and entry.same_as(accepted[entry.identity])
    ]
    return join(merged.entries, marked)
