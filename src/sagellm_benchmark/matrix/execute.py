"""Measure what a ledger does not have yet; a cell that fails does not stop the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sagellm_benchmark.matrix import measure
from sagellm_benchmark.matrix.ledger import Ledger, Result
from sagellm_benchmark.matrix.plan import Cell
from sagellm_benchmark.matrix.tasks import Task

Begin = Callable[[Cell], Path]
"""Takes the cell that begins, or that arrives from elsewhere, and returns an empty folder for its run."""

Place = Callable[[Sequence[Task], Begin], Iterator[Result]]
"""Measures tasks and yields results. A result's folder is relative to the one that `begin` returned for its cell."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a matrix is: the cell that begins, how many are done, and the time left, in seconds, at this rate."""

    cell: Cell
    done: int
    total: int
    left_s: float | None


def here(tasks: Sequence[Task], begin: Begin) -> Iterator[Result]:
    """Measure on this machine, one cell after another."""
    for task in tasks:
        yield from measure.results(task, begin)


def measure_all(
    tasks: Sequence[Task], ledger: Ledger, hear: Callable[[Step], None], place: Place = here
) -> list[Result]:
    """Measure every cell that has no result, and return the results of all, in the tasks' order.

    Raise KeyboardInterrupt on Ctrl-C, after which every finished cell is kept, and ConflictError if another process
    measures into the same ledger.
    """
    cells = [cell for task in tasks for cell in task.cells]
    with ledger.held():
        found = {cell.id: result for cell in cells if (result := ledger.done(cell)) is not None}
        course = _Course(len(cells), len(found), ledger, hear)
        left = [task.without(found) for task in tasks]
        for result in place([task for task in left if task.cells], course.begin):
            kept = course.finish(result)
            found[kept.id] = kept
    return [found[cell.id] for cell in cells if cell.id in found]


@dataclass(slots=True)
class _Course:
    """Keeps the ledger while a matrix is measured, and reports how far it is."""

    total: int
    before: int  # the cells that were done when it began
    ledger: Ledger
    hear: Callable[[Step], None]
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def begin(self, cell: Cell) -> Path:
        todo = self.total - self.before
        left_s = (time.monotonic() - self.began) / self.done * (todo - self.done) if self.done else None
        self.hear(Step(cell, self.before + self.done, self.total, left_s))
        return self.ledger.begin(cell)

    def finish(self, result: Result) -> Result:
        self.done += 1
        if result.folder is not None:
            result = replace(result, folder=self.ledger.seen_from_root(result.id, result.folder))
        self.ledger.finish(result)
        return result
