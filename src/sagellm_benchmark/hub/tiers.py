"""Check the standing of a dataset's rows: compute their evidence again, and check who signed it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sagellm_benchmark.board.agreement import Measured
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import slug
from sagellm_benchmark.board.proof import bundle_path, evidence_of, signatures_path
from sagellm_benchmark.board.standing import Fact, Proved, Standing, Tier
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.bundles import MOST_SIGNERS, Identifier, Prover, signature_lines
from sagellm_benchmark.hub.store import SIGNERS, SUBMISSIONS, Store

_AT_ONCE = 8  # rows whose evidence is read in one call, and held; a bundle may have 8 MiB
_CLOSE = 1e-9  # relative; between processors the last digits of a sum may differ


class Missing(NamedTuple):
    """The row, and its configuration, whose file is missing."""

    row: str
    configuration: str


@dataclass(frozen=True, slots=True)
class Backed:
    """The standing that evidence and signatures support, and where the dataset says something else (`problems`).

    `unchecked` says what was not looked at, for which the dataset's word counts. `missing` has the submissions, bundles
    and signatures, by path, that the dataset refers to but does not hold.
    """

    standing: Standing
    problems: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    missing: Mapping[str, Missing] = field(default_factory=dict)


def backed(
    store: Store,
    board: Board,
    rows: Iterable[Entry],
    prove: Prover,
    identify: Identifier,
    *,
    of: Container[str] | None = None,
    most: int | None = None,
    enough: Callable[[], bool] = lambda: False,
) -> Backed:
    """Compute again every row that the dataset calls proved or that names evidence, and check who signed it.

    `rows` are the accepted rows; `of` limits the check to some configurations, and `most` to so many rows of each. If
    `enough`, asked before each row, returns True, no more rows are checked. Raise what the store raises.
    """
    facts = dict(board.standing.facts)
    claimed = {
        name: fact
        for name, fact in facts.items()
        if fact.proved is not None and (of is None or fact.configuration in of)
    }
    entries = {
        (entry.entry_id, slug(entry.identity)): entry
        for entry in rows
        if entry.entry_id in claimed or b'"evidence"' in entry.text
    }
    named = {name: _fact(facts.get(name), place) for name, place in entries if of is None or place in of}
    asked = {**claimed, **named}
    look = _Look(
        prove, identify, board.small.get(SIGNERS), max((f.number for f in facts.values()), default=0)
    )
    names = _first(asked, board.standing, most)
    done = 0
    while done < len(names) and not enough():
        part = {
            name: entries.get((name, asked[name].configuration)) for name in names[done : done + _AT_ONCE]
        }
        files = store.read(list(_paths(part.values())), commit=board.commit).files
        for name, entry in part.items():
            if enough():
                break
            done += 1
            proved = look.at(name, asked[name], entry, files)
            if name in facts or proved is not None:
                facts[name] = replace(asked[name], proved=proved)
    left = len(asked) - done
    more = [f"the evidence of {left:,} more rows was not looked at: `rebuild --check` does"] if left else []
    standing = replace(board.standing, facts=facts)
    return Backed(standing, tuple(look.problems), (*look.unchecked, *more), look.missing)


def _first(asked: Mapping[str, Fact], standing: Standing, most: int | None) -> list[str]:
    """Return the ids of the rows to check, the most urgent first, at most `most` of each configuration."""
    if most is None:
        return sorted(asked)
    of: defaultdict[str, list[str]] = defaultdict(list)
    order = sorted(asked, key=lambda name: (*_urgency(asked[name], standing.tier(name)), name))
    for name in order:
        of[asked[name].configuration].append(name)
    chosen = {name for group in of.values() for name in group[:most]}
    return [name for name in order if name in chosen]


def _fact(known: Fact | None, place: str) -> Fact:
    """Return the fact of a row in its own configuration; one that names another configuration proves nothing."""
    fact = Fact(0, "", place) if known is None else known
    return fact if fact.configuration == place else replace(fact, configuration=place, proved=None)


def _urgency(fact: Fact, tier: Tier) -> tuple[bool, int, float]:
    """Return a key that puts rows first that the dataset does not call proved, then those that it ranks highest."""
    return fact.proved is not None, -tier, 0.0 if fact.proved is None else -fact.proved.throughput.value


class _Look:
    """Checks one row after the other, and collects what is wrong; `accepted` is how many rows were ever accepted."""

    def __init__(self, prove: Prover, identify: Identifier, enrolled: bytes | None, accepted: int) -> None:
        self.prove, self.identify, self.enrolled, self.accepted = prove, identify, enrolled, accepted
        self.problems: list[str] = []
        self.unchecked: list[str] = []
        self.missing: dict[str, Missing] = {}

    def at(self, name: str, fact: Fact, entry: Entry | None, files: Mapping[str, bytes]) -> Proved | None:
        """Return what the files prove about this row; None if they prove nothing."""
        held = fact.proved
        digest = None if entry is None else evidence_of(entry.row)
        bundle = None if digest is None else files.get(bundle_path(digest))
        whose = Missing(name, fact.configuration)
        if entry is None:
            self.missing[f"{SUBMISSIONS}/{fact.configuration}/{name}.json"] = whose
        elif digest is not None and bundle is None:
            self.missing[bundle_path(digest)] = whose
        if entry is None or digest is None or bundle is None:
            if held is not None:
                missing = "was never accepted" if entry is None else "has no evidence here"
                self.problems.append(f"row {name} is held for proved, and {missing}")
            return None
        try:
            measured = Measured(entry.throughput_tps or 0.0, self.prove(entry.row, bundle))
        except DataError as error:
            if held is not None:
                self.problems.append(f"row {name} is held for proved, and does not follow: {error.message}")
            return None
        if held is None:
            self.problems.append(f"row {name} is held for a claim, and its evidence here proves it")
        elif not _same(measured, held.throughput):
            self.problems.append(f"row {name} is held for another throughput than its evidence gives")
        claimed, path = frozenset[str]() if held is None else held.signers, signatures_path(digest)
        if claimed and path not in files:
            self.missing[path] = whose
        lines = signature_lines(files.get(path, b""))
        signers = self._signers(name, digest, lines, claimed)
        return Proved(measured, signers).known_by(held, self.accepted)

    def _signers(
        self, name: str, digest: str, lines: Iterable[bytes], claimed: frozenset[str]
    ) -> frozenset[str]:
        held: set[str] = set()
        for line in list(lines)[:MOST_SIGNERS]:
            try:
                held.add(self.identify(digest, line, self.enrolled))
            except DataError:
                continue  # a bad signature harms nobody, and counts for nothing
            except UsageError as error:
                self.unchecked.append(f"who signed row {name} was not looked at: {error.message}")
                return claimed
        if missing := sorted(claimed - held):
            self.problems.append(
                f"row {name} is held for signed by {missing[0]}, which no signature here shows"
            )
        if more := sorted(held - claimed):
            self.problems.append(f"row {name} is signed by {more[0]}, which it is not held for")
        return frozenset(held)


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
