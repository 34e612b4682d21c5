"""The commits of a dataset, as the Hub of the tests keeps them: git's own objects, which a git client can fetch."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

LARGE = 10 << 20
"""From this size on the Hub keeps a file outside of git, which then holds a pointer to it."""
_CONFIG = """[core]
    repositoryFormatVersion = 0
    bare = true
[uploadPack]
    allowFilter = true
    allowAnySHA1InWant = true
"""
_WHO = "tester <tester@example.org> 1700000000 +0000"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit and every file as it was then."""

    id: str
    parent: str | None
    message: str
    files: dict[str, bytes]


@lru_cache(4096)
def blob_id(content: bytes) -> str:
    """Git's id of a file's content, which the Hub gives as its ETag."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324 - git's


@lru_cache(256)
def in_git(content: bytes) -> bytes:
    """What git itself holds of a file: all of it, or a pointer."""
    if len(content) < LARGE:
        return content
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n".encode()


class History:
    """The commits of one dataset, oldest first."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.objects: dict[str, bytes] = {}
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

    def add(self, files: dict[str, bytes | None], message: str, merged: Commit | None = None) -> Commit:
        """A commit that writes `files` (None deletes) on top of the newest, and has `merged` as its parent, too."""
        parent = self.commits[-1] if self.commits else None
        after: dict[str, bytes | None] = {**(parent.files if parent else {}), **files}
        whole = {path: content for path, content in sorted(after.items()) if content is not None}
        before = [f"parent {one.id}" for one in (parent, merged) if one is not None]
        lines = [f"tree {self._tree(whole)}", *before, f"author {_WHO}", f"committer {_WHO}"]
        text = "\n".join([*lines, "", f"{message} ({len(self.commits)})", ""])
        name = self._object("commit", text.encode())
        self.commits.append(Commit(name, parent.id if parent else None, message, whole))
        return self.commits[-1]

    def write_git(self, folder: Path) -> None:
        """A bare repository with all of it, its head at `main`."""
        if not (folder / "HEAD").exists():
            for inside in ("objects", "refs/heads"):
                (folder / inside).mkdir(parents=True)
            (folder / "HEAD").write_text("ref: refs/heads/main\n")
            (folder / "config").write_text(_CONFIG)
        for name, packed in self.objects.items():
            path = folder / "objects" / name[:2] / name[2:]
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(packed)
        (folder / "refs" / "heads" / "main").write_text(self.head.id + "\n")

    def _tree(self, files: dict[str, bytes]) -> str:
        """The id of the tree of these files, and of the folders in it."""
        entries: dict[str, tuple[str, str]] = {}
        folders: dict[str, dict[str, bytes]] = {}
        for path, content in files.items():
            first, _, rest = path.partition("/")
            if rest:
                folders.setdefault(first, {})[rest] = content
            else:
                entries[first] = ("100644", self._object("blob", in_git(content)))
        entries |= {name: ("40000", self._tree(inside)) for name, inside in folders.items()}
        order = sorted(entries, key=lambda name: name + "/" * (entries[name][0] == "40000"))
        listed = (f"{entries[n][0]} {n}\0".encode() + bytes.fromhex(entries[n][1]) for n in order)
        return self._object("tree", b"".join(listed))

    def _object(self, kind: str, content: bytes) -> str:
        whole = f"{kind} {len(content)}\0".encode() + content
        name = hashlib.sha1(whole).hexdigest()  # noqa: S324 - as git's
        if name not in self.objects:
            self.objects[name] = zlib.compress(whole, 1)
        return name
