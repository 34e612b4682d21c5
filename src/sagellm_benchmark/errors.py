"""What can go wrong, as a user would name it. Only `cli` turns these into text and exit codes."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """Exit codes of every command. 1 is left to bugs."""

    DONE = 0
    USAGE = 2
    DATA = 3
    REMOTE = 4
    CONFLICT = 5
    INVALID_RUN = 6
    INTERRUPTED = 130


class BenchmarkError(Exception):
    """A failure that has an explanation: what happened, where, and (`hint`) what to do next."""

    exit_code: ClassVar[Exit]

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BenchmarkError):
    """The command was asked for something that does not exist, or for things that exclude each other."""

    exit_code = Exit.USAGE


class DataError(BenchmarkError):
    """A file or value is damaged, missing, or not what it claims to be; or it cannot be written."""

    exit_code = Exit.DATA


class RemoteError(BenchmarkError):
    """A server, the Hub or a git remote could not be reached, refused us, or answered nonsense."""

    exit_code = Exit.REMOTE


class ConflictError(BenchmarkError):
    """Other writers kept winning; nothing of ours was written."""

    exit_code = Exit.CONFLICT
