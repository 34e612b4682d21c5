"""Merging boards: the join of a semilattice. In whatever order and however often rows meet, the board is the same.

A board keeps, for each configuration, its best row by `Entry.beats`. A row that is beaten leaves the board, never the
dataset: accepted rows stay under `submissions/`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from sagellm_benchmark.board.entry import Entry, collector_paused
from sagellm_benchmark.board.identity import Identity, Row


class Fate(StrEnum):
    """What became of a submitted row."""

    ADDED = "added"  # the first row of its configuration
    IMPROVED = "improved"  # it replaced a worse one
    ALREADY_THERE = "already there"
    BEATEN = "beaten"  # a better one holds its place
    WITHDRAWN = "withdrawn"  # taken back for good, by somebody who may do so


ONTO_THE_BOARD = (Fate.ADDED, Fate.IMPROVED)


class Outcome(NamedTuple):
    """One submitted row and what became of it; `other` is the row that it replaced, or that beat it."""

    entry: Entry
    fate: Fate
    other: Entry | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    """The merged board in its canonical order (by identity), and an outcome for each submitted row, in their order."""

    entries: tuple[Entry, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def rows(self) -> list[Row]:
        """The merged board's rows, parsed."""
        return [entry.row for entry in self.entries]


def merge(published: Iterable[Row], submitted: Iterable[Row]) -> Merge:
    """Join rows in memory. Large boards should be read as entries, for which `join` does the same."""
    return join([Entry.of(row) for row in published], [Entry.of(row) for row in submitted])


def join(published: Iterable[Entry], submitted: Sequence[Entry]) -> Merge:
    """Return the best row of each configuration that is not withdrawn, and what became of each submitted row."""
    with collector_paused():
        before = _best({}, published)
        after = _best(before, submitted)
        outcomes = tuple(_outcomes(submitted, before, after))
        return Merge(tuple(sorted(after.values(), key=attrgetter("identity"))), outcomes)


def split(board: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Return the rows of one node and the rows of two or more, in the order given."""
    single: list[Entry] = []
    multi: list[Entry] = []
    for entry in board:
        (multi if entry.identity.is_multi_node else single).append(entry)
    return single, multi


def _best(start: dict[Identity, Entry], entries: Iterable[Entry]) -> dict[Identity, Entry]:
    """Return `start` with every entry that is better than the one in its place, and not withdrawn."""
    best = dict(start)
    for entry in entries:
        if entry.place.withdrawn:
            continue
        held = best.get(entry.identity)
        if held is None or entry.beats(held):
            best[entry.identity] = entry
    return best


def _outcomes(
    submitted: Iterable[Entry], before: dict[Identity, Entry], after: dict[Identity, Entry]
) -> Iterator[Outcome]:
    """Return what became of each row; the same row submitted twice is added once and already there the second time."""
    credited: set[Identity] = set()
    for entry in submitted:
        if entry.place.withdrawn:
            yield Outcome(entry, Fate.WITHDRAWN)
            continue
        held, winner = before.get(entry.identity), after[entry.identity]
        if not entry.same_as(winner):
            yield Outcome(entry, Fate.BEATEN, winner)
        elif winner is not entry or entry.identity in credited or (held is not None and entry.same_as(held)):
            yield Outcome(entry, Fate.ALREADY_THERE)
        else:
            credited.add(entry.identity)
            yield Outcome(entry, Fate.ADDED if held is None else Fate.IMPROVED, held)
