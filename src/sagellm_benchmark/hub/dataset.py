"""A Hugging Face dataset as a store. Nothing that its server says is believed only because it said so once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sagellm_benchmark.board.proof import EVIDENCE
from sagellm_benchmark.errors import DataError, RemoteError, UsageError
from sagellm_benchmark.hub import answers, history, listing
from sagellm_benchmark.hub.asking import Asker
from sagellm_benchmark.hub.blobs import Blobs, Listed, blob_id, sha256
from sagellm_benchmark.hub.store import (
    FILES,
    SUBMISSIONS,
    WITHDRAWN,
    Accepted,
    Busy,
    Content,
    Snapshot,
    Stale,
    is_submission,
    most_bytes,
    size,
)
from sagellm_benchmark.huggingface.download import download, exists
from sagellm_benchmark.huggingface.library import library
from sagellm_benchmark.huggingface.limits import before_upload, by_its_clock
from sagellm_benchmark.huggingface.outcomes import Answer

PUBLIC = "https://huggingface.co"
_SLOW_LINE = 100_000  # bytes per second; a transfer that is slower may run out of time


class Hub:
    """A dataset on the Hugging Face Hub, or on the server that HF_ENDPOINT names (read when this is built).

    Each silence of the server is limited to `timeout_s`; a whole read or commit to six times that, and the time for
    its bytes. What is public is read without a token; otherwise huggingface_hub itself finds the token:
    HF_OIDC_RESOURCE, HF_TOKEN, or the login file. `cache` is a folder for what was fetched before. `create` is asked
    whether to make a dataset that does not exist, because its name may be mistyped.
    """

    def __init__(
        self,
        repo: str,
        *,
        endpoint: str | None = None,
        timeout_s: float = 30.0,
        cache: Path | None = None,
        create: Callable[[str], bool] = lambda _: False,
    ) -> None:
        if not re.fullmatch(r"[\w][\w.-]*/[\w][\w.-]*", repo, re.ASCII):
            raise UsageError(f"{repo!r} is not the name of a dataset", hint="name it as owner/dataset")
        self.repo = repo
        self.endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")
        answers.check_endpoint(self.endpoint)
        self.timeout_s = timeout_s
        self._asker = Asker(repo, self.endpoint, timeout_s)
        self._blobs = Blobs(cache)
        self._may_create = create
        self._created = False
        self._seen: dict[str, str | None] = {}  # the blob of each file at the commit that was read last
        self._seen_at: str | None = None
        self._now: datetime | None = None

    @property
    def name(self) -> str:
        """The dataset's address, without what a person may have put before an @ in HF_ENDPOINT."""
        return self._asker.name

    def address(self, commit: str) -> str:
        """Return the commit's page on the Hub."""
        return f"{self.name}/commit/{commit}"

    def read(self, names: Iterable[str] = FILES, *, commit: str | None = None) -> Snapshot:
        """Return those of `names` that the commit lists, each checked by its hash; by commit id, never by branch.

        A file of FILES counts as absent only if three answers agree: what the commit says about that path, the
        listing of its folder, and the attempt to fetch it. Raise Busy if they contradict each other, and what else
        goes wrong as the error that it is.
        """
        wanted = tuple(dict.fromkeys(names))

        def look(api: Any) -> tuple[str | None, dict[str, Listed]]:
            with by_its_clock(self._note):
                head = commit or self._asker.head(api)
            listed = {} if head is None or not wanted else listing.of(api, self.repo, wanted, head)
            if head is not None:
                self._confirm_absent(api, [n for n in wanted if n in FILES and n not in listed], head)
            return head, listed

        head, listed = self._asker.reading(look)
        if head is None:
            return Snapshot(None, {})
        self._remember(head, wanted, listed)
        return Snapshot(
            head, dict(self._contents(head, [listed[n] for n in wanted if n in listed])), self._now
        )

    def paths(self, folder: str, commit: str) -> list[str]:
        """Return every file under `folder` at `commit`; none if there is no such folder."""
        return sorted(
            self._asker.reading(lambda api: listing.under(api, self.repo, folder, commit, self.timeout_s))
        )

    def commit(self, files: Mapping[str, Content], parent: str | None, message: str) -> str:
        """Make one commit with all `files`, which the Hub accepts only while `parent` is its head; return its id.

        Before anything is sent, the Hub names the files that it holds; raise Stale if one is not as it was read.
        Without a parent, the dataset is created if that is wanted, and Stale is raised, because its first commit must
        be read before the next; raise UsageError if it is not wanted.
        """
        self._asker.need_token()
        if parent is None:
            self._create()
            raise Stale(f"{self.name} was just created", hint="try again in a minute")

        def send(api: Any) -> str:
            add = library().CommitOperationAdd  # its objects cannot be used twice
            operations = [add(path, _from_its_start(content)) for path, content in files.items()]
            with before_upload(lambda answer: self._check_held(answer, parent)):
                done = api.create_commit(
                    self.repo, operations, commit_message=message, repo_type="dataset", parent_commit=parent
                )
            return str(done.oid)

        done = self._asker.call(send, "write", sum(map(size, files.values())) / _SLOW_LINE + 0.5 * len(files))
        for content in (files[name] for name in files.keys() & set(FILES)):
            if isinstance(content, bytes):
                self._blobs.put(blob_id(content), content)
                self._blobs.put(sha256(content), content)
        return done

    def accepted(self, commit: str) -> Accepted:
        """Return every submission by git's own protocol, in a few requests; if that fails, file by file.

        Read file by file, the submissions are not `proved`, because there is no history.
        """
        self._asker.reading(self._asker.head)  # finds out whether a token is needed
        token = self._asker.token()
        try:
            return history.accepted(f"{self.endpoint}/datasets/{self.repo}", commit, token)
        except (UsageError, RemoteError) as error:
            if isinstance(error, Busy):
                raise
        names = list(filter(is_submission, self.paths(SUBMISSIONS, commit)))
        files = self.read(names, commit=commit).files
        if hidden := sorted(set(names) - files.keys()):
            raise self._contradiction(hidden[0], commit)
        proofs = frozenset(name for folder in (EVIDENCE, WITHDRAWN) for name in self.paths(folder, commit))
        return Accepted(files, {}, proofs, proved=False)

    def holds(self, files: Mapping[str, bytes], commit: str) -> bool:
        """Return whether the commit lists exactly these contents under these names."""
        listed = self._asker.reading(lambda api: listing.of(api, self.repo, tuple(files), commit))
        return all(name in listed and listed[name].is_of(content) for name, content in files.items())

    def _contents(self, commit: str, listed: list[Listed]) -> Iterator[tuple[str, bytes]]:
        for one in listed:
            if one.size > (most := most_bytes(one.path)):
                raise DataError(
                    f"{one.path} at {self.address(commit)} is larger than {most >> 20} MiB",
                    hint="restore it from its last good version",
                )
        missing: list[Listed] = []
        for one in listed:
            content = self._blobs.get(one)
            if content is None:
                missing.append(one)
            else:
                yield one.path, content
        if missing:
            more_s = sum(one.size for one in missing) / _SLOW_LINE + 0.5 * len(missing)
            yield from self._asker.reading(
                lambda api: [(one.path, self._fetch(api, one, commit)) for one in missing], more_s
            )

    def _fetch(self, api: Any, listed: Listed, commit: str) -> bytes:
        """Return one file's content. If it does not fit its hash, fetch it once more, then raise DataError."""
        for _ in range(2):
            try:
                content = download(self._url(listed.path, commit), token=api.token, at_most=listed.size)
            except Answer as answer:
                if answer.says_absent:
                    raise self._contradiction(listed.path, commit) from answer
                raise
            if listed.is_of(content):
                self._blobs.put(listed.digest, content)
                return content
        raise DataError(
            f"{listed.path} at {self.address(commit)} is damaged: it is not what its hash says",
            hint="look at it there; if it is whole, try again later or from another network",
        )

    def _confirm_absent(self, api: Any, names: list[str], commit: str) -> None:
        """Raise Busy if any answer says that one of these files is there: to take it for absent would wipe it."""
        if not names:
            return
        listed = listing.in_folders(api, self.repo, names, commit)
        there = [n for n in names if n in listed or exists(self._url(n, commit), token=api.token)]
        if there:
            raise self._contradiction(there[0], commit)

    def _contradiction(self, name: str, commit: str) -> Busy:
        return Busy(
            f"{self.name} lists {name} at {commit[:12]} and says that there is no such file",
            hint="one of the two is wrong, so nothing is taken for empty; try again later",
        )

    def _note(self, now: datetime) -> None:
        self._now = now

    def _remember(self, commit: str, names: Iterable[str], listed: Mapping[str, Listed]) -> None:
        if commit != self._seen_at:
            self._seen_at, self._seen = commit, {}
        self._seen |= {name: listed[name].blob if name in listed else None for name in names}

    def _check_held(self, answer: Any, parent: str) -> None:
        """Raise Stale if the Hub, about to take these files, holds others than those that were read."""
        if parent != self._seen_at:
            return
        for name, blob in listing.held(answer):
            if name in self._seen and self._seen[name] != blob:
                raise Stale(
                    f"{self.name} holds another {name} than the one that was read",
                    hint="somebody else is publishing, or one of its answers was wrong; try again in a minute",
                )

    def _url(self, path: str, commit: str) -> str:
        url: str = library().hf_hub_url(
            self.repo, path, repo_type="dataset", revision=commit, endpoint=self.endpoint
        )
        return url

    def _create(self) -> None:
        if not self._created and not self._may_create(f"There is no dataset {self.name}. Create it?"):
            raise UsageError(
                f"there is no dataset {self.name}, or this token cannot see it; nothing was written",
                hint="is --repo spelled right? A new one is made by `publish --create`",
            )

        def create(api: Any) -> bool:
            try:
                api.create_repo(self.repo, repo_type="dataset")
            except Answer as answer:
                if answer.status != 409:  # somebody else was faster, or is about to be
                    raise
                return False
            return True

        self._created = self._asker.call(create, "write") or self._created
        if not self._created and self._asker.call(self._asker.head, "write") is None:
            raise RemoteError(
                f"{self.name} exists, but this token cannot see it; nothing was written",
                hint=answers.permission(self.repo),
            )


def _from_its_start(content: Content) -> Content:
    if not isinstance(content, bytes):
        content.seek(0)
    return content
