"""One round of publishing: from the board that was read to the plan of what to write. Nothing is sent here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from sagellm_benchmark.board.proof import SIGNATURES
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.board.submission import Examined
from sagellm_benchmark.hub.accepted import Rows, accepted_rows
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.bundles import (
    Bundles,
    Identifier,
    Proofs,
    Prover,
    joined_signatures,
    proved,
    signed,
)
from sagellm_benchmark.hub.handed_in import Source, judge, read_source, refuse_invalid
from sagellm_benchmark.hub.plan import Plan, make
from sagellm_benchmark.hub.rivals import Rivals, rivals
from sagellm_benchmark.hub.store import SIGNERS, Store


class Round(NamedTuple):
    """The plan for what was read at `parent`, without the board itself, which may be large.

    `strange` says what is wrong in the dataset, and `unchecked` what was not looked at.
    """

    parent: str | None
    plan: Plan
    strange: tuple[str, ...]
    unchecked: tuple[str, ...]


def _signed(
    store: Store, board: Board, examined: Examined, bundles: Bundles, proofs: Proofs, identify: Identifier
) -> tuple[Examined, Proofs]:
    """Return what signatures add, also to rows that were accepted before; older signatures are kept beside new ones."""
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


class Planner:
    """Plans for a board, and again for the next one if somebody else was faster; the rows are read only once."""

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

    def __call__(self, board: Board) -> Round:
        if self.found is None:
            self.found = read_source(self.source, board)
        kept = _everything(self.store, board)
        examined = judge(self.store, board, self.found, kept)
        known = rivals(self.store, board, examined, self.found, self.bundles, kept, self.prove, self.identify)
        examined, proofs = known.examined, Proofs()
        if self.prove is not None:
            examined, proofs = proved(examined, self.found, self.bundles, self.prove)
        if self.identify is not None:
            examined, proofs = _signed(self.store, known.board, examined, self.bundles, proofs, self.identify)
        refuse_invalid(examined, skip_invalid=self.skip_invalid)
        plan = _plan(known, examined, proofs, kept)
        strange = () if kept is None else tuple(kept.problems)
        return Round(board.commit, plan.let_go(), (*strange, *known.problems), known.unchecked)


def _plan(known: Rivals, examined: Examined, proofs: Proofs, kept: Rows | None) -> Plan:
    now = f"{known.board.at or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    standing = known.board.standing.accepting(examined.new, examined.known, proofs.proved, now)
    accepted = None if kept is None else kept.entries
    return make(known.board, examined, standing, proofs=proofs.files, absent=known.absent, accepted=accepted)


def _everything(store: Store, board: Board) -> Rows | None:
    """Return every row ever accepted if somebody else has written the boards since the last publish, else None."""
    return None if board.commit is None or board.is_as_left else accepted_rows(store, board.commit)
