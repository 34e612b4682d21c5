"""Withdraw a row: a signed tombstone, and the board without that row, in one commit. The row's own file stays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import submission_path
from sagellm_benchmark.board.standing import Withdrawal
from sagellm_benchmark.board.submission import Examined
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.hub.accepted import accepted_rows
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.bundles import Identifier, joined_signatures
from sagellm_benchmark.hub.plan import Plan, make
from sagellm_benchmark.hub.publish import look_at
from sagellm_benchmark.hub.retry import Pace, retrying
from sagellm_benchmark.hub.store import SIGNERS, Store
from sagellm_benchmark.hub.tombstones import statement, tombstone, tombstone_path, withdrawal

Sign = Callable[[bytes], bytes]
"""Returns the signature over the bytes of a statement, one line of JSON."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A row that is off the board for good, and the row that takes its place (`back`), if there is one.

    `written` is False if the row was withdrawn before; withdrawing it again changes nothing.
    """

    store: Store
    commit: str
    written: bool
    entry: Entry
    withdrawal: Withdrawal
    back: Entry | None = None

    @property
    def address(self) -> str:
        """Where to look at the commit."""
        return self.store.address(self.commit)


def withdraw(
    store: Store, row: str, reason: str, *, sign: Sign, identify: Identifier, pace: Pace | None = None
) -> Withdrawn:
    """Withdraw an accepted row; `row` is its id, or the path of its submission.

    The statement is signed only once. Raise DataError, with nothing written, if there is no such row or the signer may
    not withdraw it; ConflictError if others are always faster, RemoteError if the store is out of reach.
    """
    signed = cache(sign)
    return retrying(lambda: _withdrawn(store, row, reason, signed, identify), pace)


def _withdrawn(store: Store, row: str, reason: str, sign: Sign, identify: Identifier) -> Withdrawn:
    snapshot = store.read()
    if snapshot.commit is None:
        raise DataError(f"{store.name} does not exist", hint="name it with --repo or --to")
    board, kept = Board.of(snapshot), accepted_rows(store, snapshot.commit)
    entry = _only([*kept.entries, *board.recorded], row, store)
    said = statement(entry, reason)
    line = tombstone(said, sign(said))
    one = withdrawal(entry, line, board.standing, board.small.get(SIGNERS), identify)
    if one in board.standing.withdrawals(entry):
        return Withdrawn(store, snapshot.commit, False, entry, one)
    path = tombstone_path(entry)
    before = store.read([path], commit=snapshot.commit).files.get(path, b"")
    standing = board.standing.withdrawing(entry.entry_id, one)
    nothing = Examined((), (), ())
    proofs = {path: joined_signatures(before, line)}
    with closing(make(board, nothing, standing, proofs=proofs, accepted=kept.entries).whole()) as plan:
        new = store.commit(plan.files, snapshot.commit, "Withdraw 1 row")
        look_at(store, new, snapshot.commit, plan)
    return Withdrawn(store, new, True, entry, one, _back(plan, entry))


def _only(accepted: list[Entry], row: str, store: Store) -> Entry:
    """Return the one accepted row that `row` names. Raise DataError if there is none, or more than one."""
    paths = {submission_path(entry.row): entry for entry in accepted}
    found = [entry for path, entry in paths.items() if path == row or path.endswith(f"/{row}.json")]
    if len(found) != 1:
        some = "no accepted row" if not found else f"{len(found)} accepted rows"
        raise DataError(
            f"{store.name} holds {some} {row}; nothing was withdrawn",
            hint="look at the ids on the board" if not found else "name the row's file instead of its id",
        )
    return found[0]


def _back(plan: Plan, withdrawn: Entry) -> Entry | None:
    return next((entry for entry in plan.mended if entry.identity == withdrawn.identity), None)
