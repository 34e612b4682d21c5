"""How well each accepted row is backed, and since when it has been published, which counts before its numbers. Pure.

A dataset keeps what it knows about its rows in one file, STANDING. Joining two such files is a union, so everybody
derives the same tiers, in whatever order facts arrive. None of this is ever read from a row.
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
"""A number above that of any accepted row: a row with it comes after all of them."""
BOLD = (
    1.3  # times the best reproduced throughput; a row above that is a claim until somebody else reproduces it
)


class Tier(IntEnum):
    """What stands behind a row. A lower tier never displaces a higher one."""

    CLAIMED = 0  # its word
    EVIDENCED = 1  # its requests lie in the dataset, and every figure follows from them
    ATTESTED = 2  # and somebody known has signed that evidence
    REPRODUCED = 3  # and somebody else, known too, measured the same


@dataclass(frozen=True, slots=True)
class Proved:
    """What a row's evidence says: its throughput in tokens/s with the 95 % interval, and who signed it.

    `since` is, for each signer, how many rows had been accepted when that signature became known.
    """

    throughput: Measured
    signers: frozenset[str] = frozenset()
    since: Mapping[str, int] = field(default_factory=dict)

    def joined(self, other: Proved) -> Proved:
        """Return both together. They are about the same evidence, so only the signers and their `since` can differ."""
        throughput = min(self.throughput, other.throughput, key=repr)
        signers = self.signers | other.signers
        later = {name: max(self.since.get(name, 0), other.since.get(name, 0)) for name in signers}
        return Proved(throughput, signers, later)

    def known_by(self, before: Proved | None, number: int) -> Proved:
        """Return the same with `since` set for each signer: to what `before` says, or to `number` for a new one."""
        known = {} if before is None else before.since
        return replace(self, since={name: known.get(name, number) for name in self.signers})


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known about an accepted row.

    `number` counts acceptances; `published_at` is RFC 3339 in UTC, or empty; `configuration` is the identity's slug.
    """

    number: int
    published_at: str
    configuration: str
    proved: Proved | None = None

    def joined(self, other: Fact) -> Fact:
        """Return what both facts say together."""
        first = min(self, other, key=lambda fact: (fact.number, fact.published_at, fact.configuration))
        both = [fact.proved for fact in (self, other) if fact.proved is not None]
        proved = both[0].joined(both[-1]) if both else None
        return replace(first, proved=proved)


class Withdrawal(NamedTuple):
    """Who took back a row of a configuration, and why."""

    configuration: str
    by: str
    reason: str


Withdrawals = Mapping[str, frozenset[Withdrawal]]
"""By row id. Withdrawals only ever grow in number, so joining them is a union."""


@dataclass(frozen=True)
class Standing:
    """What a dataset knows about its rows, by row id."""

    facts: Mapping[str, Fact] = field(default_factory=dict)
    withdrawn: Withdrawals = field(default_factory=dict)

    def joined(self, other: Standing) -> Standing:
        """Return every fact of both: commutative, associative, idempotent."""
        facts = dict(self.facts)
        for entry_id, fact in other.facts.items():
            facts[entry_id] = facts[entry_id].joined(fact) if entry_id in facts else fact
        return Standing(facts, _union(self.withdrawn, other.withdrawn))

    def withdrawing(self, entry_id: str, withdrawal: Withdrawal) -> Standing:
        """Return the same with this row withdrawn."""
        return Standing(self.facts, _union(self.withdrawn, {entry_id: frozenset({withdrawal})}))

    def withdrawals(self, entry: Entry) -> list[Withdrawal]:
        """Return who took the row back, and why, in a fixed order; empty for a row that stands."""
        if entry.entry_id not in self.withdrawn:
            return []
        return self._withdrawals(entry.entry_id, slug(entry.identity))

    def accepting(
        self, new: Iterable[Entry], known: Iterable[Entry], proofs: Mapping[str, Proved], now: str
    ) -> Standing:
        """Return the same with the `new` rows under the next numbers, and the `proofs`, by id, of new and `known` ones.

        `now` is the time of publication; it is shown, but orders nothing. If MOMENT does not accept it, the clock is
        broken, and the time counts as not known.
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
        """Return the row with its place in a merge.

        A row without a fact was published before rows were numbered, so it counts as the earliest.
        """
        if self.withdrawals(entry):
            return _at(entry, Place(withdrawn=True))
        fact = self.facts.get(entry.entry_id)
        if fact is None or fact.configuration != slug(entry.identity):
            return _at(entry, Place())
        return _at(entry, Place(self.tier(entry.entry_id), fact.number, fact.published_at))

    def expected(self, entry: Entry) -> Entry:
        """Return a row with the place that it can expect.

        A row that is not published yet comes after all published ones, and counts as evidenced if it names evidence.
        Only publishing looks at that evidence; until then, this keeps the row from being left out.
        """
        if entry.entry_id in self.facts or entry.entry_id in self.withdrawn:
            return self.placed(entry)
        named = b'"evidence"' in entry.text and evidence_of(entry.row) is not None
        return entry._replace(place=Place(Tier.EVIDENCED if named else Tier.CLAIMED, LATER))

    def tier(self, entry_id: str) -> Tier:
        """Return the tier of a row, which follows from all facts.

        A later row never lowers the tier of an earlier one: a row waits only for what was reproduced before it.
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
        """The rows, by id, that another row of their configuration, signed by somebody else, agrees with.

        The value is how many rows had been accepted when both signatures were known.
        """
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
        """What was reproduced of each configuration: after how many accepted rows, and its throughput in tokens/s."""
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
    """Return after how many accepted rows two measurements that agree were signed by two identities; None if never."""
    if not agree(one.throughput, other.throughput):
        return None
    pairs = product(one.signers, other.signers)
    both = (max(one.since.get(a, 0), other.since.get(b, 0)) for a, b in pairs if a != b)
    return min(both, default=None)
