"""Keep files on this disk by the hash of their content, so that unchanged ones are not fetched again."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sagellm_benchmark.board.read import read_whole
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import write_whole

MOST_BYTES = 2 << 30


class Listed(NamedTuple):
    """A file as a commit lists it: `blob` is git's id; `sha256` is the hash of the content if it is a large file."""

    path: str
    size: int
    blob: str
    sha256: str | None = None

    @property
    def digest(self) -> str:
        """The hash of the file's content; a large file's blob is only a pointer to the content."""
        return self.sha256 or self.blob

    def is_of(self, content: bytes) -> bool:
        """Return whether this is the file's content."""
        if len(content) != self.size:
            return False
        return self.digest == (sha256(content) if self.sha256 else blob_id(content))


def sha256(content: bytes) -> str:
    """Return the hash by which large files are known."""
    return hashlib.sha256(content).hexdigest()


def blob_id(content: bytes) -> str:
    """Return git's id of a file with this content."""
    digest = hashlib.sha1(b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def user_cache() -> Path:
    """Return the folder of this user's copies: under XDG_CACHE_HOME, or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "sagellm-benchmark" / "hub"


class Blobs:
    """A folder of contents, each named by its hash; without a folder, nothing is kept.

    A content is believed only if it has the hash that is asked for. A disk that is full or read-only costs a download,
    and nothing else.
    """

    def __init__(self, folder: Path | None, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most = most_bytes

    def get(self, listed: Listed) -> bytes | None:
        """Return the content, or None if it is not here."""
        if self._folder is None or not re.fullmatch(r"[0-9a-f]{40,64}", listed.digest):
            return None
        path = self._folder / listed.digest
        try:
            content = read_whole(path, listed.size)
        except DataError:  # usually, it was never here
            return None
        if not listed.is_of(content):
            return None
        with contextlib.suppress(OSError):
            path.touch()
        return content

    def put(self, digest: str, content: bytes) -> None:
        """Keep a content; if there are too many bytes, remove the contents that have not been used for longest."""
        if self._folder is None:
            return
        with contextlib.suppress(DataError, OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(self._folder / digest, content)
            for path in _surplus(self._folder, self._most):
                path.unlink(missing_ok=True)


def _surplus(folder: Path, most_bytes: int) -> Iterator[Path]:
    """Yield the files beyond `most_bytes`, counted from the most recently used one."""
    seen = ((path, path.stat()) for path in folder.iterdir())
    held = 0
    for _, size, path in sorted(((s.st_mtime, s.st_size, p) for p, s in seen), reverse=True):
        held += size
        if held > most_bytes:
            yield path
