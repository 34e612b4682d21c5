"""How well each accepted row is backed, and since when it is published: what orders rows before their numbers do. Pure.

A dataset keeps what it knows of its rows in one file, STANDING. Joining two of them is a union, so that in whatever
order facts arrive everybody derives the same tiers. Nothing of it is ever read from a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property
from itertools import product
from typing import NamedTuple

from sagellm_benchmark.board.agreement import Measured, agree
from sagellm_benchmark.board.entry import Entry, Place
from sagellm_benchmark.board.identity import slug
from sagellm_benchmark.board.proof import evidence_of
from sagellm_benchmark.board.rules import MOMENT

LATER = 2**62
"""Beyond the number of any row: what has it comes after all that are numbered."""
BOLD = 1.3  # times the best reproduced throughput: what is above waits until somebody else sees it, too


class Tier(IntEnum):
    """What stands behind a row. A lower tier never displaces a higher one."""

    CLAIMED = 0  # its word
    EVIDENCED = 1  # its requests lie in the dataset, and every figure follows from them
    ATTESTED = 2  # and somebody known has signed that evidence
    REPRODUCED = 3  # and somebody else, known too, measured the same


@dataclass(frozen=True, slots=True)
class Proved:
    """What a row's evidence says: its throughput with the 95 % interval, and who signed it.

    `since`: how many rows had been accepted when each of the signers was known.
    """

    throughput: Measured
    signers: frozenset[str] = frozenset()
    since: Mapping[str, int] = field(default_factory=dict)

    def joined(self, other: Proved) -> Proved:
        """Both speak of the same evidence, so only the signers can differ, and when they came."""
        throughput = min(self.throughput, other.throughput, key=repr)
        signers = self.signers | other.signers
        later = {name: max(self.since.get(name, 0), other.since.get(name, 0)) for name in signers}
        return Proved(throughput, signers, later)

    def known_by(self, before: Proved | None, number: int) -> Proved:
        """Return the same with since when each signer is known: as `before` says, or `number` for a new one."""
        known = {} if before is None else before.since
        return replace(self, since={name: known.get(name, number) for name in self.signers})


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of an accepted row. `number` counts acceptances; `published_at` is RFC 3339, in UTC."""

    number: int
    published_at: str
    configuration: str
    proved: Proved | None = None

    def joined(self, other: Fact) -> Fact:
        """Return what both know."""
        first = min(self, other, key=lambda fact: (fact.number, fact.published_at, fact.configuration))
        both = [fact.proved for fact in (self, other) if fact.proved is not None]
        proved = both[0].joined(both[-1]) if both else None
        return replace(first, proved=proved)


class Withdrawal(NamedTuple):
    """Who took a row of a configuration back, and why."""

    configuration: str
    by: str
    reason: str


Withdrawals = Mapping[str, frozenset[Withdrawal]]
"""By row id. Withdrawals only ever grow in number, so joining them is a union."""


