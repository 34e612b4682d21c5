"""After publishing, remove from git exactly what is proved to be published, without ever losing somebody's push."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sagellm_benchmark.board.folder import is_derived, is_plain
from sagellm_benchmark.board.proof import EVIDENCE, SIGNATURES, SUFFIX
from sagellm_benchmark.board.read import Limits, parse_rows
from sagellm_benchmark.errors import ConflictError, DataError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.bundles import MOST_BYTES, Bundles, Identifier, Prover
from sagellm_benchmark.hub.git import Blob, Repository
from sagellm_benchmark.hub.handed_in import Source
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.hub.retry import Pace
from sagellm_benchmark.hub.store import Store
from sagellm_benchmark.hub.unpublished import Unpublished, unpublished

ROUNDS = 10
MESSAGE = "Clean hf_data/: its rows are published [skip ci]"
_NAMED = 5
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was removed from the remote branch, and what is `left` because it is not published, with the reason.

    `reduced` names the files that now hold only their unpublished rows.
    `followed` tells whether the local checkout was brought forward, too.
    """

    removed: tuple[str, ...]
    reduced: tuple[str, ...]
    left: tuple[str, ...]
    branch: str
    commit: str
    followed: bool


def clean(
    folder: Path,
    store: Store,
    *,
    agree: Callable[[str], bool],
    prove: Prover | None = None,
    identify: Identifier | None = None,
    pace: Pace | None = None,
) -> Cleaned | None:
    """Remove the published rows in `folder` from the remote branch; return None if `agree` says no.

    A file that holds other rows as well is reduced to those. This works on the remote's newest commit, not on the
    local files. What somebody has pushed in the meantime is published first.
    Raise DataError if there is no such folder or nothing in it is published, RemoteError if git's remote or the store
    is out of reach, ConflictError if others keep pushing.
    """
    if not folder.is_dir():
        raise DataError(
            f"there is no folder {folder}", hint="run this in a clone, or name its folder with --hf-data"
        )
    repository = Repository.at(folder)
    inside = folder.resolve().relative_to(repository.root.resolve()).as_posix()
    ours = {blob.id for blob in _row_blobs(repository, repository.head(), inside)}
    agreed = False
    for _ in range(ROUNDS):
        head = repository.fetch()
        blobs = _row_blobs(repository, head, inside)
        if not blobs:
            return Cleaned((), (), (), repository.branch, head, repository.follow(head))
        proofs = [
            one
            for one in repository.blobs(head, f"{inside}/{EVIDENCE}")
            if one.path.endswith((SUFFIX, SIGNATURES))
        ]
        bundles = _bundles(repository, proofs, inside)
        bring = partial(publish, bundles=bundles, prove=prove, identify=identify, skip_invalid=True)
        blobs, rest, left = _published(repository, blobs, store, ours, pace or Pace(), bring)
        blobs += _kept_for_good(proofs, store, inside, everything=not left)
        agreed = agreed or agree(_question(repository, blobs, rest))
        if not agreed:
            return None
        done = repository.changed(head, blobs, rest, MESSAGE)
        if repository.advance(done, head):
            removed = tuple(blob.path for blob in blobs)
            followed = repository.follow(done)
            return Cleaned(removed, tuple(rest), tuple(left), repository.branch, done, followed)
    raise ConflictError(
        f"branch {repository.branch} changed again and again; nothing was removed",
        hint="run `sagellm-benchmark clean` again",
    )


def _row_blobs(repository: Repository, commit: str, folder: str) -> list[Blob]:
    """Return the JSON files of the folder at this commit. Raise DataError for one that is not a plain file."""
    blobs = [blob for blob in repository.blobs(commit, folder) if blob.path.endswith(".json")]
    for blob in blobs:
        if not blob.mode.startswith("100") or not is_plain(_name(blob)):
            raise DataError(f"{blob.path!r} is not a plain file of rows", hint="remove it with git yourself")
    return blobs


def _published(
    repository: Repository,
    blobs: list[Blob],
    store: Store,
    ours: set[str],
    pace: Pace,
    bring: Callable[..., object],
) -> tuple[list[Blob], dict[str, bytes], list[str]]:
    """Return the files whose every row is published, what should remain of the others, and why.

    What others have pushed is published first.
    """
    derived = [blob for blob in blobs if _is_derived(repository, blob)]
    done: list[Blob] = []
    rest: dict[str, bytes] = {}
    left: list[str] = []
    for blob in (blob for blob in blobs if blob not in derived):
        source = _source(repository, blob)
        try:
            missing = _missing(store, source, pace, looks=1 if blob.id not in ours else _LOOKS)
            if missing.names and blob.id not in ours:
                bring(store, source, pace=pace)
                missing = _missing(store, source, pace)
            rest |= _rest(blob, source, missing)
        except DataError as error:
            missing = Unpublished((" ".join(error.message.split()),), ())
        if missing.names:
            left.append(f"{blob.path}: not published: {_named(missing.names)}")
        else:
            done.append(blob)
    if not done and not rest and left:
        raise DataError("\n       ".join(left), hint="run `sagellm-benchmark publish` first")
    return [*done, *([] if left else derived)], rest, left


def _rest(blob: Blob, source: Source, missing: Unpublished) -> dict[str, bytes]:
    """Return the file, by path, with only its unpublished rows; empty if there are no others to remove.

    A damaged row keeps the file whole.
    """
    every = source(Limits())
    if not missing.rows or len(missing.rows) == len(every) or any(one.repeated for one in missing.rows):
        return {}
    return {blob.path: to_json([one.row for one in missing.rows])}


def _bundles(repository: Repository, proofs: list[Blob], inside: str) -> Bundles:
    """Return what finds the bundles in git."""
    at = {proof.path.removeprefix(f"{inside}/"): proof for proof in proofs}
    return lambda path: repository.content(at[path], MOST_BYTES) if path in at else None


def _kept_for_good(proofs: list[Blob], store: Store, inside: str, *, everything: bool) -> list[Blob]:
    """Return the bundles that need not stay in git: all of them if no row is left to publish."""
    commit = None if everything or not proofs else store.read(()).commit
    there = set() if commit is None else set(store.paths(EVIDENCE, commit))
    return [proof for proof in proofs if everything or proof.path.removeprefix(f"{inside}/") in there]


def _is_derived(repository: Repository, blob: Blob) -> bool:
    return is_derived(_name(blob), lambda: repository.content(blob, Limits().file_bytes))


def _name(blob: Blob) -> str:
    return blob.path.rpartition("/")[2]


def _missing(store: Store, source: Source, pace: Pace, looks: int = _LOOKS) -> Unpublished:
    """Return the rows that are not safe in the store, after several looks, because a replica may lag."""
    missing = Unpublished((), ())
    for look in range(looks):
        if look:
            pace.say(
                f"{store.name} does not show {len(missing.names)} of the rows yet; looking again in {look} s"
            )
        pace.sleep(float(look))
        missing = unpublished(store, source, pace=pace)
        if not missing.names:
            break
    return missing


def _named(names: Sequence[str]) -> str:
    more = [f"and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
    return ", ".join([*names[:_NAMED], *more])


def _source(repository: Repository, blob: Blob) -> Source:
    """Return what reads the rows of this file as it is in git."""
    return lambda limits: parse_rows(blob.path, repository.content(blob, limits.file_bytes), limits)


def _question(repository: Repository, blobs: list[Blob], rest: Iterable[str]) -> str:
    names = ", ".join([*(blob.path for blob in blobs), *(f"the published rows of {path}" for path in rest)])
    return f"Remove {names} from {repository.remote}/{repository.branch}, and push?"
