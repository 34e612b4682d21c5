"""Publishing loses nothing: read, merge, one commit on top of what was read, and round again until it is proved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.entry import BOARDS, Entry, entries
from sagellm_benchmark.board.folder import row_files
from sagellm_benchmark.board.merge import ONTO_THE_BOARD, Fate, Outcome, join
from sagellm_benchmark.board.proof import SIGNATURES
from sagellm_benchmark.board.read import Found, Limits, read_rows
from sagellm_benchmark.board.standing import Standing
from sagellm_benchmark.board.submission import Examined, Refused
from sagellm_benchmark.errors import ConflictError, DataError, RemoteError
from sagellm_benchmark.files import write_whole
from sagellm_benchmark.hub.accepted import Rows, accepted_rows, read_submissions
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.bundles import (
    Bundles,
    Identifier,
    Proofs,
    Prover,
    joined_signatures,
    nowhere,
    proved,
    signed,
)
from sagellm_benchmark.hub.plan import Plan, doubtful, examine, make
from sagellm_benchmark.hub.retry import Pace, Tries, retrying
from sagellm_benchmark.hub.rivals import Rivals, rivals
from sagellm_benchmark.hub.store import (
    SIGNERS,
    SUBMISSIONS,
    Ambiguous,
    Busy,
    Snapshot,
    Stale,
    Store,
    in_memory,
)

Source = Callable[[Limits], list[Found]]
"""Gives the rows to publish, read within limits that depend on how large the board is."""

_NAMED = 5  # refused rows in an error message; --skip-invalid lists all of them
_ASK_EACH = 100  # submissions looked up one by one


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish came to. `commit` is the one that was written or, with nothing to write, the one that was read.

    The first `known` outcomes are of rows that were accepted before.
    """

    store: Store
    commit: str | None
    written: bool
    outcomes: tuple[Outcome, ...]
    refused: tuple[Refused, ...]
    known: int = 0
    mended: tuple[Entry, ...] = ()  # accepted rows that somebody else had taken off the board
    strange: tuple[str, ...] = ()  # what is wrong with accepted rows, or with what the dataset says of them
    unchecked: tuple[str, ...] = ()  # what the dataset says of them, and nobody looked at
    largest: int = 0  # bytes of the largest file that was written
    standing: Standing = Standing()  # what is known of all rows now

    @property
    def address(self) -> str:
        """Where to look at it."""
        return self.store.address(self.commit) if self.commit else self.store.name


def rows_in(folder: Path) -> Source:
    """Return the rows of every file in hf_data/. Raises DataError for a file that nobody could have meant."""
    files = row_files(folder)
    return lambda limits: [found for path in files for found in read_rows(path, limits)]


def publish(
    store: Store,
    source: Source,
    *,
    bundles: Bundles = nowhere,
    prove: Prover | None = None,
    identify: Identifier | None = None,
    skip_invalid: bool = False,
    dry_run: bool = False,
    pace: Pace | None = None,
) -> Published:
    """Bring every row of `source` onto the board, with the evidence that `prove` agrees with, or say why not.

    Raises DataError for a row that may not come onto it (nothing is sent then; `skip_invalid` leaves such rows out),
    ConflictError when others kept winning, RemoteError when the store is out of reach. Doing it twice changes nothing.
    """
    sent: list[Plan] = []
    try:
        plan_for = _Planner(store, source, bundles, prove, identify, skip_invalid)
        return _published(store, plan_for, Tries(pace or Pace()), sent, dry_run)
    except (RemoteError, ConflictError) as error:
        if sent or dry_run or "nothing was " in error.message:
            raise  # what was sent may have arrived, whatever came after it
        kind = ConflictError if isinstance(error, ConflictError) else RemoteError
        raise kind(f"{error.message}; nothing was written", hint=error.hint) from error


class _Round(NamedTuple):
    """What follows from what was read at `parent`; the board itself, which may be large, is let go."""

    parent: str | None
    plan: Plan
    strange: tuple[str, ...]
    unchecked: tuple[str, ...]


