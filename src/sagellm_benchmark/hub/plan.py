"""What one publish is to write: a snapshot of the board and the rows handed in, joined. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.entry import BOARDS, MULTI, SINGLE, Entry, board_file, canonical_place, entries
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED, STANDING
from sagellm_benchmark.board.identity import entry_id, slug, submission_path
from sagellm_benchmark.board.merge import ONTO_THE_BOARD, Fate, Merge, Outcome, join, split
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.board.standing import Standing, parse, to_bytes
from sagellm_benchmark.board.submission import Examined, Examiner, Refused
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.card import with_configs
from sagellm_benchmark.hub.store import BEFORE_SUBMISSIONS, CARD, SUBMISSIONS, VIEWER, Snapshot
from sagellm_benchmark.hub.viewer import table

LAYOUT_VERSION = 1  # 1: boards are arrays of rows, the comparison is leaderboard-compare-snapshot/v1


@dataclass(frozen=True, slots=True)
class Board:
    """A snapshot's rows: those on the board, and those `recorded` because no submission holds them."""

    snapshot: Snapshot
    entries: tuple[Entry, ...]
    recorded: tuple[Entry, ...]
    standing: Standing

    @classmethod
    def of(cls, snapshot: Snapshot) -> Board:
        """Raises DataError when a file is damaged, or was written by a newer version of this tool."""
        for name, content in snapshot.files.items():
            _refuse_newer(name, content)
        standing = parse(snapshot.files.get(STANDING))
        rows = [standing.placed(entry) for name in (SINGLE, MULTI) for entry in _rows(snapshot, name)]
        recorded = tuple(map(standing.placed, _rows(snapshot, BEFORE_SUBMISSIONS)))
        return cls(snapshot, tuple(rows), recorded, standing)


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to write (none when everything is there already), and what becomes of each row.

    The first `known` outcomes are of rows that were accepted before.
    """

    files: Mapping[str, bytes]
    outcomes: tuple[Outcome, ...]
    refused: tuple[Refused, ...]
    standing: Standing
    known: int = 0

    @property
    def message(self) -> str:
        """The commit's message; holds no text of a submitter."""
        return "Publish " + counted(self.outcomes)


def counted(outcomes: Iterable[Outcome]) -> str:
    """Such as `2 added, 1 beaten`."""
    fates = [outcome.fate for outcome in outcomes]
    return ", ".join(f"{fates.count(fate)} {fate}" for fate in Fate if fate in fates) or "no rows"


def examine(board: Board, found: Iterable[Found], kept: Iterable[Entry] = ()) -> Examined:
    """Judge the rows handed in; `kept` are accepted rows that are on the board no longer."""
    return Examiner([*board.entries, *board.recorded, *kept]).examine(found)


def doubtful(board: Board, examined: Examined) -> list[str]:
    """The submissions to look up before judging: of rows that may have been accepted once and beaten since."""
    beaten = [o.entry.row for o in join(board.entries, examined.new).outcomes if o.fate is Fate.BEATEN]
    own_ids = [row for row in (entry.row for entry in examined.new) if row.get("entry_id") != entry_id(row)]
    refused = [one.found.row for one in examined.refused if isinstance(one.found.row, dict)]
    return sorted({submission_path(row) for row in (*beaten, *own_ids, *refused)})


def backed(board: Board, examined: Examined, standing: Standing) -> list[str]:
    """The submissions of rows that are not on the board, and may come back onto it by what is known of them now."""
    touched = [slug(entry.identity) for entry in (*examined.new, *examined.known)]
    here = {entry.entry_id for entry in (*board.entries, *examined.new, *examined.known)}
    absent = [row for row in standing.backed(touched) if row not in here]
    return sorted(f"{SUBMISSIONS}/{standing.facts[row].configuration}/{row}.json" for row in absent)


