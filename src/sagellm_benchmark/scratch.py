"""A temporary folder that goes with its process, even where that is killed.

A shell waits beside it, and removes the folder when the process is gone. Where both are killed, as with a whole
container, the next process that makes such a folder removes it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sagellm_benchmark.locks import hold

_LOCK, _NEW = "in-use", "new"
_MADE_S = 60.0  # by then a folder is made, or will never be
_REMOVE = """
exec 3<&0
{ read -r _ <&3; for _ in 1 2 3 4 5; do rm -rf -- "$1" && break; sleep 1; done; } &
"""
"""Once standard input ends; several times, as those that we have started may write for a moment longer.

It is no child of ours, as Ray ends the children of an actor that it ends.
"""


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder, and what this process holds for as long as it lives: the lock on it, and the remover's input."""

    path: Path
    lock: IO[bytes]
    remover: IO[bytes]

    @classmethod
    def made(cls, prefix: str) -> Scratch:
        """Make one, and remove this user's folders of the same prefix that no process holds any more."""
        for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            _remove_unheld(left)
        path = Path(tempfile.mkdtemp(prefix=prefix))
        lock = (path / _NEW).open("wb")
        hold(lock)
        (path / _NEW).rename(path / _LOCK)  # so that it is never seen without being held
        return cls(path, lock, _remover(path))

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.lock.close()
        self.remover.close()


@contextlib.contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Give a folder for as long as the block lasts. Windows has nothing to remove it with where we are killed."""
    if sys.platform == "win32":
        with tempfile.TemporaryDirectory(prefix=prefix) as folder:
            yield Path(folder)
        return
    made = Scratch.made(prefix)
    try:
        yield made.path
    finally:
        made.remove()


def _remover(folder: Path) -> IO[bytes]:
    """Have a folder removed when the file that this gives is closed, by us or by the end of this process."""
    theirs, ours = os.pipe()
    try:
        command = ["/bin/sh", "-c", _REMOVE, "sh", str(folder)]
        subprocess.run(command, stdin=theirs, stdout=subprocess.DEVNULL, start_new_session=True, check=True)
    finally:
        os.close(theirs)
    return os.fdopen(ours, "wb")


def _remove_unheld(folder: Path) -> None:
    with contextlib.suppress(OSError):  # held, another user's, or removed by somebody else meanwhile
        status = folder.lstat()
        if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
            return
        if not (folder / _LOCK).exists() and time.time() - status.st_mtime > _MADE_S:
            (folder / _NEW).unlink(missing_ok=True)  # its process was killed while it made the folder
            folder.rmdir()
        with (folder / _LOCK).open("r+b") as lock:
            hold(lock)
            shutil.rmtree(folder)