def _published(
    store: Store, plan_for: Callable[[Board], _Round], tries: Tries, sent: list[Plan], dry_run: bool
) -> Published:
    """Round and round until it is done; `sent` gets each plan that may have arrived though nobody said so."""
    answered = False
    while True:
        planned: _Round | None = None
        try:
            board = Board.of(store.read())
            answered = True
            planned = plan_for(board)
            del board
            unsure = sent[-1] if sent else None
            with closing(planned.plan.whole()) as plan:
                if dry_run or not plan.files:
                    return _finished(store, planned.parent, plan, unsure, planned, written=False)
                new = store.commit(plan.files, planned.parent, plan.message)
                sent.append(plan)
                look_at(store, new, planned.parent, plan)
                return _finished(store, new, plan, None, planned, written=True)
        except (Stale, Busy, Ambiguous) as error:
            # But for a conflict, the commit may have arrived all the same; the next round reads first and sees it.
            if planned is not None and not isinstance(error, Stale):
                sent.append(planned.plan)
            tries.wait(error, answered=answered)


def _signed(
    store: Store, board: Board, examined: Examined, bundles: Bundles, proofs: Proofs, identify: Identifier
) -> tuple[Examined, Proofs]:
    """Return what signatures add, those of rows that were accepted before among them; older ones are kept beside new
    ones.
    """
    facts, commit = board.standing.facts, board.commit
    accepted = {row: fact.proved for row, fact in facts.items() if fact.proved is not None}
    known = Proofs(proofs.files, {**accepted, **proofs.proved})
    enrolled = board.small.get(SIGNERS)
    examined, every = signed(examined, bundles, known, lambda digest, line: identify(digest, line, enrolled))
    paths = sorted(path for path in every.files if path.endswith(SIGNATURES))
    before = store.read(paths, commit=commit).files if paths and commit is not None else {}
    for path, there in before.items():
        every.files[path] = joined_signatures(there, every.files[path])
        if every.files[path] == there:  # nothing new to write
            del every.files[path]
    return examined, every


class _Planner:
    """Plans for a board, and for the next one when somebody else was faster; the rows are read once."""

    def __init__(
        self,
        store: Store,
        source: Source,
        bundles: Bundles,
        prove: Prover | None,
        identify: Identifier | None,
        skip_invalid: bool,
    ) -> None:
        self.store, self.source, self.bundles = store, source, bundles
        self.prove, self.identify, self.skip_invalid = prove, identify, skip_invalid
        self.found: list[Found] | None = None

    def __call__(self, board: Board) -> _Round:
        if self.found is None:
            self.found = _read(self.source, board)
        kept = _everything(self.store, board)
        examined = _examined(self.store, board, self.found, kept)
        known = rivals(self.store, board, examined, self.found, self.bundles, kept, self.prove, self.identify)
        examined, proofs = known.examined, Proofs()
        if self.prove is not None:
            examined, proofs = proved(examined, self.found, self.bundles, self.prove)
        if self.identify is not None:
            examined, proofs = _signed(self.store, known.board, examined, self.bundles, proofs, self.identify)
        _accept(examined, skip_invalid=self.skip_invalid)
        plan = _plan(known, examined, proofs, kept)
        strange = () if kept is None else tuple(kept.problems)
        return _Round(board.commit, plan.let_go(), (*strange, *known.problems), known.unchecked)


def _plan(known: Rivals, examined: Examined, proofs: Proofs, kept: Rows | None) -> Plan:
    now = f"{known.board.at or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    standing = known.board.standing.accepting(examined.new, examined.known, proofs.proved, now)
    accepted = None if kept is None else kept.entries
    return make(known.board, examined, standing, proofs=proofs.files, absent=known.absent, accepted=accepted)


def merge(store: Store, folder: Path, *, skip_invalid: bool = False, pace: Pace | None = None) -> Published:
    """Merge hf_data/ with the published board into hf_data/ itself, and send nothing. Raises as `publish`."""
    source = rows_in(folder)

    def read() -> tuple[Board, Examined]:
        board = Board.of(store.read())
        examined = _examined(store, board, _read(source, board))
        _accept(examined, skip_invalid=skip_invalid)
        return board, examined

    board, examined = retrying(read, pace)
    standing = board.standing.accepting(examined.new, (), {}, "")
    merged = join(board.entries, [standing.placed(entry) for entry in (*examined.known, *examined.new)])
    for name, content in tables(merged.entries).items():
        if name in BOARDS:
            write_whole(folder / name, content)
    return Published(store, board.commit, False, merged.outcomes, examined.refused, standing=board.standing)


@dataclass(frozen=True, slots=True)
class Unpublished:
    """Rows that are not safe, and what people find them by: their ids, or where they stand and what is wrong."""

    names: tuple[str, ...]
    rows: tuple[Found, ...]