@dataclass(frozen=True)
class Standing:
    """The facts of a dataset, by row id."""

    facts: Mapping[str, Fact] = field(default_factory=dict)
    withdrawn: Withdrawals = field(default_factory=dict)

    def joined(self, other: Standing) -> Standing:
        """Return every fact of both: commutative, associative, idempotent."""
        facts = dict(self.facts)
        for entry_id, fact in other.facts.items():
            facts[entry_id] = facts[entry_id].joined(fact) if entry_id in facts else fact
        return Standing(facts, _union(self.withdrawn, other.withdrawn))

    def withdrawing(self, entry_id: str, withdrawal: Withdrawal) -> Standing:
        """Return the same, where this row is withdrawn."""
        return Standing(self.facts, _union(self.withdrawn, {entry_id: frozenset({withdrawal})}))

    def withdrawals(self, entry: Entry) -> list[Withdrawal]:
        """Return who took the row back, and why, in one order; nothing for a row that stands."""
        if entry.entry_id not in self.withdrawn:
            return []
        return self._withdrawals(entry.entry_id, slug(entry.identity))

    def accepting(
        self, new: Iterable[Entry], known: Iterable[Entry], proofs: Mapping[str, Proved], now: str
    ) -> Standing:
        """Return the same with `new` rows, numbered on, and what is proved of them and of `known` ones, by row id.

        `now` is the time that they are published at; it is shown, and orders nothing. One of no year that anybody
        publishes in is that of a broken clock, and not known.
        """
        facts, now = dict(self.facts), now if MOMENT.accepts(now) else ""
        number = max((fact.number for fact in facts.values()), default=0)
        for entry in new:
            number += 1
            facts.setdefault(entry.entry_id, Fact(number, now, slug(entry.identity)))
        for entry in (*new, *known):
            if entry.entry_id in proofs:
                before = facts.get(entry.entry_id, Fact(0, "", slug(entry.identity)))
                proved = proofs[entry.entry_id].known_by(before.proved, number)
                facts[entry.entry_id] = before.joined(replace(before, proved=proved))
        return Standing(facts, self.withdrawn)

    def placed(self, entry: Entry) -> Entry:
        """Return the row as it takes part in a merge.

        A row that was published before anybody counted is the earliest.
        """
        if self.withdrawals(entry):
            return _at(entry, Place(withdrawn=True))
        fact = self.facts.get(entry.entry_id)
        if fact is None or fact.configuration != slug(entry.identity):
            return _at(entry, Place())
        return _at(entry, Place(self.tier(entry.entry_id), fact.number, fact.published_at))

    def expected(self, entry: Entry) -> Entry:
        """Return a row that may not be published yet: later than all that are, and evidenced where it names evidence.

        Publishing looks at that evidence; this only keeps a row that has some from being left out before.
        """
        if entry.entry_id in self.facts or entry.entry_id in self.withdrawn:
            return self.placed(entry)
        named = b'"evidence"' in entry.text and evidence_of(entry.row) is not None
        return entry._replace(place=Place(Tier.EVIDENCED if named else Tier.CLAIMED, LATER))

    def tier(self, entry_id: str) -> Tier:
        """Return the tier that follows from all facts.

        No row that comes later lowers the tier of one that is there: only what was reproduced before a row makes it
        wait.
        """
        fact = self.facts.get(entry_id)
        if fact is None or fact.proved is None:
            return Tier.CLAIMED
        if entry_id in self._reproduced:
            return Tier.REPRODUCED
        before = [rate for since, rate in self._rates.get(fact.configuration, ()) if since < fact.number]
        if before and fact.proved.throughput.value > BOLD * max(before):
            return Tier.CLAIMED
        return Tier.ATTESTED if fact.proved.signers else Tier.EVIDENCED

    def backed(self, configurations: Iterable[str]) -> list[str]:
        """Return the ids of all rows of these configurations whose tier may be above that of a claim."""
        wanted = set(configurations)
        return [row for row, fact in self.facts.items() if fact.proved and fact.configuration in wanted]

    @cached_property
    def _reproduced(self) -> Mapping[str, int]:
        """Rows with another of their configuration that agrees, signed by somebody else, and since when."""
        signed: defaultdict[str, dict[str, Proved]] = defaultdict(dict)
        for entry_id, fact in self.facts.items():
            if (
                fact.proved is not None
                and fact.proved.signers
                and not self._withdrawals(entry_id, fact.configuration)
            ):
                signed[fact.configuration][entry_id] = fact.proved
        found: dict[str, int] = {}
        for group in signed.values():
            for entry_id, one in group.items():
                others = (_reproduced_since(one, other) for name, other in group.items() if name != entry_id)
                if known := [since for since in others if since is not None]:
                    found[entry_id] = min(known)
        return found

    def _withdrawals(self, entry_id: str, configuration: str) -> list[Withdrawal]:
        return sorted(one for one in self.withdrawn.get(entry_id, ()) if one.configuration == configuration)

    @cached_property
    def _rates(self) -> Mapping[str, list[tuple[int, float]]]:
        """Return what was reproduced of each configuration: since when, and its throughput."""
        rates: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        for entry_id, since in self._reproduced.items():
            fact = self.facts[entry_id]
            if fact.proved is not None:
                rates[fact.configuration].append((since, fact.proved.throughput.value))
        return rates


def _union(ours: Withdrawals, theirs: Withdrawals) -> Withdrawals:
    nobody: frozenset[Withdrawal] = frozenset()
    return {name: ours.get(name, nobody) | theirs.get(name, nobody) for name in {**ours, **theirs}}


def _at(entry: Entry, place: Place) -> Entry:
    return entry if entry.place == place else entry._replace(place=place)


def _reproduced_since(one: Proved, other: Proved) -> int | None:
    """Return since when two identities stand behind two measurements that say the same; None if they do not."""
    if not agree(one.throughput, other.throughput):
        return None
    pairs = product(one.signers, other.signers)
    both = (max(one.since.get(a, 0), other.since.get(b, 0)) for a, b in pairs if a != b)
    return min(both, default=None)
