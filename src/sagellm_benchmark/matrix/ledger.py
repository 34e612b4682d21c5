"""What is done, by the files on disk: a cell is measured if it has a done.json, which is written last, by a rename."""

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
    """The result of a cell: `valid` or not, with its figures, or why it failed. None means not measured."""

    id: str
    names: tuple[str, ...]
    repeat: int
    command: tuple[str, ...]
    valid: bool | None  # None if it failed
    failure: str | None
    folder: str | None  # of the run, relative to the ledger's folder
    throughput_tps: float | None
    ttft_ms: float | None
    tpot_ms: float | None
    error_rate: float | None
    node: str | None = None  # on which it was measured, in a cluster


@dataclass(frozen=True, slots=True)
class Ledger:
    """A folder with one folder for each cell. Nothing else knows how far a matrix is."""

    root: Path

    def done(self, cell: Cell) -> Result | None:
        """Return the cell's result; None if it has none. Raise DataError if it is damaged."""
        return self._result(cell, "done.json")

    def failed(self, cell: Cell) -> Result | None:
        """Return the result of the cell's last try if it failed; None if none did, or if the cell is done."""
        return None if self.done(cell) else self._result(cell, "failed.json")

    def begin(self, cell: Cell) -> Path:
        """Return an empty folder for a try, and remove what an earlier, interrupted one left."""
        folder = self._folder(cell) / "outputs"
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        return folder

    def seen_from_root(self, cell: str, folder: str) -> str:
        """Return a run's folder relative to the ledger's; `folder` is relative to that of its cell's try."""
        return str(Path("cells", cell, "outputs", folder))

    def finish(self, result: Result) -> None:
        """Write the result, after everything else; from then on, the cell is not measured again unless it failed."""
        name = "failed.json" if result.failure is not None else "done.json"
        write_whole(self.root / "cells" / result.id / name, to_json(asdict(result)))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the ledger's lock during the block. Raise ConflictError if another process holds it."""
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
