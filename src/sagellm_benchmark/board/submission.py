"""Decide which of the rows handed in may come onto the board. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import Identity
from sagellm_benchmark.board.lookalike import Names
from sagellm_benchmark.board.plausible import implausible
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.board.rules import Problem, repeated_key, shown
from sagellm_benchmark.board.schema import Strength, problems


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that may not come onto the board, where it stands, and everything that speaks against it."""

    found: Found
    problems: tuple[Problem, ...]
    doubts: tuple[str, ...] = ()  # why its numbers cannot be believed

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything that speaks against the row, in words."""
        return (*map(str, self.problems), *self.doubts)

    def __str__(self) -> str:
        return f"{self.found.where}: " + "; ".join(self.reasons)


@dataclass(frozen=True, slots=True)
class Examined:
    """The rows handed in: `new` ones meet the contract and can be true, `known` ones are as they were accepted."""

    new: tuple[Entry, ...]
    known: tuple[Entry, ...]
    refused: tuple[Refused, ...]


class Examiner:
    """Knows the rows that were accepted before, and judges others by the contract and by what can be true.

    A file in hf_data/ holds the whole merged board, so most of its rows were published long ago and need not meet
    today's contract: a row that says what a published one says passes, unless it claims to be verified.
    """

    def __init__(self, accepted: Iterable[Entry]) -> None:
        self._known: defaultdict[tuple[str, Identity], list[Entry]] = defaultdict(list)
        self._names = Names(())
        for entry in accepted:
            self._known[entry.entry_id, entry.identity].append(entry)
            self._names.add(entry.identity)

    def examine(self, handed_in: Iterable[Found]) -> Examined:
        """Judge each row; the same one may be handed in twice."""
        new: dict[str, Entry] = {}
        known: list[Entry] = []
        refused: list[Refused] = []
        for found in handed_in:
            against = _unreadable(found)
            entry = None if against else Entry.of(found.row)
            if entry is None:
                refused.append(Refused(found, tuple(against)))
            elif (accepted := self._accepted(entry)) is not None:
                known.append(accepted)
            elif against := self._against(entry, found):
                refused.append(Refused(found, tuple(against)))
            elif doubts := implausible(found.row):
                refused.append(Refused(found, (), tuple(doubts)))
            else:
                new.setdefault(entry.entry_id, entry)
                self._names.add(entry.identity)
        return Examined(tuple(new.values()), tuple(known), tuple(refused))

    def _against(self, entry: Entry, found: Found) -> list[Problem]:
        """Return what speaks against a row that was never accepted.

        Its id follows from its content, so no other row should have it. A published row that has it all the same keeps
        its place; it is an obstacle only if both rows would be kept in the same file.
        """
        against = problems(found.row, Strength.NEW)
        if not against and (entry.entry_id, entry.identity) in self._known:
            return [Problem("entry_id", shown(entry.entry_id), "an id of its own: this one is another row's")]
        return against or list(self._names.mistaken(entry.identity, found.row["engine"]))

    def _accepted(self, entry: Entry) -> Entry | None:
        """Return the accepted row that says the same; None if there is none, or only this one claims to be verified."""
        twins = self._known.get((entry.entry_id, entry.identity), ())
        same = (twin for twin in twins if entry.same_as(twin) and (twin.is_verified or not entry.is_verified))
        return next(same, None)


def _unreadable(found: Found) -> list[Problem]:
    """Return why what was handed in is not a row at all; empty if it is one."""
    if found.repeated is not None:
        return [repeated_key(found.repeated)]
    return [] if isinstance(found.row, dict) else problems(found.row, Strength.NEW)
