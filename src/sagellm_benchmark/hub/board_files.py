"""The files that follow from the rows of a board: the board itself, its flat tables, its card, its notes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.entry import BOARDS, Entry, board_file, canonical_place, loaded
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED
from sagellm_benchmark.board.merge import Merge, split
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.blobs import sha256
from sagellm_benchmark.hub.board import Board, as_left
from sagellm_benchmark.hub.card import with_configs
from sagellm_benchmark.hub.store import AS_LEFT, BEFORE_SUBMISSIONS, CARD, VIEWER


def derived_files(board: Board, rows: Iterable[Entry]) -> dict[str, bytes]:
    """Return the boards of these rows and their derived files, by name, with the fields that others added to those."""
    files = tables(rows)
    if board.extra:
        files[COMPARE] = to_json({**orjson.loads(files[COMPARE]), **board.extra})
    old = loaded(LAST_UPDATED, board.small.get(LAST_UPDATED, b"{}"))
    if isinstance(old, dict):
        files[LAST_UPDATED] = to_json({**old, **orjson.loads(files[LAST_UPDATED])})
    return files


def board_files(
    board: Board, merged: Merge, accepted: Sequence[Entry] | None
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files that follow from the board, and, by the flat tables' names, the boards to make these of."""
    files = derived_files(board, merged.entries)
    filled, before = (
        [name for name, rows in zip(VIEWER, split(of), strict=True) if rows]
        for of in (merged.entries, board.entries)
    )
    kept = [name for name in VIEWER if name in {*filled, *before}]  # an emptied one is written once more
    flat = {VIEWER[name]: files[dict(zip(VIEWER, BOARDS, strict=True))[name]] for name in kept}
    files[CARD] = with_configs(board.small.get(CARD), {name: VIEWER[name] for name in filled})
    files[AS_LEFT] = as_left({name: sha256(files[name]) for name in BOARDS})
    if board.is_new or accepted is not None:
        files[BEFORE_SUBMISSIONS] = _record(board, accepted or ())
    return files, flat


def _record(board: Board, accepted: Iterable[Entry]) -> bytes:
    """Return a file of the rows that have no submission, because they reached the board by another way.

    At the first publish, these are all rows.
    """
    known = {entry.text for entry in board.recorded}
    kept = {(entry.entry_id, entry.identity) for entry in accepted}
    others = [
        entry
        for entry in board.entries
        if entry.text not in known and (entry.entry_id, entry.identity) not in kept
    ]
    return board_file(sorted((*board.recorded, *others), key=canonical_place))
