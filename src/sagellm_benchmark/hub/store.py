"""Where the shared board lives: a Hugging Face dataset, read and written under compare-and-swap."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import orjson

from sagellm_benchmark.board.entry import BOARDS
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED
from sagellm_benchmark.errors import ConflictError, DataError, RemoteError, UsageError
from sagellm_benchmark.huggingface import Answer, NoAnswer, NotAsked, call, library, shown

T = TypeVar("T")

CARD = "README.md"
SUBMISSIONS = "submissions"
BEFORE_SUBMISSIONS = f"{SUBMISSIONS}/_published_before.json"
"""The rows that were on the board before each submission was kept by itself; written once, by the first publish."""
FILES = (*BOARDS, COMPARE, LAST_UPDATED, CARD, BEFORE_SUBMISSIONS)

MAX_FILE_BYTES = 512 * 1024 * 1024


class Stale(ConflictError):  # noqa: N818 - a turn of events
    """Somebody else's commit came first, or is being made right now: read again and go round."""


class Busy(RemoteError):  # noqa: N818
    """The store is overloaded or not yet up to date. `retry_after_s` is what it asked to wait, if it did."""

    def __init__(self, message: str, *, hint: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Ambiguous(RemoteError):  # noqa: N818
    """No usable answer came. What was asked for may still have happened: read before trying again."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of one commit. `commit` is None where the dataset does not exist; an absent file is not in `files`."""

    commit: str | None
    files: Mapping[str, bytes]


class Store(Protocol):
    """A place with one history. `read` gives one commit's files; `commit` adds to it only on top of `parent`."""

    @property
    def name(self) -> str:
        """What people call this place."""

    def read(self, names: Iterable[str] = FILES, *, commit: str | None = None) -> Snapshot:
        """`names` as they are at `commit` (the newest without one). Raises RemoteError, or its kin above."""

    def commit(self, files: Mapping[str, bytes], parent: str | None, message: str) -> str:
        """Write `files` in one commit on top of `parent` and give its id. Raises Stale, Busy or another RemoteError."""

    def paths(self, folder: str, commit: str) -> list[str]:
        """Every file under `folder` at `commit`, sorted."""

    def address(self, commit: str) -> str:
        """Where a person can look at `commit`."""


class Hub:
    """A dataset on the Hugging Face Hub, or on the server that HF_ENDPOINT names (read when this is built).

    `timeout_s` bounds each silence of the server, six times that a whole read or commit of few files. The token is
    found by huggingface_hub itself: HF_OIDC_RESOURCE, HF_TOKEN, or the login file.
    """

    def __init__(self, repo: str, *, endpoint: str | None = None, timeout_s: float = 30.0) -> None:
        if not re.fullmatch(r"[\w][\w.-]*/[\w][\w.-]*", repo, re.ASCII):
            raise UsageError(f"{repo!r} is not the name of a dataset", hint="name it as owner/dataset")
        self.repo = repo
        self.endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
        if not _is_web_address(self.endpoint):
            raise UsageError("HF_ENDPOINT is not a web address", hint="it looks like https://huggingface.co")
        self.timeout_s = timeout_s

    @property
    def name(self) -> str:
        """The dataset's address, without what a person may have put before an @ in HF_ENDPOINT."""
        return f"{shown(self.endpoint)}/datasets/{self.repo}"

    def address(self, commit: str) -> str:
        """The commit's page on the Hub."""
        return f"{self.name}/commit/{commit}"

    def read(self, names: Iterable[str] = FILES, *, commit: str | None = None) -> Snapshot:
        """Download `names` by commit id, never by branch: a branch is served from a cache when the Hub is down.

        A file counts as absent only when the Hub says so twice: where it is fetched, and in what it lists of that
        commit. Raises Busy where the two contradict each other; any other failure raises, too.
        """
        wanted = tuple(names)

        def fetch(api: Any) -> Snapshot:
            head = commit or self._head(api)
            if head is None:
                return Snapshot(None, {})
            with tempfile.TemporaryDirectory(prefix="sagellm-board-") as folder:
                found = {name: self._file(api, name, head, folder) for name in wanted}
            self._check_absent(api, [name for name, content in found.items() if content is None], head)
            return Snapshot(head, {name: content for name, content in found.items() if content is not None})

        return self._call(fetch, "read", 0.5 * len(wanted))

    def paths(self, folder: str, commit: str) -> list[str]:
        """Every file under `folder` at `commit`; none where there is no such folder."""

        def listing(api: Any) -> list[str]:
            try:
                every = api.list_repo_files(self.repo, revision=commit, repo_type="dataset")
            except Answer as answer:
                if not _is_unsupported(answer):
                    raise
                every = self._siblings(api, commit)
            return sorted(path for path in every if path.startswith(f"{folder}/"))

        return self._call(listing, "read")

    def commit(self, files: Mapping[str, bytes], parent: str | None, message: str) -> str:
        """One commit with all `files`, accepted by the Hub only while `parent` is its head.

        Without a parent the dataset is created, and Stale is raised: its first commit is to be read before the next.
        """
        self._need_token()
        if parent is None:
            self._call(self._create, "write")
            raise Stale(f"{self.name} was just created")

        def send(api: Any) -> str:
            add = library().CommitOperationAdd  # its objects cannot be used twice
            operations = [add(path, content) for path, content in files.items()]
            done = api.create_commit(
                self.repo, operations, commit_message=message, repo_type="dataset", parent_commit=parent
            )
            return str(done.oid)

        slow_s = sum(map(len, files.values())) / 100_000  # over a line of 100 kB/s
        return self._call(send, "write", slow_s + 0.5 * len(files))

    def _check_absent(self, api: Any, names: list[str], commit: str) -> None:
        """Raise Busy where the commit does list one of these names: taking it for absent would wipe it."""
        if not names:
            return
        try:
            infos = api.get_paths_info(self.repo, names, revision=commit, repo_type="dataset")
            listed = [info.path for info in infos]
        except Answer as answer:
            if not _is_unsupported(answer):
                raise
            listed = self._siblings(api, commit)
        if hidden := sorted(set(names) & set(listed)):
            raise Busy(
                f"{self.name} lists {hidden[0]} at {commit[:12]} and says that there is no such file",
                hint="one of the two is wrong, so nothing is taken for empty; try again later",
            )

    def _siblings(self, api: Any, commit: str) -> list[str]:
        """Every file at `commit`, for a server that answers no finer question, as some mirrors."""
        info = api.repo_info(self.repo, repo_type="dataset", revision=commit, timeout=self.timeout_s)
        return [file.rfilename for file in info.siblings or ()]

    def _create(self, api: Any) -> None:
        try:
            api.create_repo(self.repo, repo_type="dataset")
        except Answer as answer:
            if answer.status != 409:  # somebody else was faster, or is about to be
                raise

    def _head(self, api: Any) -> str | None:
        """The newest commit's id; None where the Hub says that there is no such dataset."""
        try:
            sha = api.repo_info(self.repo, repo_type="dataset", timeout=self.timeout_s).sha
        except Answer as answer:
            if answer.status == 404 and answer.code == "RepoNotFound":
                return None
            raise
        if not isinstance(sha, str) or not re.fullmatch(r"[0-9a-f]{40,64}", sha):
            raise NoAnswer("the dataset has no commit id")
        return sha

    def _file(self, api: Any, name: str, commit: str, folder: str) -> bytes | None:
        """One file's content. What is damaged on the way is fetched once more; None where it does not exist."""
        first, sound = self._download(api, name, commit, folder, again=False)
        if first is None or sound:
            return first
        second, sound = self._download(api, name, commit, folder, again=True)
        if second is not None and (sound or (second == first and _parses(name, second))):
            return second  # twice the same and readable: this server's ETag is no checksum
        raise DataError(
            f"{name} at {self.address(commit)} is damaged",
            hint="look at it there; if it is whole, try again later or from another network",
        )

    def _download(
        self, api: Any, name: str, commit: str, folder: str, *, again: bool
    ) -> tuple[bytes | None, bool]:
        """The content and whether it parses and has the checksum that the server gave for it."""
        try:
            path = Path(
                api.hf_hub_download(
                    self.repo,
                    name,
                    repo_type="dataset",
                    revision=commit,
                    cache_dir=folder,
                    force_download=again,
                )
            )
        except Answer as answer:
            if _is_absent(answer):
                return None, True
            raise
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(f"{name} at {self.address(commit)} is larger than {MAX_FILE_BYTES >> 20} MiB")
        content = path.read_bytes()
        return content, _matches(path.resolve().name, content) and _parses(name, content)

    def _need_token(self) -> None:
        if self._call(lambda _: library().get_token(), "write") is None:
            raise RemoteError(
                f"no token to write to {self.name}; nothing was sent", hint=_permission(self.repo)
            )

    def _call(self, work: Callable[[Any], T], verb: str, more_s: float = 0.0) -> T:
        """Run `work` with the library's client, and say what became of it in our own words."""
        total_s = 6 * self.timeout_s + more_s

        def run() -> T:
            # token=True: writing is reason enough to use the token, even where reading would go without
            return work(library().HfApi(endpoint=self.endpoint, token=True if verb == "write" else None))

        try:
            return call(run, timeout_s=self.timeout_s, total_s=total_s)
        except Answer as answer:
            raise self._judge(answer, verb) from answer
        except NotAsked as error:
            raise RemoteError(
                f"could not {verb} {self.name}: {error}; nothing was sent",
                hint=error.hint or _permission(self.repo, verb),
            ) from error
        except NoAnswer as error:
            raise Ambiguous(
                f"could not {verb} {self.name}: no usable answer ({error})",
                hint="check the network and HF_ENDPOINT, then try again",
            ) from error

    def _judge(self, answer: Answer, verb: str) -> Exception:
        """What a status means to us; wording and classes change between releases, the status does not."""
        said = f"could not {verb} {self.name}: {answer}"
        if answer.status in (409, 412):
            return Stale(said, hint="somebody else is publishing; try again in a minute")
        if answer.status in (429, 503) or answer.code == "RevisionNotFound":  # a replica may lag behind
            return Busy(said, hint="the Hub is busy; try again later", retry_after_s=answer.retry_after_s)
        if answer.status >= 500 or answer.status == 408:
            return Ambiguous(said, hint="the Hub has a problem; try again later")
        if answer.status in (401, 403, 404):
            return RemoteError(f"{said}; nothing was written", hint=_permission(self.repo, verb))
        return RemoteError(
            f"{said}; nothing was written", hint="look at https://status.huggingface.co, then report it"
        )


def _permission(repo: str, verb: str = "write") -> str:
    return (
        f"give a token that may {verb} datasets/{repo}: HF_TOKEN, `hf auth login`, "
        "or in Actions HF_OIDC_RESOURCE with `id-token: write`"
    )


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_absent(answer: Answer) -> bool:
    """The Hub knows the commit and says that this path is not in it."""
    return answer.status == 404 and answer.code == "EntryNotFound"


def _is_unsupported(answer: Answer) -> bool:
    """The server does not know the question at all; about a file or a commit it would name a code."""
    return answer.status in (404, 405) and not answer.code


def _parses(name: str, content: bytes) -> bool:
    if not name.endswith(".json"):
        return True
    try:
        orjson.loads(content)
    except orjson.JSONDecodeError:
        return False
    return True


def _matches(etag: str, content: bytes) -> bool:
    """Whether `content` has the checksum that is its ETag: git's for a plain file, SHA-256 for a large one."""
    if re.fullmatch(r"[0-9a-f]{40}", etag):
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == etag
    if re.fullmatch(r"[0-9a-f]{64}", etag):
        return hashlib.sha256(content).hexdigest() == etag
    return True
