"""What is measured together: the cells of one repeat that share an engine, which is started once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sagellm_benchmark.matrix.plan import AXES, Cell


@dataclass(frozen=True, slots=True)
class Task:
    """Cells that are measured one after another, and whether an engine has to be started for them."""

    cells: tuple[Cell, ...]
    starts: bool

    def without(self, done: Iterable[str]) -> Task:
        """Return the task without the cells that have these ids."""
        gone = set(done)
        return replace(self, cells=tuple(cell for cell in self.cells if cell.id not in gone))


def tasks(cells: Iterable[Cell], starts: Callable[[Cell], bool]) -> tuple[Task, ...]:
    """Group cells into tasks, in the order of each task's first cell; `starts` says whether a cell's engine is started.

    A cell of a server that already runs is a task by itself, so that engines alternate with every cell; engines that
    are started alternate with every repeat.
    """
    grouped: dict[tuple[str, int], list[Cell]] = {}
    started = {cell.id: starts(cell) for cell in cells}
    for cell in cells:
        grouped.setdefault((cell.server if started[cell.id] else cell.id, cell.repeat), []).append(cell)
    return tuple(Task(tuple(group), started[group[0].id]) for group in grouped.values())


def blocks(tasks: Iterable[Task], host_of: Callable[[Cell], str | None]) -> tuple[tuple[Task, ...], ...]:
    """Group tasks into blocks, each of which one node of a cluster measures, one task after another.

    A block holds every engine for one model and repeat, so that engines are compared on one machine. `host_of` returns
    the host on which a cell's server already runs, else None: all cells of such a host form one block, because at the
    same time they would disturb each other.
    """
    found: dict[str | tuple[str, int], list[Task]] = {}
    for task in tasks:
        first = task.cells[0]
        key = host_of(first) or (first.names[AXES.index("models")], first.repeat)
        _append(found.setdefault(key, []), task)
    return tuple(map(tuple, found.values()))


def _append(block: list[Task], task: Task) -> None:
    """Add a task to a block, or join it with the last one if neither starts an engine and both have the same needs."""
    last = block[-1] if block else None
    if last is None or last.starts or task.starts or last.cells[0].needs != task.cells[0].needs:
        block.append(task)
    else:
        block[-1] = replace(last, cells=last.cells + task.cells)
