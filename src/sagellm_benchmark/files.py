"""Read files without trust, write them whole or not at all, and write JSON in one layout everywhere."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark.errors import DataError

MAX_TOML_BYTES = 1 << 20
_ACTIVE = re.compile(  # DEL, C1 controls, marks that turn the direction of text, `##[` of a workflow
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|##(?=\[|vso\[)"
)


Document = dict[str, Any]
"""A JSON or TOML object: as it was read and before anything is known about it, or ready to be written."""


def to_json(value: Any) -> bytes:
    """Return a value as indented UTF-8 JSON with a final newline; keys keep their order, NaN and infinity become null.

    Characters that a terminal or a workflow's log would act upon are written as escapes.
    """
    text = orjson.dumps(
        value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
    )
    return inert(text)


def inert(text: bytes) -> bytes:
    """Return JSON in which the characters that a terminal or a workflow's log would act upon are escapes."""
    return _ACTIVE.sub(_escaped, text)


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"".join(b"\\u%04x" % ord(character) for character in found.group().decode())


def read_regular(path: Path | str, at_most: int, *, dir_fd: int | None = None, shared: bool = False) -> bytes:
    """Return a regular file's bytes: never through a symbolic link, never waiting on a pipe, never more than `at_most`.

    Use this for every file that somebody else may have put there. In a `shared` folder, whose files are written anew
    for all to read, a hard link to a file that not everybody may read is refused. Raise OSError, or DataError for what
    is refused or larger than `at_most` bytes.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, flags, dir_fd=dir_fd)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise DataError(f"{path} is not a regular file", hint="put a plain file in its place")
        if shared and status.st_nlink > 1 and not status.st_mode & stat.S_IROTH:
            raise DataError(
                f"{path} is a hard link to a file that not everybody may read",
                hint="put a plain file in its place",
            )
        content = file.read(at_most + 1) if status.st_size <= at_most else None
    if content is None or len(content) > at_most:
        raise DataError(f"{path} is larger than {at_most:,} bytes", hint="submit fewer rows at a time")
    return content


def read_toml(path: Path, *, example: str) -> Document:
    """Return the values of a small TOML file; `example` is a line that the file could hold, for the hint.

    Raise DataError if it cannot be read, is larger than 1 MiB, or is not TOML.
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is not a file", hint="name an existing TOML file")
        with path.open("rb") as file:
            content = file.read(MAX_TOML_BYTES + 1)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="name an existing TOML file") from error
    if len(content) > MAX_TOML_BYTES:
        raise DataError(
            f"{path} is larger than {MAX_TOML_BYTES >> 20} MiB", hint="is that the file you mean?"
        )
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not TOML: {error}", hint=f"write lines such as {example}") from error
    except RecursionError as error:
        raise DataError(f"{path} is nested too deeply", hint=f"write lines such as {example}") from error


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader sees either the old file or the new one, never a part.

    Raise DataError if the folder cannot be written or the disk is full; the old file is then unchanged.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        Path(temporary).unlink(missing_ok=True)  # still there only if it has not become `path`


def cannot_write(path: Path, error: OSError) -> DataError:
    """Return the error for a write that failed, with what to do about it."""
    return DataError(
        f"cannot write {path}: {error.strerror or error}",
        hint="free some disk space, or choose a folder that you may write to",
    )


def _umask() -> int:
    """Return this process's umask; the only portable way to read it is to set it."""
    current = os.umask(0o077)
    os.umask(current)
    return current
