"""What one publish is to write: a snapshot of the board and the rows handed in, joined. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson

from sagellm_benchmark.board.derived import SCHEMA, tables
from sagellm_benchmark.board.entry import (
    BOARDS,
    MULTI,
    SINGLE,
    Entry,
    board_file,
    canonical_place,
    entries,
    loaded,
)
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED, STANDING
from sagellm_benchmark.board.identity import entry_id, submission_path
from sagellm_benchmark.board.merge import ONTO_THE_BOARD, Fate, Merge, Outcome, join, split
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.board.standing import VERSION as STANDING_VERSION
from sagellm_benchmark.board.standing import Standing, parse, to_bytes
from sagellm_benchmark.board.submission import Examined, Examiner, Refused
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.accepted import submission_file
from sagellm_benchmark.hub.blobs import sha256
from sagellm_benchmark.hub.card import with_configs
from sagellm_benchmark.hub.store import (
    AS_LEFT,
    BEFORE_SUBMISSIONS,
    CARD,
    MAX_FILE_BYTES,
    SIGNERS,
    VIEWER,
    Content,
    Snapshot,
    size,
)
from sagellm_benchmark.hub.viewer import flat

MOST_WRITTEN = MAX_FILE_BYTES // 2
LARGE = MOST_WRITTEN // 2
"""From this size of a file on, whoever publishes is told that the board grows."""

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

    `hashes`: the SHA-256 of each file; of the large ones nothing else is kept, but for `extra`, what others added to
    the comparison. `at`: when it was read, by the store's clock.
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
        """Fail with DataError when a file is damaged, or was written by a newer version of this tool."""
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
        """Whether nothing was published here before, by this tool."""
        return BEFORE_SUBMISSIONS not in self.hashes

    @property
    def is_as_left(self) -> bool:
        """Whether nobody but this tool wrote the boards since they were published; an older version left no word."""
        return self.is_new or self.small.get(AS_LEFT) == as_left(self.hashes)


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to write (none when everything is there already), and what becomes of each row.

    The first `known` outcomes are of rows that were accepted before.
    """

    files: Mapping[str, Content]
    outcomes: tuple[Outcome, ...]
    refused: tuple[Refused, ...]
    standing: Standing
    known: int = 0
    mended: tuple[Entry, ...] = ()  # accepted rows that had disappeared from the board, and are on it again
    flat: Mapping[str, bytes] = field(
        default_factory=dict
    )  # flat tables still to be made, and of which boards

    def whole(self) -> Plan:
        """Return the same plan with the boards' flat tables among its files.

        They are as large as the boards: made last, when the board that was read is no longer held.
        """
        made = {name: flat(board) for name, board in self.flat.items()}
        _refuse_large(made)
        return replace(self, files=dict(sorted({**self.files, **made}.items())), flat={})

    def close(self) -> None:
        """Let go of what lies on the disk, after the files were sent or not."""
        for content in self.files.values():
            if not isinstance(content, bytes):
                content.close()

    def let_go(self) -> Plan:
        """Return the same plan, of which no row holds on to the whole board file that it came from."""
        outcomes = tuple(Outcome(_alone(o.entry), o.fate, o.other and _alone(o.other)) for o in self.outcomes)
        return replace(self, outcomes=outcomes, mended=tuple(map(_alone, self.mended)))

    @property
    def largest(self) -> int:
        """Bytes of the largest file that is written; 0 without one."""
        return max(map(size, self.files.values()), default=0)

    @property
    def message(self) -> str:
        """The commit's message; holds no text of a submitter."""
        return "Publish " + counted(self.outcomes)


def _alone(entry: Entry) -> Entry:
    return entry._replace(view=entry.text)


def counted(outcomes: Iterable[Outcome]) -> str:
    """Such as `2 added, 1 beaten`."""
    fates = [outcome.fate for outcome in outcomes]
    return ", ".join(f"{fates.count(fate)} {fate}" for fate in Fate if fate in fates) or "no rows"


def examine(board: Board, found: Iterable[Found], kept: Iterable[Entry] = ()) -> Examined:
    """Judge the rows handed in; `kept` are accepted rows that are on the board no longer."""
    return Examiner([*board.entries, *board.recorded, *kept]).examine(found)


def doubtful(board: Board, examined: Examined) -> list[str]:
    """Return the submissions to look up before judging: of rows that may have been accepted once and beaten since."""
    beaten = [o.entry.row for o in join(board.entries, examined.new).outcomes if o.fate is Fate.BEATEN]
    withdrawn = [entry.row for entry in examined.new if board.standing.withdrawals(entry)]
    own_ids = [row for row in (entry.row for entry in examined.new) if row.get("entry_id") != entry_id(row)]
    refused = [one.found.row for one in examined.refused if isinstance(one.found.row, dict)]
    return sorted({submission_path(row) for row in (*beaten, *withdrawn, *own_ids, *refused)})


