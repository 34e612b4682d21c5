"""git, as far as submitting and cleaning need it: it never asks, never waits forever, and never forces anything."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark import git
from sagellm_benchmark.errors import DataError, RemoteError, UsageError
from sagellm_benchmark.scratch import scratch

_REFS = "refs/sagellm-benchmark"
_NOBODY = ("sagellm-benchmark", "sagellm-benchmark@users.noreply.github.com")


@dataclass(frozen=True, slots=True)
class Blob:
    """A file in a commit. `mode` is git's: a plain file's begins with 100."""

    path: str
    mode: str
    id: str


@dataclass(frozen=True, slots=True)
class Repository:
    """A checkout, and the branch of the remote that its current branch belongs to."""

    root: Path
    remote: str
    branch: str

    @classmethod
    def at(cls, folder: Path) -> Repository:
        """Return the repository of `folder`. Raise UsageError if there is no checkout, branch, or remote to push to."""
        try:
            root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
            local = _git(root, "symbolic-ref", "--short", "HEAD").strip()
        except DataError as error:
            raise UsageError(
                f"{folder} is not in a git checkout on a branch",
                hint="run this in a clone, on a branch",
            ) from error
        remote = _config(root, f"branch.{local}.remote") or "origin"
        merged = _config(root, f"branch.{local}.merge") or f"refs/heads/{local}"
        if not _config(root, f"remote.{remote}.url"):
            raise UsageError(f"branch {local} has no remote to push to", hint="git remote add origin URL")
        return cls(root, remote, merged.removeprefix("refs/heads/"))

    def fetch(self) -> str:
        """Fetch the remote branch's newest commit, and return its id. Raise RemoteError if the remote is out of reach.

        While it is read, it has a ref of our own: another fetch in this checkout may change FETCH_HEAD, or hold a lock
        on the remote-tracking branch, which `--refmap=` leaves alone.
        """
        self._sweep()
        ours = f"{_REFS}/{os.getpid()}"
        what = f"+refs/heads/{self.branch}:{ours}"
        self._talk("fetch", "--quiet", "--no-tags", "--refmap=", self.remote, what)
        commit = _git(self.root, "rev-parse", "--verify", ours).strip()
        _git(self.root, "update-ref", "-d", ours)
        return commit

    def _sweep(self) -> None:
        """Remove the refs that killed processes have left."""
        for name in _git(self.root, "for-each-ref", "--format=%(refname)", _REFS).split():
            if not is_alive(name.rpartition("/")[2]):
                _git(self.root, "update-ref", "-d", name)

    def head(self) -> str:
        """Return the id of the commit that is checked out."""
        return _git(self.root, "rev-parse", "HEAD").strip()

    def blobs(self, commit: str, folder: str) -> list[Blob]:
        """Return the entries directly in `folder` at `commit`; folders among them are left out."""
        listing = _git(self.root, "ls-tree", "-z", "--full-tree", commit, f"{folder}/")
        rows = (entry.split("\t", 1) for entry in listing.split("\0") if entry)
        found = ((*meta.split(), path) for meta, path in rows)
        return [Blob(path, mode, blob) for mode, kind, blob, path in found if kind != "tree"]

    def content(self, blob: Blob, at_most: int) -> bytes:
        """Return a blob's bytes. Raise DataError if there are more than `at_most`."""
        size = int(_git(self.root, "cat-file", "-s", blob.id))
        if size > at_most:
            raise DataError(
                f"{blob.path} is larger than {at_most:,} bytes", hint="submit fewer rows at a time"
            )
        return git.output(self.root, "cat-file", "blob", blob.id)

    def changed(self, commit: str, removed: Sequence[Blob], files: Mapping[str, bytes], message: str) -> str:
        """Return a commit on top of `commit` without the `removed` blobs and with `files`. No branch points to it."""
        gone = ("--force-remove", "--", *(blob.path for blob in removed)) if removed else ()
        return self._commit(commit, message, (*self._held(files), *gone))

    def with_files(self, commit: str, files: Mapping[str, bytes], message: str) -> str:
        """Return a commit on top of `commit` with these files. No branch points to it, and no file here is touched."""
        return self._commit(commit, message, self._held(files))

    def is_ancestor(self, earlier: str, later: str) -> bool:
        """Return whether `later` builds on `earlier`."""
        try:
            _git(self.root, "merge-base", "--is-ancestor", earlier, later)
        except DataError:
            return False
        return True

    def advance(self, done: str, before: str) -> bool:
        """Push `done`; return False if the remote has moved since `before`.

        A push that arrived without confirmation is noticed. Raise RemoteError if the remote is out of reach or refuses.
        """
        try:
            self.push(done)
        except RemoteError:
            now = self.fetch()
            if now == before:
                raise
            return now == done
        return True

    def push(self, commit: str) -> None:
        """Move the remote branch forward to `commit`. Raise RemoteError if that is not forward, or the push fails."""
        self._talk("push", "--quiet", self.remote, f"{commit}:refs/heads/{self.branch}")

    def follow(self, commit: str) -> bool:
        """Bring the local branch and working tree forward to `commit`; return False if something is in the way."""
        try:
            _git(self.root, "merge", "--quiet", "--ff-only", commit)
        except DataError:
            return False
        return True

    def put_back(self, paths: Sequence[str]) -> None:
        """Restore these files from the checked-out commit; a file that it lacks is removed."""
        _git(self.root, "reset", "--quiet", "--", *paths)
        tracked = set(_git(self.root, "ls-files", "-z", "--", *paths).split("\0")) - {""}
        for path in set(paths) - tracked:
            (self.root / path).unlink(missing_ok=True)
        if tracked:
            _git(self.root, "checkout", "--quiet", "--", *sorted(tracked))

    def _commit(self, parent: str, message: str, changes: tuple[str, ...]) -> str:
        with scratch("sagellm-index-") as folder:
            index = {"GIT_INDEX_FILE": str(folder / "index")}
            _git(self.root, "read-tree", parent, env=index)
            _git(self.root, "update-index", *changes, env=index)
            tree = _git(self.root, "write-tree", env=index).strip()
        return _git(self.root, "commit-tree", tree, "-p", parent, "-m", message, env=self._author()).strip()

    def _held(self, files: Mapping[str, bytes]) -> tuple[str, ...]:
        ids = {path: self._stored(content) for path, content in files.items()}
        listed = (("--cacheinfo", f"100644,{blob},{path}") for path, blob in ids.items())
        return ("--add", *(word for words in listed for word in words))

    def _stored(self, content: bytes) -> str:
        """Store these bytes in the repository, and return the id of their blob."""
        return git.output(self.root, "hash-object", "-w", "--stdin", given=content).decode().strip()

    def _author(self) -> dict[str, str]:
        """Return the environment that makes this tool the committer; empty if git is configured with one."""
        if _config(self.root, "user.email") and _config(self.root, "user.name"):
            return {}
        name, email = _NOBODY
        who = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email}
        return {**who, "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email}

    def _talk(self, *arguments: str) -> None:
        try:
            _git(self.root, *arguments)
        except DataError as error:
            raise RemoteError(
                f"git {arguments[0]} with {self.remote}, branch {self.branch}, failed",
                hint=f"see what `git {arguments[0]}` says here; is the branch protected, and may you write to it?",
            ) from error


def configure(folder: Path, settings: Mapping[str, str]) -> bool:
    """Set these in the repository's own configuration; return False if all of them were set already."""
    changed = {name: value for name, value in settings.items() if _config(folder, name) != value}
    for name, value in changed.items():
        _git(folder, "config", "--local", name, value)
    return bool(changed)


def attribute(path: Path, name: str) -> str:
    """Return the value that .gitattributes gives a file for `name`; '' outside a checkout."""
    try:
        said = _git(path.parent, "check-attr", "-z", name, "--", path.name)
    except DataError:
        return ""
    return said.split("\0")[2]


def _config(root: Path, name: str) -> str:
    try:
        return _git(root, "config", "--get", name).strip()
    except DataError:
        return ""


def _git(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    return git.output(folder, *arguments, env=env).decode(errors="surrogateescape")


def is_alive(pid: str) -> bool:
    """Return whether a process with this id may be running; True if unknown."""
    if os.name == "nt" or not (pid.isascii() and pid.isdigit()) or len(pid) > 9:
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
