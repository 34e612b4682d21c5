"""Check the rows that compete with those handed in, by the dataset's evidence and not by its word.

Whoever may write to a dataset may write anything into standing.json: that a row was reproduced, that another one is
a mere claim, that a third was withdrawn. So the evidence, signatures and tombstones of the rows that compete with
those handed in are checked, and what these do not support counts for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import Identity, slug
from sagellm_benchmark.board.merge import ONTO_THE_BOARD, join
from sagellm_benchmark.board.proof import evidence_of, signatures_path
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.board.standing import Withdrawals
from sagellm_benchmark.board.submission import Examined, Refused
from sagellm_benchmark.hub.accepted import Rows, accepted_rows, read_submissions
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.bundles import Bundles, Identifier, Prover, found_of
from sagellm_benchmark.hub.store import SIGNERS, SUBMISSIONS, Store, in_portions
from sagellm_benchmark.hub.tiers import Missing, backed
from sagellm_benchmark.hub.tombstones import tombstone_path, tombstones, unlike

MOST_OF_ONE = 50
"""The most rows of one configuration whose evidence a publish checks."""
PATIENCE_S = 60.0
"""How long a publish checks evidence. For long prompts, which anybody may publish, each row takes half a minute."""


@dataclass(frozen=True, slots=True)
class Rivals:
    """The board with a standing that was checked where it matters, and accepted rows that may come back onto it.

    `problems` says what the dataset says without support, `unchecked` what was not looked at. `examined` are the rows
    handed in; those with a rival whose evidence was removed are refused, because nobody can tell which row is better.
    """

    board: Board
    examined: Examined
    absent: tuple[Entry, ...]
    problems: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


def rivals(
    store: Store,
    board: Board,
    examined: Examined,
    handed_in: Sequence[Found],
    bundles: Bundles,
    kept: Rows | None,
    prove: Prover | None,
    identify: Identifier | None,
) -> Rivals:
    """Check what competes with the rows handed in, as far as they change anything; `kept` holds every accepted row.

    Without `prove` and `identify`, the dataset's word counts. Raise what the store raises.
    """
    off, doubted = _off_the_board(board, examined), _withdrawn_on_it(board)
    changed = (*examined.new, *off, *_signed_again(examined, bundles), *_mended(board, kept))
    moving = {entry.identity for entry in changed}
    absent = [] if kept is not None else _absent(store, board, examined, moving)
    commit = board.commit
    if prove is None or identify is None or commit is None:
        return Rivals(board, examined, tuple(absent))
    of = {*moving, *(entry.identity for entry in doubted)}
    accepted = () if kept is None else kept.entries
    every = (*board.entries, *board.recorded, *examined.known, *absent, *accepted)
    there = [entry for entry in every if entry.identity in of]
    over = partial(_is_past, time.monotonic() + PATIENCE_S)
    slugs = set(map(slug, of))
    done = backed(store, board, there, prove, identify, of=slugs, most=MOST_OF_ONE, enough=over)
    board = replace(board, standing=done.standing)
    suspects = [*doubted, *off, *absent, *_withdrawn(board, examined.new)]
    paths = sorted(set(map(tombstone_path, suspects)))
    stones = {name: stone for files in in_portions(store, paths, commit) for name, stone in files.items()}
    removed = _removed(store, commit, {**_without(board, suspects, stones), **done.missing}, kept)
    board, problems, unchecked = _tombstones(board, stones, suspects, removed, identify)
    lost = {path: (whose, removed[path]) for path, whose in done.missing.items() if path in removed}
    said = (*done.problems, *problems, *(f"{path} {why}" for path, why in removed.items() if kept is None))
    examined = _undecided(examined, handed_in, lost)
    return Rivals(board, examined, tuple(absent), said, (*done.unchecked, *unchecked))


def _is_past(end: float) -> bool:
    return time.monotonic() > end


def _without(board: Board, suspects: list[Entry], stones: Container[str]) -> dict[str, Missing]:
    """Return the paths of missing tombstones of rows that are said to be withdrawn, each with its row."""
    paths = {tombstone_path(entry): entry for entry in _withdrawn(board, suspects)}
    absent = {path: entry for path, entry in paths.items() if path not in stones}
    return {path: Missing(entry.entry_id, slug(entry.identity)) for path, entry in absent.items()}


def _removed(store: Store, commit: str, missing: Mapping[str, Missing], kept: Rows | None) -> dict[str, str]:
    """Return which of these files were removed, by the history, and which commit removed each, in words.

    Raise Busy if one of them is there by the history, but was not found: one of the two answers is wrong.
    """
    if not missing:
        return {}
    every = accepted_rows(store, commit) if kept is None else kept
    every.confirm_absent(store, commit, missing)
    return {path: every.strange[path] for path in sorted(missing) if path in every.strange}


def _undecided(
    examined: Examined, handed_in: Sequence[Found], removed: Mapping[str, tuple[Missing, str]]
) -> Examined:
    """Return the rows with those new ones refused whose configurations had evidence removed."""
    why = {rival.configuration: (path, rival.row, said) for path, (rival, said) in removed.items()}
    undecided = [entry for entry in examined.new if why and slug(entry.identity) in why]
    refused = []
    for entry in undecided:
        path, rival, said = why[slug(entry.identity)]
        reason = f"{path} {said}, which proves row {rival}; restore it from the history first"
        refused.append(Refused(found_of(entry, handed_in), (), (reason,)))
    new = tuple(entry for entry in examined.new if entry not in undecided)
    return replace(examined, new=new, refused=(*examined.refused, *refused))


def _off_the_board(board: Board, examined: Examined) -> list[Entry]:
    """Return the rows handed in that were accepted before, but are not on the board."""
    there = {(entry.entry_id, entry.identity) for entry in board.entries} if examined.known else set()
    return [entry for entry in examined.known if (entry.entry_id, entry.identity) not in there]


def _mended(board: Board, kept: Rows | None) -> list[Entry]:
    """Return the accepted rows that are better than those on a board that somebody else has written."""
    if kept is None:
        return []
    placed = board.standing.placed
    outcomes = join(map(placed, board.entries), list(map(placed, kept.entries))).outcomes
    return [outcome.entry for outcome in outcomes if outcome.fate in ONTO_THE_BOARD]


def _withdrawn_on_it(board: Board) -> list[Entry]:
    """Return the rows that are on the board although they are said to be withdrawn; a withdrawal removes its row."""
    return _withdrawn(board, board.entries) if board.standing.withdrawn else []


def _withdrawn(board: Board, rows: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in rows if board.standing.withdrawals(entry)]


def _signed_again(examined: Examined, bundles: Bundles) -> Iterator[Entry]:
    """Yield the accepted rows for which signatures are handed in."""
    for entry in examined.known:
        digest = evidence_of(entry.row) if b'"evidence"' in entry.text else None
        if digest is not None and bundles(signatures_path(digest)) is not None:
            yield entry


def _absent(store: Store, board: Board, examined: Examined, moving: Iterable[Identity]) -> list[Entry]:
    """Return accepted rows of these configurations that are not on the board, but may be more than a claim."""
    here = {entry.entry_id for entry in (*board.entries, *examined.new, *examined.known)}
    names = [name for name in board.standing.backed(map(slug, moving)) if name not in here]
    paths = sorted(f"{SUBMISSIONS}/{board.standing.facts[name].configuration}/{name}.json" for name in names)
    return [] if board.commit is None else read_submissions(store, paths, board.commit)


def _tombstones(
    board: Board,
    files: Mapping[str, bytes],
    suspects: list[Entry],
    removed: Container[str],
    identify: Identifier,
) -> tuple[Board, tuple[str, ...], tuple[str, ...]]:
    """Return the board with those of the suspects withdrawn whose tombstones count, or were removed.

    Also return what is wrong with tombstones, and what was not looked at.
    """
    suspects = [entry for entry in suspects if tombstone_path(entry) not in removed]
    names, standing = {entry.entry_id for entry in suspects}, board.standing
    stones = tombstones(files, suspects, standing, board.small.get(SIGNERS), identify)
    others, these = _parted(standing.withdrawn, names)
    board = replace(board, standing=replace(standing, withdrawn={**others, **stones.withdrawn}))
    return board, (*stones.problems, *unlike(stones.withdrawn, these)), stones.unchecked


def _parted(withdrawn: Withdrawals, names: set[str]) -> tuple[Withdrawals, Withdrawals]:
    others = {name: of for name, of in withdrawn.items() if name not in names}
    return others, {name: of for name, of in withdrawn.items() if name in names}
