"""Where a run's files lie: outputs/<engine>/<model>/<workload>_<YYYYMMDD>_<NNN>/, and `latest` beside them."""

from __future__ import annotations

import datetime as dt
import os
import re
from contextlib import suppress
from pathlib import Path

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import cannot_write

LATEST = "latest"
ROW_FILES = "_leaderboard.json"


def path_part(name: str) -> str:
    """`name` as one harmless folder name: no separators, no leading dot, at most 80 characters."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-.")[:80] or "unnamed"


def new_folder(root: Path, engine: str, model: str, workload: str, day: dt.date) -> Path:
    """Create the next free run folder; two runs at the same moment get two folders."""
    parent = root / path_part(engine) / path_part(model)
    stem = f"{path_part(workload)}_{day:%Y%m%d}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        taken = [int(path.name[-3:]) for path in parent.glob(f"{stem}_[0-9][0-9][0-9]")]
        for number in range(max(taken, default=0) + 1, 1000):
            with suppress(FileExistsError):
                folder = parent / f"{stem}_{number:03}"
                folder.mkdir()
                return folder
    except OSError as error:
        raise cannot_write(parent, error) from error
    raise DataError(
        f"{parent} already holds 999 runs of {workload} from today",
        hint="choose another folder with --outputs",
    )


def point_latest(folder: Path) -> None:
    """Let `latest` beside `folder` lead to it; a file system without links goes without."""
    link = folder.parent / LATEST
    temporary = folder.parent / f".{LATEST}.{os.getpid()}"
    with suppress(OSError):
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(folder.name, target_is_directory=True)
        temporary.replace(link)


def newest(root: Path) -> Path:
    """Return the run folder that was written to last. Raises DataError if there is none."""
    found = [path.parent for path in root.glob("*/*/*/summary.json") if not path.parent.is_symlink()]
    if not found:
        raise DataError(
            f"there is no finished run under {root}", hint="measure something first: sagellm-benchmark run"
        )
    return max(found, key=lambda folder: (folder / "summary.json").stat().st_mtime)


def row_file(folder: Path) -> Path | None:
    """Return the row of a finished run; None if it gave none to publish."""
    return next((path for path in sorted(folder.glob(f"*{ROW_FILES}")) if path.is_file()), None)
