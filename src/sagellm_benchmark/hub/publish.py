"""Publish without losing anything: read, merge, commit on top of what was read, and repeat until it is proved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.entry import BOARDS, Entry, entries
from sagellm_benchmark.board.merge import ONTO_THE_BOARD, Fate, Outcome, join
from sagellm_benchmark.board.standing import Standing
from sagellm_benchmark.board.submission import Examined, Refused
from sagellm_benchmark.errors import ConflictError, RemoteError
from sagellm_benchmark.files import write_whole
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.bundles import Bundles, Identifier, Prover, nowhere
from sagellm_benchmark.hub.handed_in import Source, judge, read_source, refuse_invalid, rows_in
from sagellm_benchmark.hub.plan import Plan
from sagellm_benchmark.hub.planner import Planner, Round
from sagellm_benchmark.hub.retry import Pace, Tries, retrying
from sagellm_benchmark.hub.store import Ambiguous, Busy, Snapshot, Stale, Store, in_memory


@dataclass(frozen=True, slots=True)
class Published:
    """The result of a publish. `commit` is the one that was written or, with nothing to write, the one that was read.

    The first `known` outcomes are those of rows that were accepted before.
    """

    store: Store
    commit: str | None
    written: bool
    outcomes: tuple[Outcome, ...]
    refused: tuple[Refused, ...]
    known: int = 0
    mended: tuple[Entry, ...] = ()  # accepted rows that somebody else had taken off the board
    strange: tuple[
        str, ...
    ] = ()  # what is wrong with accepted rows, or with what the dataset says about them
    unchecked: tuple[str, ...] = ()  # what the dataset says about them, but was not looked at
    largest: int = 0  # bytes of the largest file that was written
    standing: Standing = Standing()  # what is now known about all rows

    @property
    def address(self) -> str:
        """Where to look at the commit."""
        return self.store.address(self.commit) if self.commit else self.store.name


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

    Raise DataError for a row that may not come onto it (nothing is sent then; `skip_invalid` leaves such rows out),
    ConflictError if others are always faster, RemoteError if the store is out of reach. A second time changes nothing.
    """
    sent: list[Plan] = []
    try:
        plan_for = Planner(store, source, bundles, prove, identify, skip_invalid)
        return _published(store, plan_for, Tries(pace or Pace()), sent, dry_run)
    except (RemoteError, ConflictError) as error:
        if sent or dry_run or "nothing was " in error.message:
            raise  # what was sent may have arrived, whatever came after it
        kind = ConflictError if isinstance(error, ConflictError) else RemoteError
        raise kind(f"{error.message}; nothing was written", hint=error.hint) from error


def _published(
    store: Store, plan_for: Callable[[Board], Round], tries: Tries, sent: list[Plan], dry_run: bool
) -> Published:
    """Try again until it is done; `sent` collects each plan that may have arrived without confirmation."""
    answered = False
    while True:
        planned: Round | None = None
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
            # unless it is a conflict, the commit may have arrived; the next round reads first, and sees it
            if planned is not None and not isinstance(error, Stale):
                sent.append(planned.plan)
            tries.wait(error, answered=answered)


def merge(store: Store, folder: Path, *, skip_invalid: bool = False, pace: Pace | None = None) -> Published:
    """Merge hf_data/ with the published board into hf_data/ itself, and send nothing. Raise what `publish` raises."""
    source = rows_in(folder)

    def read() -> tuple[Board, Examined]:
        board = Board.of(store.read())
        examined = judge(store, board, read_source(source, board))
        refuse_invalid(examined, skip_invalid=skip_invalid)
        return board, examined

    board, examined = retrying(read, pace)
    standing = board.standing.accepting(examined.new, (), {}, "")
    merged = join(board.entries, [standing.placed(entry) for entry in (*examined.known, *examined.new)])
    for name, content in tables(merged.entries).items():
        if name in BOARDS:
            write_whole(folder / name, content)
    return Published(store, board.commit, False, merged.outcomes, examined.refused, standing=board.standing)


def look_at(store: Store, commit: str, parent: str | None, plan: Plan) -> None:
    """Raise RemoteError if a row that was on the board or handed in is neither in the new commit nor beaten there."""
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
    store: Store, commit: str | None, plan: Plan, unsure: Plan | None, found: Round, *, written: bool
) -> Published:
    """Return the result. If an earlier, unconfirmed try turns out to have arrived, its outcomes count for its rows."""
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