def make(
    board: Board,
    examined: Examined,
    standing: Standing,
    *,
    proofs: Mapping[str, bytes] | None = None,
    absent: Iterable[Entry] = (),
) -> Plan:
    """Join, and list the files that change: boards, what is derived from them, and each new row and proof for good.

    `standing` is what is known of all rows with these; `absent` holds accepted rows that may come back by it.
    An accepted row that has disappeared from the board, by whatever way, comes back onto it. Raises DataError where a
    whole board is gone that every publish writes: merging would begin a new, almost empty one.
    """
    _refuse_vanished(board)
    before = map(standing.placed, (*board.entries, *absent))
    merged = join(before, [standing.placed(entry) for entry in (*examined.known, *examined.new)])
    files = {submission_path(entry.row): submission_file(entry) for entry in examined.new} | dict(
        proofs or {}
    )
    if any(outcome.fate in ONTO_THE_BOARD for outcome in merged.outcomes) or files:
        files |= _board_files(board, merged)
        files[STANDING] = to_bytes(standing)
    held = board.snapshot.files
    changed = {name: content for name, content in sorted(files.items()) if held.get(name) != content}
    return Plan(changed, merged.outcomes, examined.refused, standing, len(examined.known))


def _refuse_vanished(board: Board) -> None:
    files = board.snapshot.files
    gone = [name for name in BOARDS if name not in files]
    if gone and BEFORE_SUBMISSIONS in files:
        raise DataError(
            f"{gone[0]} is missing, though this board was published before; nothing was written",
            hint="restore it from the history, or from what was accepted: sagellm-benchmark rebuild --output FOLDER",
        )


def submission_file(entry: Entry) -> bytes:
    """A row's own file; `submitted_entry` gets the same entry back from it."""
    return entry.text.replace(b"\n  ", b"\n") + b"\n"


def submitted_entry(name: str, content: bytes) -> Entry:
    """The entry that `submission_file` wrote. Raises DataError when the file is damaged."""
    try:
        return Entry.parse(memoryview(content.removesuffix(b"\n").replace(b"\n", b"\n  ")))
    except orjson.JSONDecodeError as error:
        raise DataError(f"{name} is not valid JSON: {error}", hint="restore it from the history") from error


def with_unknown(before: bytes | None, ours: bytes) -> bytes:
    """A derived file of ours, with the fields that somebody else added to the old one."""
    old = orjson.loads(before) if before is not None else {}
    return to_json({**old, **orjson.loads(ours)}) if isinstance(old, dict) else ours


def _board_files(board: Board, merged: Merge) -> dict[str, bytes]:
    before = board.snapshot.files
    files = tables(merged.entries)
    files |= {name: with_unknown(before.get(name), files[name]) for name in (COMPARE, LAST_UPDATED)}
    boards = dict(zip(VIEWER, split(merged.entries), strict=True))
    shown = {name: VIEWER[name] for name, rows in boards.items() if rows}
    files |= {VIEWER[name]: table(boards[name]) for name in shown}
    files[CARD] = with_configs(before.get(CARD), shown)
    files[BEFORE_SUBMISSIONS] = _record(board)
    return files


def _record(board: Board) -> bytes:
    """Rows that reached the board by another way: all at the first publish, later those of other tools.

    A row whose id is not that of its content may have another tool's; it is recorded to be on the safe side.
    """
    known = {entry.text for entry in board.recorded}
    first = BEFORE_SUBMISSIONS not in board.snapshot.files
    others = [
        entry
        for entry in board.entries
        if entry.text not in known and (first or entry.entry_id != entry_id(entry.row))
    ]
    return board_file(sorted((*board.recorded, *others), key=canonical_place))


def _rows(snapshot: Snapshot, name: str) -> list[Entry]:
    content = snapshot.files.get(name)
    return [] if content is None else entries(name, content)


def _refuse_newer(name: str, content: bytes) -> None:
    """A file in a layout of the future is not ours to rewrite, and neither is one that cannot be read."""
    is_object = name.endswith(".json") and content.lstrip().startswith(b"{")
    if not is_object and name not in (COMPARE, LAST_UPDATED):
        return
    try:
        version = _version(orjson.loads(content))
    except orjson.JSONDecodeError as error:
        raise DataError(
            f"{name} is not valid JSON: {error}", hint="restore it from its last good version, or delete it"
        ) from error
    if version > LAYOUT_VERSION:
        raise DataError(
            f"{name} was written by a newer version of this tool (schema version {version}); it is left as it is",
            hint="pip install --upgrade isagellm-benchmark, then try again",
        )


def _version(value: Any) -> int:
    """The number in `schema_version`: 2, or the 2 of "…/v2"; 0 where there is none."""
    named = value.get("schema_version", "") if isinstance(value, dict) else ""
    said = re.search(r"(\d{1,9})$", str(named))
    return int(said.group(1)) if said else 0
