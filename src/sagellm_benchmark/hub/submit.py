"""Push hf_data/ to the remote branch: one commit on top of whatever is there, tried again while others push."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.board.entry import BOARDS, Entry
from sagellm_benchmark.board.proof import (
    EVIDENCE,
    SIGNATURES,
    SIGNED,
    SUFFIX,
    bundle_path,
    evidence_of,
    signatures_path,
)
from sagellm_benchmark.board.read import read_rows, read_whole
from sagellm_benchmark.board.waiting import MAX_BOARD_BYTES, both_sides, joined, sorted_out, waiting
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import write_whole
from sagellm_benchmark.hub.bundles import MOST_BYTES, bundles_in, joined_signatures
from sagellm_benchmark.hub.git import Repository
from sagellm_benchmark.hub.retry import Pace, Tries
from sagellm_benchmark.hub.store import Stale

MESSAGE = "Add benchmark results"
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was pushed: `commit` is None if the remote branch held everything already.

    `followed` tells whether the local checkout was brought forward, too.
    """

    remote: str
    branch: str
    commit: str | None
    rows: str
    rounds: int
    followed: bool


def submit(folder: Path, *, pace: Pace | None = None) -> Submitted:
    """Push the rows in `folder`, joined with those on the remote branch, and nothing else from this checkout.

    Raise DataError for rows that may not be published, RemoteError if the remote is out of reach or refuses,
    ConflictError if others keep pushing first.
    """
    repository = Repository.at(folder)
    inside = folder.resolve().relative_to(repository.root.resolve()).as_posix()
    ours = _sound(folder)
    extra = _bundles(folder, ours) | _signed(folder)
    tries = Tries(pace or Pace())
    while True:
        head = repository.fetch()
        before = _files(repository, head, inside)
        theirs = _rows(before)
        boards = {f"{inside}/{name}": content for name, content in joined([*theirs, *ours]).items()}
        files = boards | _with_theirs(
            {f"{inside}/{name}": content for name, content in extra.items()}, before
        )
        changed = {path: content for path, content in files.items() if before.get(path) != content}
        wanted = {f"{inside}/{name}" for name in (*BOARDS, *extra)}
        if not changed.keys() & wanted:
            return Submitted(repository.remote, repository.branch, None, "", tries.made + 1, followed=True)
        known = {entry.view for entry in theirs}
        done = repository.with_files(head, changed, MESSAGE)
        if repository.advance(done, head):
            new = sum(entry.view not in known for entry in ours)
            rows = f"{new:,} row{'' if new == 1 else 's'}"
            followed = _follow(repository, done, files)
            return Submitted(repository.remote, repository.branch, done, rows, tries.made + 1, followed)
        tries.wait(Stale(f"somebody else pushed to {repository.branch} first"), answered=True)


def _sound(folder: Path) -> list[Entry]:
    sound, unsound = sorted_out(waiting(folder), ())
    if unsound:
        said = [
            f"{one.entry.entry_id or 'no entry_id'}: {'; '.join(one.reasons)}" for one in unsound[:_NAMED]
        ]
        raise DataError(
            "\n       ".join([f"rows in {folder}/ may not be published; nothing was pushed:", *said]),
            hint=f"remove them from {folder}/, then submit again",
        )
    return sound


def _bundles(folder: Path, rows: list[Entry]) -> dict[str, bytes]:
    """Return the bundles of these rows that are in the folder, by path."""
    digests = {digest for entry in rows if (digest := evidence_of(entry.row)) is not None}
    held = bundles_in(folder)
    return {
        path: content for path in map(bundle_path, sorted(digests)) if (content := held(path)) is not None
    }


def _signed(folder: Path) -> dict[str, bytes]:
    """Return the files of signed rows, with their evidence, by path; they are pushed even if they are not the best."""
    found: dict[str, bytes] = {}
    for path in sorted(folder.glob(f"{SIGNED}*.json")):
        found[path.name] = read_whole(path, MAX_BOARD_BYTES)
        for digest in (evidence_of(one.row) for one in read_rows(path)):
            names = () if digest is None else (bundle_path(digest), signatures_path(digest))
            found |= {
                name: read_whole(folder / name, MOST_BYTES) for name in names if (folder / name).exists()
            }
    return found


def _with_theirs(files: dict[str, bytes], before: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return our files, with the signatures of both sides in files of signatures."""
    for path in files.keys() & before.keys():
        if path.endswith(SIGNATURES):
            files[path] = joined_signatures(files[path], before[path])
    return files


def _files(repository: Repository, commit: str, inside: str) -> dict[str, bytes]:
    """Return the remote branch's rows, bundles and signatures, by path."""
    there = [*repository.blobs(commit, inside), *repository.blobs(commit, f"{inside}/{EVIDENCE}")]
    blobs = [blob for blob in there if blob.path.endswith((".json", SUFFIX, SIGNATURES))]
    return {blob.path: repository.content(blob, MAX_BOARD_BYTES) for blob in blobs}


def _rows(files: Mapping[str, bytes]) -> list[Entry]:
    boards = {path: content for path, content in files.items() if path.rpartition("/")[2] in BOARDS}
    return [entry for path, content in boards.items() for entry in both_sides(path, content)]


def _follow(repository: Repository, done: str, files: Mapping[str, bytes]) -> bool:
    """Bring the local checkout forward to what was pushed, which holds everything that these files hold.

    Return False, with the files as they were, if something is in the way.
    """
    if not repository.is_ancestor(repository.head(), done):
        return False
    here = {
        path: (repository.root / path).read_bytes() for path in files if (repository.root / path).exists()
    }
    repository.put_back(sorted(files))
    if repository.follow(done):
        return True
    for path, content in here.items():
        write_whole(repository.root / path, content)
    return False
