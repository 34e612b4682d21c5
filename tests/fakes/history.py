"""The commits of a dataset, as the Hub of the tests keeps them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit and every file as it was then."""

    id: str
    parent: str | None
    message: str
    files: dict[str, bytes]


def blob_id(content: bytes) -> str:
    """Git's id of a file's content, which the Hub gives as its ETag."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 - git's


class History:
    """The commits of one dataset, oldest first."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.add({".gitattributes": b"* text=auto\n"}, "initial commit")

    @property
    def head(self) -> Commit:
        """The newest commit."""
        return self.commits[-1]

    def find(self, revision: str) -> Commit | None:
        """A commit by its id, or the newest by `main`."""
        if revision == "main":
            return self.head
        return next((commit for commit in self.commits if commit.id == revision), None)

    def add(self, files: dict[str, bytes | None], message: str) -> Commit:
        """A commit that writes `files` (None deletes) on top of the newest."""
        parent = self.commits[-1] if self.commits else None
        after: dict[str, bytes | None] = {**(parent.files if parent else {}), **files}
        whole = {path: content for path, content in sorted(after.items()) if content is not None}
        ids = json.dumps([parent.id if parent else "", message, {p: blob_id(c) for p, c in whole.items()}])
        name = hashlib.sha1(f"{len(self.commits)} {ids}".encode()).hexdigest()  # noqa: S324 - as git's
        self.commits.append(Commit(name, parent.id if parent else None, message, whole))
        return self.commits[-1]
