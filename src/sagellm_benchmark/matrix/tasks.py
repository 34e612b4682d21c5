"""What is measured in one go: the cells of one repeat that share an engine, which is started once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sagellm_benchmark.matrix.plan import Cell


@dataclass(frozen=True, slots=True)
class Task:
    """Cells that follow each other, and whether an engine has to be started for them."""

    cells: tuple[Cell, ...]
    starts: bool

    def without(self, done: Iterable[str]) -> Task:
        """Leave out the cells with these ids."""
        gone = set(done)
        return replace(self, cells=tuple(cell for cell in self.cells if cell.id not in gone))


def tasks(cells: Iterable[Cell], starts: Callable[[Cell], bool]) -> tuple[Task, ...]:
    """Group cells, each in the place of its group's first; `starts` tells whether an engine is started for a cell.

    Cells of servers that run already come one by one, so that engines take turns with every cell; engines that are
    started take turns with every repeat.
    """
    grouped: dict[tuple[str, int], list[Cell]] = {}
    started = {cell.id: starts(cell) for cell in cells}
    for cell in cells:
        grouped.setdefault((cell.server if started[cell.id] else cell.id, cell.repeat), []).append(cell)
    return tuple(Task(tuple(group), started[group[0].id]) for group in grouped.values())


def one_at_a_time(tasks: Iterable[Task], url_of: Callable[[Cell], str | None]) -> tuple[Task, ...]:
    """Join the tasks of each server that runs already: measured at the same time, each would load the others.

    `url_of` tells where a cell's server is; None where the cell has one of its own.
    """
    joined: dict[str, list[Cell]] = {}
    apart: list[Task] = []
    for task in tasks:
        url = url_of(task.cells[0])
        if url is None:
            apart.append(task)
        else:
            joined.setdefault(url.rstrip("/"), []).extend(task.cells)
    return (*apart, *(Task(tuple(cells), starts=False) for cells in joined.values()))
