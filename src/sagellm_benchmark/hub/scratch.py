"""Folders for a moment, which do not stay behind for good even where their process was killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_OLD_S = 3600.0  # a process that cannot be seen from here, as in another container, has no folder for longer


@contextlib.contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Give an empty folder of our own; those that killed processes of this user left under this prefix are removed."""
    sweep(Path(tempfile.gettempdir()), prefix)
    with tempfile.TemporaryDirectory(prefix=f"{prefix}{os.getpid()}-") as folder:
        yield Path(folder)


def sweep(place: Path, prefix: str) -> None:
    """Remove folders in `place` that a process of this user made with `scratch` and that is no more."""
    for path in place.glob(f"{prefix}*"):
        number = path.name.removeprefix(prefix).partition("-")[0]
        with contextlib.suppress(OSError):
            status = path.lstat()
            ours = stat.S_ISDIR(status.st_mode) and os.access(path, os.W_OK)
            left = time.time() - status.st_mtime > _OLD_S and not is_alive(number)
            if ours and left:
                shutil.rmtree(path)


def is_alive(pid: str) -> bool:
    """Tell whether a process of this number may be running; True where nobody can tell."""
    if os.name == "nt" or not (pid.isascii() and pid.isdigit()) or len(pid) > 9:
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
