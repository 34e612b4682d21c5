"""A shared folder as a store, for clusters without a Hub: one history, compare-and-swap, safe against kill -9.

The files lie in the folder under their own names, for any reader. Beside them, in `.board/`:

    lock                 held while somebody writes
    staged/HASH          the large files of the commit being written
    pending.json         that commit, with its small files; once it is there, the commit has happened
    commits/000007.json  what each commit was: id, parent, message, time, and a hash per file
    current.json         the newest of those

Whoever finds a `pending.json` finishes that commit before doing anything else. Everybody who may write to the folder
can put anything there, so the form of each of these files is checked, and no name in them reaches a file that is not
the board's.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from sagellm_benchmark.board.proof import EVIDENCE
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub import journal
from sagellm_benchmark.hub.blobs import sha256, user_cache
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.inside import Inside
from sagellm_benchmark.hub.journal import Record
from sagellm_benchmark.hub.store import (
    FILES,
    SUBMISSIONS,
    UNREADABLE,
    WITHDRAWN,
    Accepted,
    Busy,
    Content,
    Snapshot,
    Stale,
    Store,
    in_memory,
    is_submission,
    most_bytes,
    size,
)
from sagellm_benchmark.locks import hold

NO_COMMIT = "0" * 40
"""The commit of a folder that nobody has published to: its files, if any, were put there by hand."""

_OWN = ".board"
_PENDING, _CURRENT, _LOG = f"{_OWN}/pending.json", f"{_OWN}/current.json", f"{_OWN}/commits"
_STAGED = f"{_OWN}/staged"
_LARGE = 64 << 10  # bytes; a file from this size on is staged until its commit is carried out


def never(_: str) -> bool:
    """Answer no: make no dataset that does not exist."""
    return False


def open_store(repo: str, folder: Path | None, *, create: Callable[[str], bool] = never) -> Store:
    """Return the folder if one is given, else the dataset; `create` is passed on to `Hub`."""
    return Hub(repo, cache=user_cache(), create=create) if folder is None else Directory(folder)


class Directory:
    """A folder as a store. `lock_s`: how long to wait for another writer."""

    def __init__(self, path: Path, *, lock_s: float = 60.0) -> None:
        self.path = path.absolute()
        self.lock_s = lock_s
        self._inside = Inside(self.path)

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self.path)

    def address(self, commit: str) -> str:
        """Return the folder and the commit in its log."""
        return f"{self.path} at {commit}"

    def read(self, names: Iterable[str] = FILES, *, commit: str | None = None) -> Snapshot:  # noqa: ARG002
        """Return `names` as they are now, at `commit` or a later one, because a folder keeps only its newest files.

        This needs no right to write, and no lock unless a writer was killed half-way. Raise Busy if the folder keeps
        changing.
        """
        wanted = tuple(names)
        if not self.path.is_dir():
            return Snapshot(None, {})
        deadline = time.monotonic() + self.lock_s
        while time.monotonic() < deadline:
            before = self._state()
            if before is None:
                if self._finish():  # which may have taken long
                    deadline = time.monotonic() + self.lock_s
                continue
            files = self._files(wanted)
            if self._state() == before:
                return Snapshot(before, files)
        raise Busy(f"{self.path} changes faster than it can be read", hint="try again")

    def paths(self, folder: str, commit: str) -> list[str]:  # noqa: ARG002
        """Return every file under `folder` now, sorted."""
        return [name for name in self._inside.names(folder) if not name.rpartition("/")[2].startswith(".")]

    def commit(self, files: Mapping[str, Content], parent: str | None, message: str) -> str:
        """Write `files` on top of `parent`, and return the commit's id. Raise Stale if `parent` is not the newest."""
        with self._locked():
            self._recover()
            head = self._head()
            if (parent or NO_COMMIT) != head.commit:
                raise Stale(
                    f"another commit reached {self.path} first", hint="somebody else is publishing; try again"
                )
            small, hashes = self._stage(files)
            record = Record.after(head, message, hashes)
            self._inside.write(_PENDING, journal.pending(record, small))
            self._recover()
            return record.commit

    def _stage(self, files: Mapping[str, Content]) -> tuple[dict[str, bytes], dict[str, str]]:
        """Write the large files to where a commit finds them; return the content of the small ones, and all hashes.

        Raise DataError, with the board unchanged, for a file that is larger than readers accept.
        """
        small: dict[str, bytes] = {}
        hashes: dict[str, str] = {}
        for name, given in files.items():
            if size(given) > (most := most_bytes(name)):
                raise DataError(
                    f"{name} would have more than {most >> 20} MiB; nothing was written",
                    hint="publish fewer rows at a time",
                )
            content = in_memory({name: given})[name]
            hashes[name] = sha256(content)
            if len(content) < _LARGE:
                small[name] = content
            else:
                self._inside.write(f"{_STAGED}/{hashes[name]}", content)
        return small, hashes

    def accepted(self, commit: str) -> Accepted:
        """Return every submission as it is now, checked against the log of all commits."""
        files: dict[str, bytes] = {}
        odd: dict[str, str] = {}
        for name in filter(is_submission, self.paths(SUBMISSIONS, commit)):
            try:
                files |= self._files([name])
            except DataError:
                odd[name] = UNREADABLE
        log = self.log()
        proofs = frozenset(name for folder in (EVIDENCE, WITHDRAWN) for name in self.paths(folder, commit))
        changed = {**journal.changed(log, files, proofs), **odd}
        return Accepted(files, changed, proofs, proved=bool(log), order=journal.order(log))

    def holds(self, files: Mapping[str, bytes], commit: str) -> bool:  # noqa: ARG002
        """Return whether the folder now has exactly these contents under these names."""
        return all(
            self._inside.read(_public(name), len(content)) == content for name, content in files.items()
        )

    def log(self) -> list[Record]:
        """Return every commit's record, oldest first."""
        return [self._record(name) for name in self._logged()]

    def _logged(self) -> list[str]:
        return [name for name in self.paths(_LOG, "") if name.endswith(".json")]

    def _files(self, names: Iterable[str]) -> dict[str, bytes]:
        found = ((name, self._inside.read(_public(name), most_bytes(name))) for name in names)
        return {name: content for name, content in found if content is not None}

    def _state(self) -> str | None:
        """Return the newest commit's id; None while a commit is being written."""
        return None if self._inside.exists(_PENDING) else self._head().commit

    def _head(self) -> Record:
        if not self._inside.exists(_CURRENT):
            return Record(NO_COMMIT, 0, "", "", "", {})
        return self._record(_CURRENT)

    def _record(self, name: str) -> Record:
        return journal.record(str(self.path / name), self._inside.read(name, journal.MOST_BYTES) or b"")

    def _finish(self) -> bool:
        """Carry out a commit that was left half-way, unless its writer is still there or this reader may not write.

        Return whether it was carried out here.
        """
        with contextlib.suppress(Busy):
            if os.access(self.path / _OWN, os.W_OK):
                with self._locked(wait_s=0.0):
                    return self._recover()
        time.sleep(0.02)
        return False

    def _recover(self) -> bool:
        """Carry out the pending commit, wherever its writer was stopped; return whether there was one.

        A second time changes nothing. Raise DataError for a pending commit that no writer of ours has left.
        """
        self._inside.sweep(_OWN)
        self._inside.sweep(_LOG)
        whole = self._inside.read(_PENDING, journal.MOST_BYTES)
        if whole is None:
            self._clear()
            return False
        note = str(self.path / _PENDING)
        record, contents = journal.unpack(note, whole, self._head())
        for name, content in contents.items():
            self._inside.sweep(name.rpartition("/")[0])
            self._inside.write(name, self._staged(note, name, record) if content is None else content)
        line = to_json(record.as_dict())
        self._inside.write(f"{_LOG}/{record.number:06}.json", line)
        self._inside.write(_CURRENT, line)
        self._inside.remove(_PENDING)
        self._clear()
        return True

    def _staged(self, note: str, name: str, record: Record) -> bytes:
        digest = record.files[name]
        content = self._inside.read(f"{_STAGED}/{digest}", most_bytes(name))
        return journal.as_recorded(note, name, content, digest)

    def _clear(self) -> None:
        """Remove what was staged, by a commit that has been carried out or by one that never happened."""
        for name in self._inside.names(_STAGED):
            self._inside.remove(name)

    @contextlib.contextmanager
    def _locked(self, wait_s: float | None = None) -> Iterator[None]:
        """Hold the folder's lock during the block; the system releases it if its holder dies.

        Raise Busy if somebody else holds the lock for all of `wait_s` (without it, `lock_s`).
        """
        handle = self._inside.handle(f"{_OWN}/lock")
        try:
            deadline = time.monotonic() + (self.lock_s if wait_s is None else wait_s)
            while True:
                with contextlib.suppress(BlockingIOError):
                    hold(handle)
                    break
                if time.monotonic() >= deadline:
                    raise Busy(f"{self.path} was locked for {self.lock_s:g} s", hint="see who writes there")
                time.sleep(0.01)
            yield
        finally:
            os.close(handle)


def _public(name: str) -> str:
    """Return the same name. Raise DataError for one of the store's own notes."""
    if name.split("/", maxsplit=1)[0] == _OWN:
        raise DataError(
            f"{name!r} is not a name in the store", hint="this name is reserved for the store's own notes"
        )
    return name
