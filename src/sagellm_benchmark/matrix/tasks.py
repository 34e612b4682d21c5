"""What is measured in one go: the cells of one repeat that share an engine, which is started once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sagellm_benchmark.matrix.plan import AXES, Cell


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


def blocks(tasks: Iterable[Task], host_of: Callable[[Cell], str | None]) -> tuple[tuple[Task, ...], ...]:
    """Put together what one node of a cluster measures, one task after the other.

    That is every engine of a model and repeat, so that they are compared on one machine. `host_of` tells where a cell's
    server runs already, None where it does not: all cells of such a machine come one after the other, as they would
    load each other.
    """
    found: dict[str | tuple[str, int], list[Task]] = {}
    for task in tasks:
        first = task.cells[0]
        key = host_of(first) or (first.names[AXES.index("models")], first.repeat)
        _append(found.setdefault(key, []), task)
    return tuple(map(tuple, found.values()))


def _append(block: list[Task], task: Task) -> None:
    """Add a task to a block, or to its last task if neither starts an engine and both need the same of a node."""
    last = block[-1] if block else None
    if last is None or last.starts or task.starts or last.cells[0].needs != task.cells[0].needs:
        block.append(task)
    else:
        block[-1] = replace(last, cells=last.cells + task.cells)
