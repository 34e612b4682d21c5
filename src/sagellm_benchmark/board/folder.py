"""Find the files of hf_data/ that hold rows; every reader of the folder asks here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from sagellm_benchmark.board.proof import EVIDENCE
from sagellm_benchmark.board.read import Limits, read_whole
from sagellm_benchmark.errors import DataError

COMPARE = "leaderboard_compare.json"
LAST_UPDATED = "last_updated.json"
STANDING = "standing.json"
"""What a dataset knows about its rows beyond what they say: see board/standing.py."""

_MOST_BYTES = Limits().file_bytes
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.json")


def row_files(folder: Path) -> list[Path]:
    """Return the folder's files of rows, without the derived files, which publishing makes anew.

    Raise DataError if there is no such folder, for a JSON file in a subfolder, which nobody would read, and for a name
    that is not plain.
    """
    if not folder.is_dir():
        raise DataError(
            f"there is no folder {folder}", hint="make its files with `sagellm-benchmark aggregate`"
        )
    files = sorted(_json_files(folder))
    for path in files:
        if path.parent != folder:
            raise DataError(
                f"{str(path)!r} is in a subfolder; only files directly in {folder}/ are read",
                hint=f"move its rows into {folder}/, or remove it",
            )
        if not is_plain(path.name):
            raise DataError(
                f"{folder} holds a file named {path.name!r}", hint="use letters, digits, . _ and -"
            )
    return [path for path in files if not is_derived(path.name, partial(read_whole, path, _MOST_BYTES))]


def derived_files(folder: Path) -> list[Path]:
    """Return the folder's derived files, which follow from rows."""
    named = [folder / name for name in (COMPARE, LAST_UPDATED) if os.path.lexists(folder / name)]
    return [path for path in named if is_derived(path.name, partial(read_whole, path, _MOST_BYTES))]


def evidence_folder(hf_data: Path) -> Path:
    """Return the folder of evidence bundles beside the rows.

    Raise DataError if a commit has put a symbolic link in its place: through it, files that have nothing to do with a
    board would be written and removed.
    """
    folder = hf_data / EVIDENCE
    if folder.is_symlink():
        raise DataError(f"{folder} is a symbolic link", hint="remove it: a plain folder belongs there")
    return folder


def is_plain(name: str) -> bool:
    """Return whether every system, shell and log takes this file name as nothing but a name."""
    return _PLAIN_NAME.fullmatch(name) is not None


def is_derived(name: str, read: Callable[[], bytes]) -> bool:
    """Return whether a file follows from rows: by its name, and because it holds an object, not an array of rows."""
    return name in (COMPARE, LAST_UPDATED, STANDING) and read().lstrip().startswith(b"{")


def _json_files(folder: Path) -> Iterator[Path]:
    """Yield everything whose name ends in .json, here or below; links to folders are not followed."""
    for place, folders, names in os.walk(folder):
        yield from (Path(place, name) for name in (*folders, *names) if name.endswith(".json"))
