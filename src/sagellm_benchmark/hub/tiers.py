"""What lies in a dataset behind the standing of its rows: evidence that is computed again, signatures that hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from sagellm_benchmark.board.agreement import Measured
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import slug
from sagellm_benchmark.board.proof import bundle_path, evidence_of, signatures_path
from sagellm_benchmark.board.standing import Fact, Proved, Standing
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.hub.bundles import MOST_SIGNERS, Identifier, Prover, signature_lines
from sagellm_benchmark.hub.plan import Board
from sagellm_benchmark.hub.store import SIGNERS, Store

_AT_ONCE = 50  # rows whose evidence is read in one call
_CLOSE = 1e-9  # relative; between processors the last digits of a sum may differ


@dataclass(frozen=True, slots=True)
class Backed:
    """The standing that evidence and signatures bear out, and where the dataset claims more; `unchecked`: why not all
    was looked at, for which its word stands.
    """

    standing: Standing
    problems: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


def backed(store: Store, board: Board, rows: Iterable[Entry], prove: Prover, identify: Identifier) -> Backed:
    """Compute every row again that is held for proved, and look at who signed it. Raises what the store raises."""
    claimed = {name: fact for name, fact in board.standing.facts.items() if fact.proved is not None}
    if not claimed:
        return Backed(board.standing)
    entries = {(entry.entry_id, slug(entry.identity)): entry for entry in rows if entry.entry_id in claimed}
    look = _Look(prove, identify, board.small.get(SIGNERS))
    facts = dict(board.standing.facts)
    names = sorted(claimed)
    for start in range(0, len(names), _AT_ONCE):
        part = {
            name: entries.get((name, claimed[name].configuration)) for name in names[start : start + _AT_ONCE]
        }
        files = store.read(list(_paths(part.values())), commit=board.commit).files
        for name, entry in part.items():
            facts[name] = replace(facts[name], proved=look.at(name, claimed[name], entry, files))
    return Backed(replace(board.standing, facts=facts), tuple(look.problems), tuple(look.unchecked))


class _Look:
    """Looks at one row after the other, and collects what is wrong."""

    def __init__(self, prove: Prover, identify: Identifier, enrolled: bytes | None) -> None:
        self.prove, self.identify, self.enrolled = prove, identify, enrolled
        self.problems: list[str] = []
        self.unchecked: list[str] = []

    def at(self, name: str, fact: Fact, entry: Entry | None, files: Mapping[str, bytes]) -> Proved | None:
        """Return what the files prove of this row; None where that is nothing."""
        digest = None if entry is None else evidence_of(entry.row)
        bundle = None if digest is None else files.get(bundle_path(digest))
        if entry is None or digest is None or bundle is None or fact.proved is None:
            missing = "was never accepted" if entry is None else "has no evidence here"
            self.problems.append(f"row {name} is held for proved, and {missing}")
            return None
        try:
            measured = Measured(entry.throughput_tps or 0.0, self.prove(entry.row, bundle))
        except DataError as error:
            self.problems.append(f"row {name} is held for proved, and does not follow: {error.message}")
            return None
        if not _same(measured, fact.proved.throughput):
            self.problems.append(f"row {name} is held for another throughput than its evidence gives")
        lines = signature_lines(files.get(signatures_path(digest), b""))
        return Proved(measured, self._signers(name, digest, lines, fact.proved.signers))

    def _signers(
        self, name: str, digest: str, lines: Iterable[bytes], claimed: frozenset[str]
    ) -> frozenset[str]:
        held: set[str] = set()
        for line in list(lines)[:MOST_SIGNERS]:
            try:
                held.add(self.identify(digest, line, self.enrolled))
            except DataError:
                continue  # it harms nobody, and counts for nothing
            except UsageError as error:
                self.unchecked.append(f"who signed row {name} was not looked at: {error.message}")
                return claimed
        if missing := sorted(claimed - held):
            self.problems.append(
                f"row {name} is held for signed by {missing[0]}, which no signature here shows"
            )
        return frozenset(held) & claimed


def _paths(entries: Iterable[Entry | None]) -> Iterator[str]:
    for entry in entries:
        digest = None if entry is None else evidence_of(entry.row)
        if digest is not None:
            yield from (bundle_path(digest), signatures_path(digest))


def _same(one: Measured, other: Measured) -> bool:
    if one.interval is None or other.interval is None:
        return one.interval == other.interval and math.isclose(one.value, other.value, rel_tol=_CLOSE)
    pairs = zip((one.value, *one.interval), (other.value, *other.interval), strict=True)
    return all(math.isclose(a, b, rel_tol=_CLOSE) for a, b in pairs)
