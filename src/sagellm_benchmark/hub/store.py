"""Where the shared board is kept, whatever kind of place that is: files under compare-and-swap, and what can happen."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Protocol

from sagellm_benchmark.board.entry import BOARDS, MAX_ROW_BYTES
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED, STANDING
from sagellm_benchmark.board.proof import EVIDENCE
from sagellm_benchmark.errors import ConflictError, RemoteError
from sagellm_benchmark.hub.bundles import MOST_BYTES as MOST_EVIDENCE

CARD = "README.md"
PAGE = "index.html"
"""The board's page, which is written after the board if that is asked for."""
SIGNERS = "signers.json"
"""The keys that maintainers have enrolled; publishing only reads it."""
SUBMISSIONS = "submissions"
WITHDRAWN = "withdrawn"
"""The folder of tombstones, beside the submissions that they are about."""
BEFORE_SUBMISSIONS = f"{SUBMISSIONS}/_published_before.json"
"""The rows of the board that have no file of their own, such as those from before the first publish."""
VIEWER = {"single": "viewer/single.jsonl", "multi": "viewer/multi.jsonl"}
"""The boards as flat tables of one schema, for other programs; this one does not read them."""
AS_LEFT = f"{SUBMISSIONS}/_boards.json"
"""The hashes of the boards as the last publish left them, which tell whether anybody else has written them since."""
FILES = (*BOARDS, COMPARE, LAST_UPDATED, CARD, BEFORE_SUBMISSIONS, AS_LEFT, STANDING, SIGNERS)

_AT_ONCE = 100  # files read in one call

MAX_FILE_BYTES = 512 * 1024 * 1024
UNREADABLE = f"cannot be read, or has more than the {MAX_ROW_BYTES >> 20} MiB of a row"
"""What is wrong with a submission that cannot be read."""


Content = bytes | IO[bytes]
"""A file to write: its bytes or, if there are many, an open file that holds them and nothing else."""


def size(content: Content) -> int:
    """Return the number of bytes of a file to write."""
    return len(content) if isinstance(content, bytes) else content.seek(0, os.SEEK_END)


def is_submission(name: str) -> bool:
    """Return whether a file of this name holds an accepted row; our own notes in that folder begin with _."""
    return name.startswith(f"{SUBMISSIONS}/") and not name.startswith(f"{SUBMISSIONS}/_")


def is_proof(name: str) -> bool:
    """Return whether a file of this name holds evidence, signatures or a tombstone, which stay for good."""
    return name.startswith((f"{EVIDENCE}/", f"{WITHDRAWN}/"))


def most_bytes(name: str) -> int:
    """Return how many bytes a file of this name may have."""
    if name.startswith(f"{EVIDENCE}/"):
        return MOST_EVIDENCE
    return MAX_ROW_BYTES if is_submission(name) else MAX_FILE_BYTES


def in_memory(files: Mapping[str, Content]) -> dict[str, bytes]:
    """Return the bytes of all files."""
    return {
        name: content if isinstance(content, bytes) else _read(content) for name, content in files.items()
    }


def _read(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


class Stale(ConflictError):  # noqa: N818 - a turn of events
    """Somebody else's commit came first, or is being made right now: read again, and try again."""


class Busy(RemoteError):  # noqa: N818
    """The store is overloaded, or not yet up to date. `retry_after_s` is the wait that it asked for, if any."""

    def __init__(self, message: str, *, hint: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Ambiguous(RemoteError):  # noqa: N818
    """No usable answer came. The request may still have been carried out: read before trying again."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of one commit. `commit` is None if the dataset does not exist; an absent file is not in `files`.

    `at` is when they were read, by the store's own clock; None if the store has no clock.
    """

    commit: str | None
    files: Mapping[str, bytes]
    at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Every file under submissions/ at one commit, without our own notes, which begin with _.

    `changed` says, by name, what happened to submissions that were changed or removed after they had been accepted, and
    to evidence, signatures and tombstones that were removed. `proved` is False if there was no history to find that in.
    `proofs` names the evidence, signatures and tombstones that are there. `order` has, for each submission, the number
    of the commit that added it, counted from the first.
    """

    files: Mapping[str, bytes]
    changed: Mapping[str, str]
    proofs: frozenset[str] = frozenset()
    proved: bool = True
    order: Mapping[str, int] = field(default_factory=dict)


class Store(Protocol):
    """A place with one history. `read` returns one commit's files; `commit` adds one only on top of `parent`."""

    @property
    def name(self) -> str:
        """The name of this place, for messages."""

    def read(self, names: Iterable[str] = FILES, *, commit: str | None = None) -> Snapshot:
        """Return `names` as they are at `commit` (without one, the newest). Raise RemoteError or one of the above."""

    def commit(self, files: Mapping[str, Content], parent: str | None, message: str) -> str:
        """Write `files` in one commit on top of `parent`; return its id. Raise Stale, Busy or another RemoteError."""

    def paths(self, folder: str, commit: str) -> list[str]:
        """Return every file under `folder` at `commit`, sorted."""

    def accepted(self, commit: str) -> Accepted:
        """Return every submission at `commit`, and which have been changed. Raise RemoteError or one of the above."""

    def holds(self, files: Mapping[str, bytes], commit: str) -> bool:
        """Return whether `commit` has exactly these contents under these names, by the store's own hashes."""

    def address(self, commit: str) -> str:
        """Return the address at which a person can look at `commit`."""


def in_portions(store: Store, names: Sequence[str], commit: str) -> Iterator[Mapping[str, bytes]]:
    """Yield the files that are there, some at a time so that no call takes long. Raise what the store raises."""
    for start in range(0, len(names), _AT_ONCE):
        yield store.read(names[start : start + _AT_ONCE], commit=commit).files
