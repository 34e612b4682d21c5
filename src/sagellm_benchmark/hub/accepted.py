"""Read every row that was ever accepted from its own file; each must be the row that its file name says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import orjson

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import entry_id, submission_path
from sagellm_benchmark.board.schema import SCHEMA_VERSION
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.hub.store import Busy, Store, in_portions


@dataclass(frozen=True, slots=True)
class Rows:
    """The accepted rows that are unchanged; `strange` says what is wrong with each other file, by name."""

    entries: tuple[Entry, ...]
    strange: Mapping[str, str]
    proved: bool  # whether the store's history was checked, too
    proofs: frozenset[str] = frozenset()  # the evidence, signatures and tombstones that are there, by name
    order: Mapping[str, int] = field(default_factory=dict)  # by file: the number of the commit that added it

    def confirm_absent(self, store: Store, commit: str, names: Iterable[str]) -> None:
        """Raise Busy if one of these files, which were not found, is there: one of the store's answers is wrong."""
        there = self.proofs | {submission_path(entry.row) for entry in self.entries}
        if wrong := sorted(there.intersection(names)):
            raise Busy(
                f"{store.name} holds {wrong[0]} at {commit[:12]} and does not list it",
                hint="one of the two is wrong, so nothing is taken for absent; try again later",
            )

    @property
    def problems(self) -> Iterator[str]:
        """What is wrong with the files, in words."""
        return (f"{name} {why}" for name, why in self.strange.items())


def accepted_rows(store: Store, commit: str) -> Rows:
    """Return every row under submissions/ at `commit`. Raise what the store raises."""
    kept = store.accepted(commit)
    rows = as_accepted(kept.files, kept.changed, proved=kept.proved)
    return replace(rows, proofs=kept.proofs, order=kept.order)


def as_accepted(files: Mapping[str, bytes], changed: Mapping[str, str], *, proved: bool = False) -> Rows:
    """Return the rows of these files, by name, without those that are not as they were accepted.

    `changed` says what happened to the files that are already known to have changed.
    """
    entries: list[Entry] = []
    strange = dict(changed)
    for name, content in sorted(files.items()):
        if name in strange:
            continue
        try:
            entry = submitted_entry(name, content)
        except DataError:
            strange[name] = "is damaged"
            continue
        wrong = _unlike_its_name(name, entry)
        if wrong is None:
            entries.append(entry)
        else:
            strange[name] = wrong
    return Rows(tuple(entries), strange, proved)


def read_submissions(store: Store, paths: list[str], commit: str) -> list[Entry]:
    """Return the rows of those submissions at `paths` that are there, and are what their names say."""
    portions = in_portions(store, paths, commit)
    return [entry for files in portions for entry in as_accepted(files, {}).entries]


def submission_file(entry: Entry) -> bytes:
    """Return the content of a row's own file, from which `submitted_entry` reads the same entry."""
    return entry.text.replace(b"\n  ", b"\n") + b"\n"


def submitted_entry(name: str, content: bytes) -> Entry:
    """Return the entry that `submission_file` wrote. Raise DataError if the file is damaged."""
    try:
        return Entry.parse(memoryview(content.removesuffix(b"\n").replace(b"\n", b"\n  ")))
    except orjson.JSONDecodeError as error:
        raise DataError(f"{name} is not valid JSON: {error}", hint="restore it from the history") from error


def _unlike_its_name(name: str, entry: Entry) -> str | None:
    row = entry.row_or_nothing
    if submission_path(row) != name:
        return "holds another row than the one that its name says"
    if row.get("schema_version") == SCHEMA_VERSION and row.get("entry_id") != entry_id(row):
        return "was changed: its id is not that of its content"
    return None
