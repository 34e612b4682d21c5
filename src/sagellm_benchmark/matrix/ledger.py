"""What is done, as the disk has it: a cell is measured when its done.json is there, and that comes last, by rename."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark.errors import ConflictError, DataError
from sagellm_benchmark.files import cannot_write, to_json, write_whole
from sagellm_benchmark.locks import hold
from sagellm_benchmark.matrix.plan import Cell


@dataclass(frozen=True, slots=True)
class Result:
    """What a cell came to: `valid` or not with its figures, or why it failed. `None` is not measured."""

    id: str
    names: tuple[str, ...]
    repeat: int
    command: tuple[str, ...]
    valid: bool | None  # None where it failed
    failure: str | None
    folder: str | None  # of the run, seen from the ledger's folder
    throughput_tps: float | None
    ttft_ms: float | None
    tpot_ms: float | None
    error_rate: float | None
    node: str | None = None  # of a cluster, where it was measured


@dataclass(frozen=True, slots=True)
class Ledger:
    """A folder with one folder a cell. Nothing else knows how far a matrix is."""

    root: Path

    def done(self, cell: Cell) -> Result | None:
        """Return the cell's result; None while it has none. Raise DataError for a damaged one."""
        return self._result(cell, "done.json")

    def failed(self, cell: Cell) -> Result | None:
        """Tell why the cell's last try failed; None where none did, or a later one succeeded."""
        return None if self.done(cell) else self._result(cell, "failed.json")

    def begin(self, cell: Cell) -> Path:
        """Return an empty folder for a try; what an earlier try left half-way is removed, so that none counts twice."""
        folder = self._folder(cell) / "outputs"
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        return folder

    def seen_from_root(self, cell: str, folder: str) -> str:
        """Return the path of a run's folder, given as seen from the folder of its cell's try."""
        return str(Path("cells", cell, "outputs", folder))

    def finish(self, result: Result) -> None:
        """Write the result, last of all: from then on the cell is not measured again, unless it failed."""
        name = "failed.json" if result.failure is not None else "done.json"
        write_whole(self.root / "cells" / result.id / name, to_json(asdict(result)))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep a second start out while this one measures. Raise ConflictError when somebody else holds it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / "lock").open("ab")
        except OSError as error:
            raise cannot_write(self.root, error) from error
        with lock:
            try:
                hold(lock)
            except BlockingIOError as error:
                raise ConflictError(
                    f"this matrix is being measured already, into {self.root}",
                    hint="wait for it, or look at it with --status",
                ) from error
            yield

    def _folder(self, cell: Cell) -> Path:
        return self.root / "cells" / cell.id

    def _result(self, cell: Cell, name: str) -> Result | None:
        path = self._folder(cell) / name
        try:
            value: dict[str, Any] = orjson.loads(path.read_bytes())
            return Result(**{**value, "names": tuple(value["names"]), "command": tuple(value["command"])})
        except FileNotFoundError:
            return None
        except (OSError, orjson.JSONDecodeError, TypeError, KeyError) as error:
            raise DataError(
                f"{path} is damaged", hint="remove it; the cell is then measured again"
            ) from error
