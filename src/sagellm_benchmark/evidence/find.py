"""Find a row and its evidence: in a run's folder, in files, or in the dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagellm_benchmark.board.entry import BOARDS, entries
from sagellm_benchmark.board.identity import UUID
from sagellm_benchmark.board.proof import bundle_path, evidence_of
from sagellm_benchmark.board.read import read_rows, read_whole
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.evidence import files, statement
from sagellm_benchmark.evidence.bundle import MOST_PACKED, unpack
from sagellm_benchmark.hub.accepted import submitted_entry
from sagellm_benchmark.hub.retry import retrying
from sagellm_benchmark.hub.store import SUBMISSIONS, Store
from sagellm_benchmark.outputs import row_file
from sagellm_benchmark.runs import codec
from sagellm_benchmark.verdict.intervals import Interval
from sagellm_benchmark.verdict.metrics import THROUGHPUT


@dataclass(frozen=True, slots=True)
class Case:
    """A row, and the files that should prove it, by name."""

    row: Any
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Claim:
    """A row, and the 95 % interval of its throughput in tokens/s if its evidence states one."""

    row: Any
    interval: Interval | None


def find(subject: str, bundle: Path | None, open_store: Callable[[], Store]) -> Case:
    """Return the case that `subject` names: a run's folder, a row's file, or a row's id.

    With `bundle`, the evidence is read from that file. The store is opened only for an id.
    Raise DataError if the row or its evidence is not there, RemoteError if the store is out of reach.
    """
    path = Path(subject)
    packed = None if bundle is None else read_whole(bundle, MOST_PACKED)
    if path.is_dir():
        held = files.in_folder(path)
        return Case(_row_of_run(path, held), held if packed is None else unpack(packed))
    if path.exists() or not UUID.fullmatch(subject):
        row = _only_row(path)
        return Case(row, _beside(path, row) if packed is None else unpack(packed))
    store = open_store()
    return retrying(lambda: _published(store, subject, packed))


def claim(subject: str, open_store: Callable[[], Store]) -> Claim:
    """Return the row that a run's folder, a row's file or an id names, with the interval that its evidence states.

    Raise DataError if the row is not there, RemoteError if the store is out of reach.
    """
    path = Path(subject)
    if path.is_dir():
        held = files.in_folder(path)
        return Claim(_row_of_run(path, held), _interval(held))
    if path.exists() or not UUID.fullmatch(subject):
        row = _only_row(path)
        return Claim(row, _spread(lambda: _beside(path, row)))
    store = open_store()
    row, commit = retrying(lambda: _row_of(store, subject))
    return Claim(row, _spread(lambda: retrying(lambda: _kept(store, row, commit))))


def _spread(evidence: Callable[[], Mapping[str, bytes]]) -> Interval | None:
    """Return the interval of a row's throughput; None for a row without evidence that can be read."""
    try:
        return _interval(evidence())
    except DataError:
        return None


def _interval(held: Mapping[str, bytes]) -> Interval | None:
    config = held.get(files.CONFIG, held.get(f"{statement.PUBLIC}{files.CONFIG}"))
    if config is None or files.SUMMARY not in held:
        return None
    return codec.parse(config, held[files.SUMMARY]).summary.numbers.intervals.get(THROUGHPUT.name)


def _row_of_run(folder: Path, held: Mapping[str, bytes]) -> Any:
    """Return the run's row; if the run gave none to publish, the row in its evidence."""
    path = row_file(folder)
    if path is not None:
        return _only_row(path)
    content = held[statement.EVIDENCE_FILE]
    return statement.with_evidence(statement.parse(content).row, statement.sha256(content))


def _only_row(path: Path) -> Any:
    if not path.exists():
        raise DataError(
            f"{path} is neither a file nor the id of a row",
            hint="name a run's folder, a row's file, or the whole id of a published row",
        )
    found = read_rows(path)
    if len(found) != 1:
        raise DataError(f"{path} holds {len(found)} rows", hint="name one of them by its id")
    return found[0].row


def _beside(path: Path, row: Any) -> Mapping[str, bytes]:
    """Return the evidence in the folder of a row's file: a run's folder, or one with bundles, such as hf_data/."""
    if (path.parent / statement.EVIDENCE_FILE).is_file():
        return files.in_folder(path.parent)
    digest = evidence_of(row)
    packed = None if digest is None else path.parent / bundle_path(digest)
    if packed is None or not packed.is_file():
        raise DataError(f"there is no evidence beside {path}", hint="name the bundle after the row")
    return unpack(read_whole(packed, MOST_PACKED))


def _published(store: Store, entry_id: str, packed: bytes | None) -> Case:
    row, commit = _row_of(store, entry_id)
    return Case(row, _kept(store, row, commit) if packed is None else unpack(packed))


def _row_of(store: Store, entry_id: str) -> tuple[Any, str]:
    """Return a row, on the board or beaten, and the commit at which it was read."""
    snapshot = store.read(BOARDS)
    if snapshot.commit is None:
        raise DataError(f"{store.name} does not exist", hint="name it with --repo or --to")
    board = (entry for name, content in snapshot.files.items() for entry in entries(name, content))
    row = next((entry.row for entry in board if entry.entry_id == entry_id), None)
    return (_submitted(store, entry_id, snapshot.commit) if row is None else row), snapshot.commit


def _kept(store: Store, row: Any, commit: str) -> Mapping[str, bytes]:
    """Return the files of a published row's bundle, by name."""
    digest = evidence_of(row)
    path = None if digest is None else bundle_path(digest)
    packed = None if path is None else store.read([path], commit=commit).files.get(path)
    if packed is None:
        raise DataError(
            f"{store.name} holds no evidence of row {row.get('entry_id')}",
            hint="it is a claim, as rows of older versions are",
        )
    return unpack(packed)


def _submitted(store: Store, entry_id: str, commit: str) -> Any:
    paths = [path for path in store.paths(SUBMISSIONS, commit) if path.endswith(f"/{entry_id}.json")]
    if not paths:
        raise DataError(f"{store.name} holds no row {entry_id}", hint="look at the ids on the board")
    return submitted_entry(paths[0], store.read(paths[:1], commit=commit).files[paths[0]]).row
