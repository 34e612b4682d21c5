"""Files below a folder that others may write to: no link is followed, no name leads out, no pipe is waited for."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import cannot_write, read_regular

_DEEPEST = 8


class Inside:
    """The files below `root`, by names such as `submissions/x/y.json`. `root` itself is trusted."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str, at_most: int) -> bytes | None:
        """Return a regular file's bytes; None if there is no such file.

        Raise DataError for anything but a regular file, and for more than `at_most` bytes.
        """
        folder, base = self._parts(name)
        try:
            with self._open(folder) as place:
                return read_regular(base, at_most, dir_fd=place, shared=True)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _cannot_read(self.root / name, error) from error

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file, and make its folders. An existing file is replaced, never written to.

        Raise DataError if that fails.
        """
        folder, base = self._parts(name)
        temporary = f".{base}.{secrets.token_hex(6)}.tmp"
        try:
            with self._open(folder, make=True) as place:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                handle = os.open(temporary, flags, 0o666, dir_fd=place)
                try:
                    with os.fdopen(handle, "wb") as file:
                        file.write(content)
                        file.flush()
                        os.fsync(file.fileno())
                    os.replace(temporary, base, src_dir_fd=place, dst_dir_fd=place)
                finally:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(temporary, dir_fd=place)
        except OSError as error:
            raise cannot_write(self.root / name, error) from error

    def exists(self, name: str) -> bool:
        """Return whether there is anything of this name, even a link that leads nowhere."""
        folder, base = self._parts(name)
        try:
            with self._open(folder) as place:
                os.stat(base, dir_fd=place, follow_symlinks=False)
        except OSError:
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file, if it is there; of a link, only the link itself."""
        folder, base = self._parts(name)
        with contextlib.suppress(FileNotFoundError), self._open(folder) as place:
            os.unlink(base, dir_fd=place)

    def handle(self, name: str) -> int:
        """Return the handle of a file for a lock, which is made if it is missing; the caller closes it."""
        folder, base = self._parts(name)
        try:
            with self._open(folder, make=True) as place:
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
                return os.open(base, flags, 0o666, dir_fd=place)
        except OSError as error:
            raise cannot_write(self.root / name, error) from error

    def names(self, folder: str) -> list[str]:
        """Return every regular file below `folder`, sorted; none if there is no such folder.

        Folders are searched to a depth of _DEEPEST, so that no nesting can exhaust the stack.
        """
        try:
            with self._open(PurePosixPath(folder).parts) as place:
                return sorted(str(PurePosixPath(folder, name)) for name in _files_in(place, _DEEPEST))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _cannot_read(self.root / folder, error) from error

    def sweep(self, folder: str) -> None:
        """Remove what killed writers have left directly in `folder`."""
        try:
            with self._open(PurePosixPath(folder).parts) as place:
                for name in os.listdir(place):  # noqa: PTH208 - of an open folder
                    if name.startswith(".") and name.endswith(".tmp"):
                        os.unlink(name, dir_fd=place)
        except FileNotFoundError:
            return
        except OSError as error:
            raise cannot_write(self.root / folder, error) from error

    def _parts(self, name: str) -> tuple[tuple[str, ...], str]:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\0" in name:
            raise DataError(
                f"{name!r} is not a name in {self.root}", hint="a name must stay inside that folder"
            )
        return parts[:-1], parts[-1]

    @contextlib.contextmanager
    def _open(self, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        """Give a folder's handle, opened step by step so that no step is a link; with `make`, make what is missing."""
        if make:
            self.root.mkdir(parents=True, exist_ok=True)
        place = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=place)
                step = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
                os.close(place)
                place = step
            yield place
        finally:
            os.close(place)


def _cannot_read(path: Path, error: OSError) -> DataError:
    return DataError(
        f"cannot read {path}: {error.strerror or error}",
        hint="a link, a pipe or a folder has no place there: remove it",
    )


def _files_in(place: int, levels: int) -> Iterator[str]:
    """Yield the path of every regular file below an open folder; one that disappears meanwhile is left out."""
    for name in os.listdir(place):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            kind = os.stat(name, dir_fd=place, follow_symlinks=False).st_mode
            if stat.S_ISREG(kind):
                yield name
            elif stat.S_ISDIR(kind) and levels:
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
                try:
                    yield from (f"{name}/{path}" for path in _files_in(below, levels - 1))
                finally:
                    os.close(below)