def unpublished(store: Store, source: Source, *, pace: Pace | None = None) -> Unpublished:
    """Return which rows of `source` are not safe: safe ones are on the board, or were accepted and beaten."""

    def read() -> Unpublished:
        board = Board.of(store.read())
        found = _read(source, board)
        examined = _examined(store, board, found)
        outcomes = join(board.entries, [board.standing.placed(entry) for entry in examined.known]).outcomes
        gone = [outcome.entry for outcome in outcomes if outcome.fate in ONTO_THE_BOARD]
        ids = [entry.entry_id for entry in (*gone, *examined.new)]
        refused = {one.found.where for one in examined.refused}
        rows = tuple(one for one in found if one.where in refused or _id(one) in ids)
        return Unpublished((*ids, *map(str, examined.refused)), rows)

    return retrying(read, pace)


def _read(source: Source, board: Board) -> list[Found]:
    return source(Limits().beside(len(board.entries)))


def _id(found: Found) -> object:
    return found.row.get("entry_id") if isinstance(found.row, dict) else None


def _everything(store: Store, board: Board) -> Rows | None:
    """Return every row ever accepted, where somebody else wrote the boards since the last publish; None if nobody
    did.
    """
    return None if board.commit is None or board.is_as_left else accepted_rows(store, board.commit)


def _accept(examined: Examined, *, skip_invalid: bool) -> None:
    if examined.refused and not skip_invalid:
        raise _refusal(examined.refused)


def _examined(store: Store, board: Board, found: list[Found], every: Rows | None = None) -> Examined:
    """Judge the rows; what may have been accepted once is looked up among the submissions before it is judged."""
    if every is not None:
        return examine(board, found, every.entries)
    examined = examine(board, found)
    paths, commit = doubtful(board, examined), board.commit
    if not paths or commit is None:
        return examined
    if len(paths) > _ASK_EACH:
        paths = sorted(set(paths) & set(store.paths(SUBMISSIONS, commit)))
    kept = read_submissions(store, paths, commit)
    return examine(board, found, kept)


def _refusal(refused: tuple[Refused, ...]) -> DataError:
    shown = [str(one) for one in refused[:_NAMED]]
    if len(refused) > _NAMED:
        shown.append(f"… and {len(refused) - _NAMED} more")
    return DataError(
        "\n       ".join(["these rows may not be published; nothing was sent:", *shown]),
        hint="fix or remove them, or publish the others with --skip-invalid",
    )


def look_at(store: Store, commit: str, parent: str | None, plan: Plan) -> None:
    """Look at the new commit: each row that was there or handed in is in it, or beaten by a better one.

    Raises RemoteError if one is missing.
    """
    sent = in_memory({name: content for name, content in plan.files.items() if name in BOARDS})
    if store.holds(sent, commit):
        return  # byte for byte what was joined
    placed = plan.standing.placed
    there = map(placed, _entries(store.read(BOARDS, commit=commit)))
    before = _entries(store.read(BOARDS, commit=parent))
    for outcome in join(there, [placed(e) for e in (*before, *(o.entry for o in plan.outcomes))]).outcomes:
        if outcome.fate in ONTO_THE_BOARD:
            raise RemoteError(
                f"row {outcome.entry.entry_id} is missing at {store.address(commit)}",
                hint="publish again; if it is missing again, report it",
            )


def _entries(snapshot: Snapshot) -> Iterable[Entry]:
    return [entry for name, content in snapshot.files.items() for entry in entries(name, content)]


def _finished(
    store: Store, commit: str | None, plan: Plan, unsure: Plan | None, found: _Round, *, written: bool
) -> Published:
    """Return the result. Rows that an earlier try brought there, as is now known, count as that try's."""
    outcomes = plan.outcomes
    if unsure is not None and not written:
        first = {outcome.entry.text: outcome for outcome in unsure.outcomes if outcome.fate in ONTO_THE_BOARD}
        there = {o.entry.text for o in outcomes if o.fate is Fate.ALREADY_THERE}
        outcomes = tuple(first[o.entry.text] if o.entry.text in first.keys() & there else o for o in outcomes)
    return Published(
        store,
        commit,
        written or unsure is not None,
        outcomes,
        plan.refused,
        known=plan.known,
        mended=plan.mended,
        strange=found.strange,
        unchecked=found.unchecked,
        largest=plan.largest,
        standing=plan.standing,
    )
