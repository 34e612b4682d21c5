"""git, as far as cleaning needs it: never asks, never waits for ever, never touches the working tree on its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.errors import DataError, RemoteError, UsageError

TIMEOUT_S = 120.0
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
        """Raises UsageError where there is no checkout, no branch, or no remote to push to."""
        try:
            root = Path(_git(folder, "rev-parse", "--show-toplevel").strip())
            local = _git(root, "symbolic-ref", "--short", "HEAD").strip()
        except DataError as error:
            raise UsageError(
                f"{folder} is not in a git checkout on a branch",
                hint="run this in a clone, on the branch to clean",
            ) from error
        remote = _config(root, f"branch.{local}.remote") or "origin"
        merged = _config(root, f"branch.{local}.merge") or f"refs/heads/{local}"
        if not _config(root, f"remote.{remote}.url"):
            raise UsageError(f"branch {local} has no remote to push to", hint="git remote add origin URL")
        return cls(root, remote, merged.removeprefix("refs/heads/"))

    def fetch(self) -> str:
        """The id of the remote branch's newest commit, with everything in it. Raises RemoteError.

        It is kept under a name of our own while it is read: FETCH_HEAD is anybody's who fetches here meanwhile.
        """
        ours = f"refs/sagellm-benchmark/{os.getpid()}"
        self._talk("fetch", "--quiet", "--no-tags", self.remote, f"+refs/heads/{self.branch}:{ours}")
        commit = _git(self.root, "rev-parse", "--verify", ours).strip()
        _git(self.root, "update-ref", "-d", ours)
        return commit

    def head(self) -> str:
        """The id of the commit that is checked out."""
        return _git(self.root, "rev-parse", "HEAD").strip()

    def blobs(self, commit: str, folder: str) -> list[Blob]:
        """The entries directly in `folder` at `commit`; folders among them are left out."""
        listing = _git(self.root, "ls-tree", "-z", "--full-tree", commit, f"{folder}/")
        rows = (entry.split("\t", 1) for entry in listing.split("\0") if entry)
        found = ((*meta.split(), path) for meta, path in rows)
        return [Blob(path, mode, blob) for mode, kind, blob, path in found if kind != "tree"]

    def content(self, blob: Blob, at_most: int) -> bytes:
        """A blob's bytes. Raises DataError when there are more than `at_most`."""
        size = int(_git(self.root, "cat-file", "-s", blob.id))
        if size > at_most:
            raise DataError(
                f"{blob.path} is larger than {at_most:,} bytes", hint="submit fewer rows at a time"
            )
        return _bytes(self.root, ("cat-file", "blob", blob.id), {})

    def without(self, commit: str, blobs: list[Blob], message: str) -> str:
        """A commit on top of `commit` that lacks these files. No branch points to it, and no file is touched."""
        with tempfile.TemporaryDirectory(prefix="sagellm-clean-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            _git(self.root, "read-tree", commit, env=index)
            _git(self.root, "update-index", "--force-remove", "--", *(blob.path for blob in blobs), env=index)
            tree = _git(self.root, "write-tree", env=index).strip()
        return _git(self.root, "commit-tree", tree, "-p", commit, "-m", message, env=self._author()).strip()

    def push(self, commit: str) -> None:
        """Move the remote branch forward to `commit`; git refuses when that is not forward. Raises RemoteError."""
        self._talk("push", "--quiet", self.remote, f"{commit}:refs/heads/{self.branch}")

    def follow(self, commit: str) -> bool:
        """Bring branch and working tree here forward to `commit`, unless something here stands in the way."""
        try:
            _git(self.root, "merge", "--quiet", "--ff-only", commit)
        except DataError:
            return False
        return True

    def _author(self) -> dict[str, str]:
        """Who commits: whom git is set up for, else this tool."""
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


def _config(root: Path, name: str) -> str:
    try:
        return _git(root, "config", "--get", name).strip()
    except DataError:
        return ""


def _git(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    return _bytes(folder, arguments, env or {}).decode(errors="surrogateescape")


def _bytes(folder: Path, arguments: tuple[str, ...], env: Mapping[str, str]) -> bytes:
    """What git prints. Raises DataError when it fails, without its words: an address in them may hold a password."""
    quiet = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes"),
    }
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env={**os.environ, **quiet, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=True,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed, or the folder is gone", hint="install git") from error
    except subprocess.TimeoutExpired as error:
        raise RemoteError(f"git {arguments[0]} took longer than {TIMEOUT_S:g} s", hint="try again") from error
    except subprocess.CalledProcessError as error:
        raise DataError(f"git {arguments[0]} failed with {error.returncode}") from error
    return done.stdout
