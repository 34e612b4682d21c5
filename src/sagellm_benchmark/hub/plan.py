"""Plan what one publish writes: a snapshot of the board and the rows handed in, joined. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from sagellm_benchmark.board.entry import BOARDS, Entry
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.identity import entry_id, submission_path
from sagellm_benchmark.board.merge import ONTO_THE_BOARD, Fate, Outcome, join
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.board.standing import Standing
from sagellm_benchmark.board.standing_file import to_bytes
from sagellm_benchmark.board.submission import Examined, Examiner, Refused
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.hub.accepted import submission_file
from sagellm_benchmark.hub.blobs import sha256
from sagellm_benchmark.hub.board import Board
from sagellm_benchmark.hub.board_files import board_files
from sagellm_benchmark.hub.store import AS_LEFT, BEFORE_SUBMISSIONS, MAX_FILE_BYTES, Content, size
from sagellm_benchmark.hub.viewer import flat

MOST_WRITTEN = MAX_FILE_BYTES // 2
LARGE = MOST_WRITTEN // 2
"""The size of a file, in bytes, from which on whoever publishes is told that the board is growing large."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to write (none if everything is already there), and what becomes of each row.

    The first `known` outcomes are those of rows that were accepted before.
    """

    files: Mapping[str, Content]
    outcomes: tuple[Outcome, ...]
    refused: tuple[Refused, ...]
    standing: Standing
    known: int = 0
    mended: tuple[Entry, ...] = ()  # accepted rows that had disappeared from the board, and are on it again
    flat: Mapping[str, bytes] = field(default_factory=dict)  # the boards to make flat tables of, by table

    def whole(self) -> Plan:
        """Return the same plan with the boards' flat tables among its files.

        They are as large as the boards, so call this last, when the board that was read is no longer held.
        """
        made = {name: flat(board) for name, board in self.flat.items()}
        _refuse_large(made)
        return replace(self, files=dict(sorted({**self.files, **made}.items())), flat={})

    def close(self) -> None:
        """Close the files that are on the disk, whether they were sent or not."""
        for content in self.files.values():
            if not isinstance(content, bytes):
                content.close()

    def let_go(self) -> Plan:
        """Return the same plan, with copies of its rows, so that the board files that they came from can be freed."""
        outcomes = tuple(Outcome(_alone(o.entry), o.fate, o.other and _alone(o.other)) for o in self.outcomes)
        return replace(self, outcomes=outcomes, mended=tuple(map(_alone, self.mended)))

    @property
    def largest(self) -> int:
        """The size in bytes of the largest file that is written; 0 if there is none."""
        return max(map(size, self.files.values()), default=0)

    @property
    def message(self) -> str:
        """The commit's message, which holds no text from a submitter."""
        return "Publish " + counted(self.outcomes)


def _alone(entry: Entry) -> Entry:
    return entry._replace(view=entry.text)


def counted(outcomes: Iterable[Outcome]) -> str:
    """Return how many rows had each fate, as in `2 added, 1 beaten`."""
    fates = [outcome.fate for outcome in outcomes]
    return ", ".join(f"{fates.count(fate)} {fate}" for fate in Fate if fate in fates) or "no rows"


def examine(board: Board, found: Iterable[Found], kept: Iterable[Entry] = ()) -> Examined:
    """Judge the rows handed in; `kept` holds accepted rows that are no longer on the board."""
    return Examiner([*board.entries, *board.recorded, *kept]).examine(found)


def doubtful(board: Board, examined: Examined) -> list[str]:
    """Return the paths to look up before judging: those of rows that may have been accepted once, and since beaten."""
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
    """Return the plan for these rows: the boards and derived files that change, and each new row and proof.

    `standing` is what is known about all rows, including these; by it, accepted rows in `absent` may come back.
    `accepted` holds every row ever accepted if somebody else has written the board: then, rows that have disappeared
    come back, and rows that nobody submitted are recorded. Raise DataError if a board that every publish writes is
    gone, because merging would begin a new, almost empty one.
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
        boards, flat = board_files(board, merged, accepted)
        files |= boards
        files[STANDING] = to_bytes(standing)
    held = board.hashes
    changed = {name: content for name, content in sorted(files.items()) if held.get(name) != sha256(content)}
    _refuse_large(changed)
    return Plan(changed, merged.outcomes, examined.refused, standing, len(examined.known), mended, flat)


def _unedited(board: Board, accepted: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the board's rows without those that have the id of an accepted row but say something else.

    Such a row was edited, because an id follows from a row's content. Rows from before there were such ids are kept.
    """
    before = {entry.text for entry in board.recorded}
    owners = {entry.entry_id: entry for entry in accepted}
    for entry in board.entries:
        owner = owners.get(entry.entry_id)
        own = owner is None or entry.same_as(owner) or owner.entry_id != entry_id(owner.row)
        if own or entry.text in before:
            yield entry


def _refuse_large(files: Mapping[str, Content]) -> None:
    """Raise DataError for a file of more than half the size that readers accept.

    A board that its readers refuse would stop every later publish.
    """
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
