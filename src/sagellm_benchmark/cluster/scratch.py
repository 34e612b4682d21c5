"""A temporary folder. What a killed process leaves behind is removed by the next one."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_LOCK = "in-use"


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder, and the lock that this process holds on it for as long as it lives."""

    path: Path
    lock: IO[bytes]

    @classmethod
    def made(cls, prefix: str) -> Scratch:
        """Make one, and remove this user's folders of the same prefix that no process holds any more."""
        for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
            _remove_unheld(left)
        path = Path(tempfile.mkdtemp(prefix=prefix))
        lock = (path / "new").open("wb")
        _held(lock)
        (path / "new").rename(path / _LOCK)  # so that it is never seen without being held
        return cls(path, lock)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.lock.close()


@contextlib.contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Give a folder for as long as the block lasts."""
    made = Scratch.made(prefix)
    try:
        yield made.path
    finally:
        made.remove()


def _remove_unheld(folder: Path) -> None:
    with contextlib.suppress(OSError):  # held, another user's, or removed by somebody else meanwhile
        if folder.lstat().st_uid != os.getuid():
            return
        with (folder / _LOCK).open("r+b") as lock:
            _held(lock)
            shutil.rmtree(folder)


def _held(lock: IO[bytes]) -> None:
    """Hold a file until it is closed, by us or by the end of this process. Raises OSError where another one does."""
    import fcntl  # noqa: PLC0415 - not on every system, and only a cluster needs it

    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
