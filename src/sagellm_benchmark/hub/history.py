"""Read a dataset by git's own protocol: every submission in a few requests, and what was changed afterwards."""

from __future__ import annotations

import base64
import os
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path

from sagellm_benchmark import git
from sagellm_benchmark.board.entry import MAX_ROW_BYTES
from sagellm_benchmark.board.proof import EVIDENCE
from sagellm_benchmark.errors import DataError, RemoteError
from sagellm_benchmark.hub.store import SUBMISSIONS, UNREADABLE, WITHDRAWN, Accepted, Busy, is_submission
from sagellm_benchmark.scratch import scratch

_TIMEOUT_S = 900.0
MOST_BYTES = 2 << 30  # of a pack; 100,000 rows with their history take a fraction of that
_LOCAL = "localhost,127.0.0.1,::1"
_SETTINGS = {
    "transfer.fsckObjects": "true",  # every object is what its name says
    "core.hooksPath": "/dev/null",
    "core.quotePath": "false",
    "http.followRedirects": "false",
    "gc.auto": "0",
}
# in the whole history, and against each parent of a merge, because a merge commit can hide what it leaves out
_CHANGES = (
    "log",
    "--full-history",
    "-m",
    "--no-renames",
    "--diff-filter=DMT",
    "--format=@%H",
    "--name-status",
)

_ARRIVALS = ("log", "--reverse", "-m", "--no-renames", "--diff-filter=A", "--format=@%H", "--name-only")


def accepted(url: str, commit: str, token: str | None) -> Accepted:
    """Return every file of submissions/ at `commit`, and what was changed or removed there in the history up to it.

    The boards are not fetched, nor anything else that is larger than a submission may be. Raise Busy if git's head is
    another commit, DataError for more than 2 GiB, RemoteError if git gets no answer, UsageError without git.
    """
    with scratch("sagellm-history-") as place:
        env = _environment(token)
        _fetch(place, url, commit, env)
        blobs = _blobs(place, commit, env)
        sound = {name: blob for name, (blob, size) in blobs.items() if size <= MAX_ROW_BYTES}
        files = dict(_contents(place, sound, env))
        odd = dict.fromkeys(blobs.keys() - sound.keys(), UNREADABLE)
        proofs = _proofs(place, commit, env)
        changed = {**_changes(place, commit, proofs, env), **odd}
        return Accepted(files, changed, proofs, order=_order(place, commit, env))


def _environment(token: str | None) -> dict[str, str]:
    """Return git's settings as environment variables: one may be a token, which no file or command line may show."""
    settings = dict(_SETTINGS)
    if token is not None:
        login = base64.b64encode(f"user:{token}".encode()).decode()
        settings["http.extraHeader"] = f"Authorization: Basic {login}"
    named = list(settings.items())
    env = {f"GIT_CONFIG_KEY_{at}": name for at, (name, _) in enumerate(named)}
    env |= {f"GIT_CONFIG_VALUE_{at}": value for at, (_, value) in enumerate(named)}
    around = {
        name: ",".join(filter(None, (os.environ.get(name), _LOCAL))) for name in ("no_proxy", "NO_PROXY")
    }
    return {**env, **around, "GIT_CONFIG_COUNT": str(len(named)), "GIT_ALLOW_PROTOCOL": "http:https"}


def _fetch(place: Path, url: str, commit: str, env: Mapping[str, str]) -> None:
    git.output(place, "init", "--quiet", "--bare", "--template=", ".", env=env)
    git.output(place, "remote", "add", "hub", url, env=env)
    small = "--filter=blob:limit=64k"  # a server that does not support this sends all files
    ask = ("fetch", "--quiet", "--no-tags", small, "hub", "+refs/heads/main:refs/heads/main")
    try:
        git.output(place, *ask, env=env, timeout_s=_TIMEOUT_S, most_bytes=MOST_BYTES)
    except git.TooLarge as error:
        raise DataError(
            f"the history of {url} has more than {MOST_BYTES >> 20} MiB, the most that is read",
            hint="something else than rows was put there: look at its largest files",
        ) from error
    except DataError as error:
        raise RemoteError(
            f"could not read the history of {url} with git",
            hint=f"see what `git ls-remote {url}` says here",
        ) from error
    head = git.output(place, "rev-parse", "refs/heads/main", env=env).decode().strip()
    if head != commit:
        raise Busy(f"{url} has {head[:12]} as its newest commit and said {commit[:12]}", hint="try again")


