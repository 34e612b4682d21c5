"""Check rows one by one, as they are in files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sagellm_benchmark.board import snapshot
from sagellm_benchmark.board.entry import loaded
from sagellm_benchmark.board.folder import COMPARE, is_derived
from sagellm_benchmark.board.identity import content
from sagellm_benchmark.board.plausible import implausible
from sagellm_benchmark.board.read import Found, Limits, read_rows, read_whole
from sagellm_benchmark.board.rules import Problem, repeated_key, shown
from sagellm_benchmark.board.schema import Strength, problems
from sagellm_benchmark.errors import DataError

_BOARD = Limits(file_bytes=512 << 20, rows=250_000, values=25_000_000)


@dataclass(frozen=True, slots=True)
class Checked:
    """A row, and every reason why it is not valid; `if_new` holds those that count if it is not published yet."""

    found: Found
    reasons: tuple[str, ...]
    if_new: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether nothing speaks against the row."""
        return not self.reasons

    @property
    def entry_id(self) -> str | None:
        """The row's id as it states it; None if it states no text."""
        claimed = self.found.row.get("entry_id") if isinstance(self.found.row, dict) else None
        return claimed if isinstance(claimed, str) else None


@dataclass(frozen=True, slots=True)
class Validation:
    """Every row of the files, what was wrong with files that gave none, and how many files there were."""

    rows: tuple[Checked, ...]
    damaged: tuple[str, ...]
    files: int

    @property
    def valid(self) -> bool:
        """Whether every file could be read and every row is valid."""
        return not self.damaged and all(row.valid for row in self.rows)


def validate(paths: Iterable[Path], *, as_new: bool) -> Validation:
    """Check the rows of these files by the contract of published rows or, with `as_new`, by that of new ones."""
    rows: list[Checked] = []
    damaged: list[str] = []
    owners: dict[str, tuple[str, bytes]] = {}
    files = list(paths)
    for path in files:
        try:
            if is_derived(path.name, partial(read_whole, path, _BOARD.file_bytes)):
                damaged += _derived(path)
                continue
            rows += (
                _check(found, owners, as_new=as_new)
                for found in read_rows(path, Limits() if as_new else _BOARD)
            )
        except DataError as error:
            damaged.append(error.message)
    return Validation(tuple(rows), tuple(damaged), len(files))


def _derived(path: Path) -> list[str]:
    """Return what is wrong with a derived file, whose readers fail on anything that they do not expect."""
    try:
        value = loaded(str(path), read_whole(path, _BOARD.file_bytes))
    except DataError as error:
        return [f"{error.message}; make it anew with `sagellm-benchmark aggregate`"]
    return [f"{path}: {problem}" for problem in snapshot.problems(value)] if path.name == COMPARE else []


def _check(found: Found, owners: dict[str, tuple[str, bytes]], *, as_new: bool) -> Checked:
    twice = [] if found.repeated is None else [str(repeated_key(found.repeated))]
    if_new = (*map(str, problems(found.row, Strength.NEW)), *twice, *implausible(found.row))
    reasons = if_new if as_new else (*map(str, problems(found.row, Strength.PUBLISHED)), *twice)
    checked = Checked(found, reasons, if_new)
    return replace(checked, reasons=(*reasons, *_shared_id(checked, owners)))


def _shared_id(checked: Checked, owners: dict[str, tuple[str, bytes]]) -> list[str]:
    """Return the problem of an id that another row has, too; the same row may be in several files."""
    if checked.entry_id is None:
        return []
    where, said = owners.setdefault(checked.entry_id, (checked.found.where, content(checked.found.row)))
    if said == content(checked.found.row):
        return []
    return [str(Problem("entry_id", shown(checked.entry_id), f"an id of its own: {where} has this one"))]
