"""The rows that a page shows, from wherever they lie: the best of each configuration, and those it beat."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from sagellm_benchmark.board.entry import BOARDS, Entry, entries
from sagellm_benchmark.board.folder import STANDING, is_derived
from sagellm_benchmark.board.identity import Identity, slug
from sagellm_benchmark.board.merge import join
from sagellm_benchmark.board.read import Limits, read_rows, read_whole
from sagellm_benchmark.board.standing import Standing, Withdrawal
from sagellm_benchmark.board.standing_file import parse
from sagellm_benchmark.errors import DataError, RemoteError, UsageError
from sagellm_benchmark.hub.accepted import accepted_rows, read_submissions
from sagellm_benchmark.hub.directory import Directory, open_store
from sagellm_benchmark.hub.retry import Pace, retrying, silent
from sagellm_benchmark.hub.store import BEFORE_SUBMISSIONS, SUBMISSIONS, Snapshot, Store

_LARGE = Limits(file_bytes=512 << 20, rows=250_000, values=25_000_000)
_DATASET = re.compile(r"[\w][\w.-]*/[\w][\w.-]*", re.ASCII)
_UNANSWERED, _PATIENCE_S = 3, 60.0


class TakenBack(NamedTuple):
    """A row that was published and withdrawn; `entry` is None if it is not at hand."""

    entry_id: str
    published_at: str
    withdrawal: Withdrawal
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Board:
    """The best row of each configuration, in the order of configurations, and the rows each one beat, best first.

    `withdrawn` rows stand apart, once for everybody who withdrew them. `left_out`: files that are not the row that
    their name says, and why.
    """

    best: tuple[Entry, ...]
    beaten: dict[Identity, tuple[Entry, ...]] = field(default_factory=dict)
    withdrawn: tuple[TakenBack, ...] = ()
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, rows: Iterable[Entry], standing: Standing | None = None, left_out: Iterable[str] = ()
    ) -> Board:
        """Sort out rows from several files; the same row may stand in more than one of them.

        What a row is worth, and which are withdrawn, is what `standing` says, where it is given.
        """
        placed = list(rows if standing is None else map(standing.placed, rows))
        every = [entry for entry in placed if not entry.place.withdrawn]
        best = join((), every).entries
        winners = {entry.identity: entry for entry in best}
        others: defaultdict[Identity, dict[bytes, Entry]] = defaultdict(dict)
        for entry in every:
            if not entry.same_as(winners[entry.identity]):
                others[entry.identity].setdefault(entry.text, entry)
        beaten = {
            key: tuple(sorted(found.values(), key=attrgetter("order"))) for key, found in others.items()
        }
        back = () if standing is None else tuple(_taken_back(standing, placed))
        return cls(best, beaten, back, tuple(left_out))


def _taken_back(standing: Standing, rows: Iterable[Entry]) -> Iterator[TakenBack]:
    held = {(e.entry_id, slug(e.identity)): e for e in rows if e.place.withdrawn}
    for name, said in sorted(standing.withdrawn.items()):
        fact = standing.facts.get(name)
        for one in sorted(said):
            at = fact.published_at if fact is not None and fact.configuration == one.configuration else ""
            yield TakenBack(name, at, one, held.get((name, one.configuration)))


def gather(source: str, *, beaten: bool, say: Callable[[str], None] = silent) -> Board:
    """Return the rows of a folder or a dataset by its name.

    Of a dataset's beaten rows, each a file, only if asked for.
    """
    folder = Path(source)
    if folder.is_dir():
        return from_folder(folder)
    if not _DATASET.fullmatch(source):
        raise UsageError(
            f"{source!r} is neither a folder nor the name of a dataset",
            hint="make hf_data/ with `sagellm-benchmark aggregate`, or name the dataset as owner/name",
        )
    try:
        return from_store(open_store(source, None), beaten=beaten, say=say)
    except RemoteError as error:
        raise RemoteError(
            error.message, hint="make the page from local rows: sagellm-benchmark site --from hf_data"
        ) from error


def from_folder(folder: Path) -> Board:
    """Return every row in a folder: hf_data/, a shared board, or a copy of the dataset with its submissions."""
    files = [
        path for path in sorted(folder.glob("*.json")) if not is_derived(path.name, partial(_read, path))
    ]
    before = folder / BEFORE_SUBMISSIONS
    files += [before] if before.exists() else []
    kept = accepted_rows(Directory(folder), "")
    if not files and not kept.entries:
        raise DataError(f"{folder} holds no rows", hint="make them with `sagellm-benchmark aggregate`")
    known = folder / STANDING
    standing = parse(read_whole(known, _LARGE.file_bytes) if known.exists() else None)
    rows = (Entry.of(found.row) for path in files for found in read_rows(path, _LARGE))
    return Board.of([*rows, *kept.entries], standing, kept.problems)


def _read(path: Path) -> bytes:
    return read_whole(path, _LARGE.file_bytes)


def from_store(store: Store, *, beaten: bool, say: Callable[[str], None] = silent) -> Board:
    """Return the boards at the store's newest commit, with every row that was ever accepted if asked for."""
    pace = Pace(unanswered=_UNANSWERED, patience_s=_PATIENCE_S, say=say)
    names = (*BOARDS, STANDING, *([BEFORE_SUBMISSIONS] if beaten else []))
    snapshot = retrying(lambda: store.read(names), pace)
    if not snapshot.files:
        raise DataError(f"{store.name} holds no board yet", hint="publish first, or give --from hf_data")
    standing = parse(snapshot.files.get(STANDING))
    held = [(name, content) for name, content in snapshot.files.items() if name != STANDING]
    rows = [entry for name, content in held for entry in entries(name, content)]
    if not beaten or snapshot.commit is None:
        return Board.of([*rows, *_withdrawn(store, snapshot, standing, pace)], standing)
    commit = snapshot.commit
    kept = retrying(lambda: accepted_rows(store, commit), pace)
    return Board.of([*rows, *kept.entries], standing, kept.problems)


def _withdrawn(store: Store, snapshot: Snapshot, standing: Standing, pace: Pace) -> list[Entry]:
    """Return the rows that were taken back: they are on no board."""
    commit, said = snapshot.commit or "", standing.withdrawn.items()
    paths = sorted({f"{SUBMISSIONS}/{one.configuration}/{name}.json" for name, of in said for one in of})
    return retrying(lambda: read_submissions(store, paths, commit), pace) if paths else []