def _blobs(place: Path, commit: str, env: Mapping[str, str]) -> dict[str, tuple[bytes, int]]:
    """Return the blob and the size in bytes of each submission, by name, without our own notes."""
    listing = git.output(place, "ls-tree", "-r", "-z", commit, f"{SUBMISSIONS}/", env=env)
    rows = (entry.split(b"\t", 1) for entry in listing.split(b"\0") if entry)
    blobs = {name.decode(errors="surrogateescape"): meta.split()[2] for meta, name in rows}
    blobs = {name: blob for name, blob in blobs.items() if is_submission(name)}
    said = git.output(
        place, "cat-file", "--batch-check", env=env, given=_lines(blobs.values()), timeout_s=_TIMEOUT_S
    )
    sizes = map(_size, said.splitlines())
    return {name: (blob, size) for (name, blob), size in zip(blobs.items(), sizes, strict=True)}


def _contents(place: Path, blobs: Mapping[str, bytes], env: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each of these files."""
    asked = _lines(blobs.values())
    said = git.output(place, "cat-file", "--batch", env=env, given=asked, timeout_s=_TIMEOUT_S)
    start = 0
    for name in blobs:
        end = said.index(b"\n", start)
        size = int(said[start:end].split()[-1])
        yield name, said[end + 1 : end + 1 + size]
        start = end + size + 2


def _size(line: bytes) -> int:
    """Return the size of a blob in bytes. What has no size, such as a submodule, counts as too large for a row."""
    size = line.split()[-1]
    return int(size) if size.isdigit() else MAX_ROW_BYTES + 1


def _lines(names: Iterable[bytes]) -> bytes:
    return b"".join(name + b"\n" for name in names)


def _proofs(place: Path, commit: str, env: Mapping[str, str]) -> frozenset[str]:
    """Return the names of all evidence, signatures and tombstones at a commit."""
    said = git.output(place, "ls-tree", "-r", "-z", "--name-only", commit, EVIDENCE, WITHDRAWN, env=env)
    return frozenset(name for name in said.decode(errors="replace").split("\0") if name)


def _order(place: Path, commit: str, env: Mapping[str, str]) -> dict[str, int]:
    """Return for each submission the number of the commit that added it, counted from the first."""
    said = git.output(place, *_ARRIVALS, commit, "--", SUBMISSIONS, f":!{SUBMISSIONS}/_*", env=env)
    order: dict[str, int] = {}
    number = 0
    for line in said.decode(errors="replace").splitlines():
        number += line.startswith("@")
        if is_submission(line):
            order.setdefault(line, number)
    return order


def _changes(place: Path, commit: str, proofs: Container[str], env: Mapping[str, str]) -> dict[str, str]:
    """Return, in words, what happened to each file that was changed or removed after it had been accepted.

    Evidence, signatures and tombstones are only checked for removal, because signatures are added to existing files.
    """
    folders = (SUBMISSIONS, f":!{SUBMISSIONS}/_*", EVIDENCE, WITHDRAWN)
    said = git.output(place, *_CHANGES, commit, "--", *folders, env=env)
    found: dict[str, str] = {}
    by = ""
    for line in said.decode(errors="replace").splitlines():
        kind, _, name = line.partition("\t")
        if kind.startswith("@"):
            by = kind[1:13]
        elif name and (is_submission(name) or (kind == "D" and name not in proofs)):
            found.setdefault(name, f"was {'removed' if kind == 'D' else 'changed'} by commit {by}")
    return found
