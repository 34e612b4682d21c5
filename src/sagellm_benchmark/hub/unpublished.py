"""Find the rows that are not safe yet: those that are neither on the board, nor were accepted and then beaten."""

from __future__ import annotations

from dataclasses import dataclass

from sagellm_benchmark.board.merge import ONTO_THE_BOARD, join
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.handed_in import Source, judge, read_source
from sagellm_benchmark.hub.retry import Pace, retrying
from sagellm_benchmark.hub.store import Store


@dataclass(frozen=True, slots=True)
class Unpublished:
    """Rows that are not safe, and their names in messages: their ids, or where they are and what is wrong."""

    names: tuple[str, ...]
    rows: tuple[Found, ...]


def unpublished(store: Store, source: Source, *, pace: Pace | None = None) -> Unpublished:
    """Return the rows of `source` that are not safe; a safe row is on the board, or was accepted and then beaten."""

    def read() -> Unpublished:
        board = Board.of(store.read())
        found = read_source(source, board)
        examined = judge(store, board, found)
        outcomes = join(board.entries, [board.standing.placed(entry) for entry in examined.known]).outcomes
        gone = [outcome.entry for outcome in outcomes if outcome.fate in ONTO_THE_BOARD]
        ids = [entry.entry_id for entry in (*gone, *examined.new)]
        refused = {one.found.where for one in examined.refused}
        rows = tuple(one for one in found if one.where in refused or _id(one) in ids)
        return Unpublished((*ids, *map(str, examined.refused)), rows)

    return retrying(read, pace)


def _id(found: Found) -> object:
    return found.row.get("entry_id") if isinstance(found.row, dict) else None
