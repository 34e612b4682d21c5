"""A shared folder as a store, for clusters without a Hub: one history, compare-and-swap, safe against kill -9.

The files lie in the folder under their own names, for any reader. Beside them, in `.board/`:

    lock                 held while somebody writes
    pending.json         the commit being written, whole; once it is there, the commit has happened
    commits/000007.json  what each commit was: id, parent, message, time, and a hash per file
    current.json         the newest of those

Whoever finds a `pending.json` finishes that commit before doing anything else.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import cannot_write, to_json, write_whole
from sagellm_benchmark.hub.blobs import user_cache
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.store import FILES, MAX_FILE_BYTES, Busy, Snapshot, Stale, Store

NO_COMMIT = "0" * 40
"""The commit of a folder that nobody has published to: its files, if any, were put there by hand."""


def open_store(repo: str, folder: Path | None) -> Store:
    """The folder where one is given, else the dataset."""
    return Hub(repo, cache=user_cache()) if folder is None else Directory(folder)


class Directory:
    """A folder as a store. `lock_s`: how long to wait for another writer."""

    def __init__(self, path: Path, *, lock_s: float = 60.0) -> None:
        self.path = path.absolute()
        self.lock_s = lock_s
        self._own = self.path / ".board"

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self.path)

    def address(self, commit: str) -> str:
        """The folder and the commit in its log."""
        return f"{self.path} at {commit}"

    def read(self, names: Iterable[str] = FILES, *, commit: str | None = None) -> Snapshot:  # noqa: ARG002
        """`names` as they are now, at `commit` or a later one: a folder keeps only its newest files.

        Needs no right to write, and no lock unless a writer was killed half-way.
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
        """Every file under `folder` now, sorted."""
        found = (path for path in (self.path / folder).rglob("*") if path.is_file())
        return sorted(p.relative_to(self.path).as_posix() for p in found if not p.name.startswith("."))

    def commit(self, files: Mapping[str, bytes], parent: str | None, message: str) -> str:
        """Write `files` on top of `parent`; raises Stale when that is not the newest commit."""
        with self._locked():
            self._recover()
            number, head = self._head()
            if (parent or NO_COMMIT) != head:
                raise Stale(
                    f"another commit reached {self.path} first", hint="somebody else is publishing; try again"
                )
            record = _record(number + 1, head, message, files)
            contents = {name: base64.b64encode(content).decode() for name, content in files.items()}
            write_whole(self._own / "pending.json", to_json({"record": record, "contents": contents}))
            self._recover()
            return str(record["commit"])

    def log(self) -> list[dict[str, Any]]:
        """Every commit's record, oldest first."""
        return [_json(path) for path in sorted((self._own / "commits").glob("*.json"))]

    def _files(self, names: Iterable[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name in names:
            path = self._inside(name)
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_size > MAX_FILE_BYTES:
                    raise DataError(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB")
                found[name] = path.read_bytes()
        return found

    def _inside(self, name: str) -> Path:
        """The path of a file of the store; raises DataError for a name that leaves the folder."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or parts[0] == ".board":
            raise DataError(f"{name!r} is not a name in {self.path}")
        return self.path.joinpath(*parts)

    def _state(self) -> str | None:
        """The newest commit's id; None while a commit is being written."""
        if (self._own / "pending.json").exists():
            return None
        return self._head()[1]

    def _head(self) -> tuple[int, str]:
        current = self._own / "current.json"
        if not current.exists():
            return 0, NO_COMMIT
        record = _json(current)
        return int(record["number"]), str(record["commit"])

    def _finish(self) -> bool:
        """Carry out a commit that was left half-way; a reader who may not write waits for somebody who may."""
        if not os.access(self._own, os.W_OK):
            time.sleep(0.02)
            return False
        with self._locked():
            return self._recover()

    def _recover(self) -> bool:
        """Carry out the pending commit, if there is one, from wherever its writer was stopped.

        Doing it twice changes nothing.
        """
        pending = self._own / "pending.json"
        self._sweep(self._own)
        self._sweep(self._own / "commits")
        if not pending.exists():
            return False
        whole = _json(pending)
        for name, content in whole["contents"].items():
            path = self._inside(name)
            self._sweep(path.parent)
            write_whole(path, base64.b64decode(content))
        record = to_json(whole["record"])
        write_whole(self._own / "commits" / f"{whole['record']['number']:06}.json", record)
        write_whole(self._own / "current.json", record)
        pending.unlink()
        return True

    def _sweep(self, folder: Path) -> None:
        """Remove the temporary files of writers that were killed: whoever holds the lock is the only writer."""
        for left in folder.glob(".*.tmp"):
            left.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder's lock, which the system takes back when its holder dies."""
        import fcntl  # noqa: PLC0415 - not on Windows, which has no use for this class but imports it

        try:
            self._own.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._own / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise cannot_write(self._own / "lock", error) from error
        try:
            deadline = time.monotonic() + self.lock_s
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                if time.monotonic() > deadline:
                    raise Busy(f"{self.path} was locked for {self.lock_s:g} s", hint="see who writes there")
                time.sleep(0.01)
            yield
        finally:
            os.close(handle)


def _record(number: int, parent: str, message: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    record = {"number": number, "parent": parent, "message": message, "at": at, "files": hashes}
    return {"commit": hashlib.sha256(orjson.dumps(record)).hexdigest()[:40], **record}


def _json(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}", hint="restore it, or move `.board` away") from error
    return value
