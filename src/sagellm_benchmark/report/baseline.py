"""The baseline with which later runs are compared: it is recorded once, in a folder that they know."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.report.comparison import open_side
from sagellm_benchmark.report.folder import CONFIG, SUMMARY
from sagellm_benchmark.runs.codec import TIMELINE
from sagellm_benchmark.runs.requests import REQUESTS_FILE
from sagellm_benchmark.runs.side import Side

LIMITS = ("throughput<-5%", "ttft>+10%", "itl>+5%")
KEPT = (CONFIG, SUMMARY, TIMELINE, REQUESTS_FILE)


def opened(folder: Path) -> Side:
    """Return the baseline as a side of a comparison. Raise DataError if there is none."""
    if not folder.is_dir():
        raise DataError(
            f"there is no baseline in {folder}",
            hint="record one: run the same command with --record on a version that you trust",
        )
    return open_side(folder)


def record(run: Path, folder: Path) -> Path:
    """Replace all of the baseline's files by those of a run, or none, and return the folder."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
            fresh, old = Path(name, "new"), Path(name, "old")
            fresh.mkdir()
            for one in KEPT:
                if (run / one).is_file():
                    shutil.copyfile(run / one, fresh / one)
            if folder.exists():
                folder.rename(old)
            fresh.rename(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return folder
