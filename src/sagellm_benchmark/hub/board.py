"""The rows of what was read from the dataset; a damaged file, or one of a newer version, is refused. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sagellm_benchmark.board.entry import BOARDS, MULTI, SINGLE, Entry, entries, loaded
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED, STANDING
from sagellm_benchmark.board.snapshot import SCHEMA
from sagellm_benchmark.board.standing import Standing
from sagellm_benchmark.board.standing_file import VERSION as STANDING_VERSION
from sagellm_benchmark.board.standing_file import parse
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.blobs import sha256
from sagellm_benchmark.hub.store import AS_LEFT, BEFORE_SUBMISSIONS, CARD, SIGNERS, Snapshot

MOST_EXTRA = 1 << 20  # bytes of what others add to the comparison

OURS = frozenset(
    b"schema_version generated_at group_count preferred_pair_count groups preferred_pairs".split()
)
_OUR_HEADS = tuple(f'{{\n  "schema_version": {version},\n'.encode() for version in (f'"{SCHEMA}"', "1"))
_STANDING_HEAD = f'{{\n  "schema_version": {STANDING_VERSION},\n'.encode()
_FIELD = re.compile(rb'\n  "((?:[^"\\\\]|\\\\.)*)":')

LAYOUT_VERSION = 1  # 1: boards are arrays of rows, the comparison is leaderboard-compare-snapshot/v1


@dataclass(frozen=True, slots=True)
class Board:
    """A snapshot's rows: those on the board, and those `recorded` because no submission holds them.

    `hashes` has the SHA-256 of each file, and `small` the content of small ones. `extra` holds the fields that others
    added to the comparison. `at` is when the snapshot was read, by the store's clock.
    """

    commit: str | None
    entries: tuple[Entry, ...]
    recorded: tuple[Entry, ...]
    standing: Standing
    hashes: Mapping[str, str]
    small: Mapping[str, bytes]
    extra: Mapping[str, Any]
    at: datetime | None = None

    @classmethod
    def of(cls, snapshot: Snapshot) -> Board:
        """Return a snapshot's board. Raise DataError if a file is damaged, or from a newer version of this tool."""
        for name, content in snapshot.files.items():
            _refuse_newer(name, content)
        standing = parse(snapshot.files.get(STANDING))
        rows = [standing.placed(entry) for name in (SINGLE, MULTI) for entry in _rows(snapshot, name)]
        hashes = {name: sha256(content) for name, content in snapshot.files.items()}
        small = {
            name: snapshot.files[name]
            for name in (LAST_UPDATED, CARD, AS_LEFT, SIGNERS)
            if name in snapshot.files
        }
        extra = unknown_fields(snapshot.files.get(COMPARE))
        recorded = tuple(map(standing.placed, _rows(snapshot, BEFORE_SUBMISSIONS)))
        return cls(snapshot.commit, tuple(rows), recorded, standing, hashes, small, extra, snapshot.at)

    @property
    def is_new(self) -> bool:
        """Whether this tool has not published here before."""
        return BEFORE_SUBMISSIONS not in self.hashes

    @property
    def is_as_left(self) -> bool:
        """Whether nobody else has written the boards since the last publish; False after an older version's publish."""
        return self.is_new or self.small.get(AS_LEFT) == as_left(self.hashes)


def unknown_fields(compared: bytes | None) -> dict[str, Any]:
    """Return the top-level fields that somebody else added to the comparison.

    The file is large, so it is parsed only if its layout or the name of a field is not ours. Fields of more than
    MOST_EXTRA bytes, which would make the file too large for its readers, are not kept.
    """
    if compared is None or (
        compared.startswith(b"{\n  ") and all(field[1] in OURS for field in _FIELD.finditer(compared))
    ):
        return {}
    value = loaded(COMPARE, compared)
    if not isinstance(value, dict):
        return {}
    extra = {k: v for k, v in value.items() if k.encode() not in OURS}
    return extra if len(to_json(extra)) <= MOST_EXTRA else {}


def as_left(hashes: Mapping[str, str]) -> bytes:
    """Return the note by which later changes of the boards with these hashes are found."""
    return to_json({"schema_version": 1, "boards": {name: hashes[name] for name in BOARDS if name in hashes}})


def _rows(snapshot: Snapshot, name: str) -> list[Entry]:
    content = snapshot.files.get(name)
    return [] if content is None else entries(name, content)


def _refuse_newer(name: str, content: bytes) -> None:
    """Raise DataError for a file in a later layout, or one that cannot be read: we must not rewrite either."""
    is_object = name.endswith(".json") and content.lstrip().startswith(b"{")
    heads = (*_OUR_HEADS, _STANDING_HEAD) if name == STANDING else _OUR_HEADS
    if (not is_object and name not in (COMPARE, LAST_UPDATED)) or content.startswith(heads):
        return
    version = _version(loaded(name, content))
    if version > (STANDING_VERSION if name == STANDING else LAYOUT_VERSION):
        raise DataError(
            f"{name} was written by a newer version of this tool (schema version {version}); it is left as it is",
            hint="pip install --upgrade isagellm-benchmark, then try again",
        )


def _version(value: Any) -> int:
    """Return the number in `schema_version`: 2 for 2 as for "…/v2"; 0 if there is none."""
    named = value.get("schema_version", "") if isinstance(value, dict) else ""
    said = re.search(r"(\d{1,9})$", str(named))
    return int(said.group(1)) if said else 0