def make(
    board: Board,
    examined: Examined,
    standing: Standing,
    *,
    proofs: Mapping[str, bytes] | None = None,
    absent: Iterable[Entry] = (),
    accepted: Sequence[Entry] | None = None,
) -> Plan:
    """Join, and list the files that change: boards, what is derived from them, and each new row and proof for good.

    `standing` is what is known of all rows with these; `absent` holds accepted rows that may come back by it.
    `accepted` is every row ever accepted, where somebody else wrote the board: what has disappeared from it comes
    back, and what nobody submitted is recorded. Raises DataError if a whole board is gone that every publish
    writes: merging would begin a new, almost empty one.
    """
    _refuse_vanished(board)
    if accepted is not None:
        board = replace(board, entries=tuple(_unedited(board, accepted)))
    back = [] if accepted is None else [standing.placed(entry) for entry in (*accepted, *board.recorded)]
    healed = join(map(standing.placed, (*board.entries, *absent)), back)
    mended = tuple(outcome.entry for outcome in healed.outcomes if outcome.fate in ONTO_THE_BOARD)
    merged = join(healed.entries, [standing.placed(entry) for entry in (*examined.known, *examined.new)])
    files = {submission_path(entry.row): submission_file(entry) for entry in examined.new} | dict(
        proofs or {}
    )
    flat: dict[str, bytes] = {}
    if any(outcome.fate in ONTO_THE_BOARD for outcome in merged.outcomes) or files or accepted is not None:
        boards, flat = _board_files(board, merged, accepted)
        files |= boards
        files[STANDING] = to_bytes(standing)
    held = board.hashes
    changed = {name: content for name, content in sorted(files.items()) if held.get(name) != sha256(content)}
    _refuse_large(changed)
    return Plan(changed, merged.outcomes, examined.refused, standing, len(examined.known), mended, flat)


def _unedited(board: Board, accepted: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the board's rows, but for those that bear the id of an accepted row and say something else.

    An id is that of a row's content, so that somebody edited them. What was there before ids were is as it was.
    """
    before = {entry.text for entry in board.recorded}
    owners = {entry.entry_id: entry for entry in accepted}
    for entry in board.entries:
        owner = owners.get(entry.entry_id)
        own = owner is None or entry.same_as(owner) or owner.entry_id != entry_id(owner.row)
        if own or entry.text in before:
            yield entry


def _refuse_large(files: Mapping[str, Content]) -> None:
    """A board that its readers refuse would stop every later publish: none grows beyond half of that."""
    sizes = ((name, size(content)) for name, content in files.items())
    name, largest = max(sizes, key=itemgetter(1), default=("", 0))
    if largest > MOST_WRITTEN:
        raise DataError(
            f"{name} would have {largest >> 20} MiB, more than the {MOST_WRITTEN >> 20} MiB of a board; "
            "nothing was sent",
            hint="publish fewer rows, or move to shards first: docs/publishing.md, How large a board can grow",
        )


def _refuse_vanished(board: Board) -> None:
    files = board.hashes
    written = (*BOARDS, BEFORE_SUBMISSIONS, *([STANDING] if AS_LEFT in files else []))  # by every publish
    gone = [name for name in written if name not in files]
    if gone and (BEFORE_SUBMISSIONS in files or AS_LEFT in files):
        raise DataError(
            f"{gone[0]} is missing, though this board was published before; nothing was written",
            hint="restore it from the history, or from what was accepted: sagellm-benchmark rebuild --output FOLDER",
        )


def unknown_fields(compared: bytes | None) -> dict[str, Any]:
    """Return what somebody else added to the comparison: its top-level fields that are none of ours.

    It is large: it is only parsed where its layout, or the name of a field, is not ours. What would make it too large
    for its readers is not kept.
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


def derived_files(board: Board, rows: Iterable[Entry]) -> dict[str, bytes]:
    """Return the boards of these rows and what is derived from them, with the fields that others added there."""
    files = tables(rows)
    if board.extra:
        files[COMPARE] = to_json({**orjson.loads(files[COMPARE]), **board.extra})
    old = loaded(LAST_UPDATED, board.small.get(LAST_UPDATED, b"{}"))
    if isinstance(old, dict):
        files[LAST_UPDATED] = to_json({**old, **orjson.loads(files[LAST_UPDATED])})
    return files


def as_left(hashes: Mapping[str, str]) -> bytes:
    """Return the note that says what the boards with these hashes are."""
    return to_json({"schema_version": 1, "boards": {name: hashes[name] for name in BOARDS if name in hashes}})


def _board_files(
    board: Board, merged: Merge, accepted: Sequence[Entry] | None
) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return the files that follow from the board, and the boards of which flat tables follow, by the tables' names."""
    files = derived_files(board, merged.entries)
    filled, before = (
        [name for name, rows in zip(VIEWER, split(of), strict=True) if rows]
        for of in (merged.entries, board.entries)
    )
    kept = [
        name for name in VIEWER if name in filled or name in before
    ]  # one that was emptied is written once more
    flat = {VIEWER[name]: files[dict(zip(VIEWER, BOARDS, strict=True))[name]] for name in kept}
    files[CARD] = with_configs(board.small.get(CARD), {name: VIEWER[name] for name in filled})
    files[AS_LEFT] = as_left({name: sha256(files[name]) for name in BOARDS})
    if board.is_new or accepted is not None:
        files[BEFORE_SUBMISSIONS] = _record(board, accepted or ())
    return files, flat


def _record(board: Board, accepted: Iterable[Entry]) -> bytes:
    """Return rows that reached the board by another way, and have no submission: all of them, at the first publish."""
    known = {entry.text for entry in board.recorded}
    kept = {(entry.entry_id, entry.identity) for entry in accepted}
    others = [
        entry
        for entry in board.entries
        if entry.text not in known and (entry.entry_id, entry.identity) not in kept
    ]
    return board_file(sorted((*board.recorded, *others), key=canonical_place))


def _rows(snapshot: Snapshot, name: str) -> list[Entry]:
    content = snapshot.files.get(name)
    return [] if content is None else entries(name, content)


def _refuse_newer(name: str, content: bytes) -> None:
    """A file in a layout of the future is not ours to rewrite, and neither is one that cannot be read."""
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
    """Return the number in `schema_version`: 2, or the 2 of "…/v2"; 0 where there is none."""
    named = value.get("schema_version", "") if isinstance(value, dict) else ""
    said = re.search(r"(\d{1,9})$", str(named))
    return int(said.group(1)) if said else 0
