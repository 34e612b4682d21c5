"""Merge every finished run's row from outputs/ with the published board and what hf_data/ already holds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.entry import BOARDS, Entry, entries
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.merge import Outcome, join
from sagellm_benchmark.board.plausible import implausible
from sagellm_benchmark.board.read import Found, Limits, read_rows, read_whole
from sagellm_benchmark.board.rules import repeated_key
from sagellm_benchmark.board.schema import Strength, problems
from sagellm_benchmark.board.standing import Tier
from sagellm_benchmark.board.standing_file import parse
from sagellm_benchmark.board.waiting import MAX_BOARD_BYTES, Unsound, sorted_out, together, waiting
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import write_whole
from sagellm_benchmark.outputs import ROW_FILES

_ONE_ROW = Limits(file_bytes=1 << 20, rows=1, values=100_000)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A run's file that gave no row, and why."""

    path: Path
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of every finished run. `kept` counts the rows that were on the board before and still are."""

    outputs: Path
    hf_data: Path
    outcomes: tuple[tuple[Path, Outcome], ...]
    left_out: tuple[Skipped, ...]  # not to be published: the run says so, or its numbers cannot be true
    damaged: tuple[Skipped, ...]  # no row, or one that breaks the contract
    unsound: tuple[Unsound, ...]  # rows that were in hf_data/ and may not be published
    kept: int
    total: int
    written: tuple[str, ...]  # names of the files whose bytes changed
    offline: bool


def aggregate(outputs: Path, hf_data: Path, published: Mapping[str, bytes] | None) -> Report:
    """Merge every finished run under `outputs` into the boards in `hf_data`; a second time changes nothing.

    The files that follow from the boards are written beside them. `published` holds the dataset's files by name; None
    stands for nothing fetched, which is safe because publishing merges again.
    Raise DataError if a board cannot be read (nothing is written then), or a file cannot be written.
    """
    standing = parse((published or {}).get(STANDING))
    fetched = [_at_most_evidenced(standing.placed(entry)) for entry in _published(published or {})]
    sound, unsound = sorted_out(waiting(hf_data), fetched)
    before = join([*fetched, *map(standing.expected, sound)], [])
    runs = _Runs()
    for path in finished(outputs):
        runs.take(path)
    merged = join(before.entries, [standing.expected(entry) for _, entry in runs.rows])
    held = together(merged.entries, unsound)
    written = tuple(_write(hf_data, held))
    here = {id(entry) for entry in merged.entries}
    return Report(
        outputs=outputs,
        hf_data=hf_data,
        outcomes=tuple(zip((path for path, _ in runs.rows), merged.outcomes, strict=True)),
        left_out=tuple(runs.left_out),
        damaged=tuple(runs.damaged),
        unsound=tuple(unsound),
        kept=sum(id(entry) in here for entry in before.entries),
        total=len(held),
        written=written,
        offline=published is None,
    )


def _at_most_evidenced(entry: Entry) -> Entry:
    """Return a published row as if nobody had signed its evidence.

    Otherwise a faster run with evidence would be left out here, before publishing finds out who signed it. Publishing
    keeps that run even if the published row stays ahead.
    """
    return entry._replace(place=entry.place._replace(tier=min(entry.place.tier, Tier.EVIDENCED)))


def finished(outputs: Path) -> Iterator[Path]:
    """Yield the row file of every finished run, in path order. Symbolic links, such as `latest`, are not followed."""
    for folder, names, files in os.walk(outputs):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if name.endswith(ROW_FILES) and not name.startswith(".") and not path.is_symlink():
                yield path


class _Runs:
    """The rows of the runs that were found, and the runs without a row to publish."""

    def __init__(self) -> None:
        self.rows: list[tuple[Path, Entry]] = []
        self.left_out: list[Skipped] = []
        self.damaged: list[Skipped] = []

    def take(self, path: Path) -> None:
        """Read a run's row file, and put the row into one of the three lists."""
        try:
            (found,) = read_rows(path, _ONE_ROW)
        except DataError as error:
            self.damaged.append(Skipped(path, (error.message,)))
        except ValueError:
            self.damaged.append(Skipped(path, (f"{path} holds no row",)))
        else:
            self._judge(path, found)

    def _judge(self, path: Path, found: Found) -> None:
        row = found.row
        if reasons := _not_to_publish(row):
            self.left_out.append(Skipped(path, reasons))
        elif against := problems(row, Strength.NEW):
            self.damaged.append(Skipped(path, tuple(map(str, against))))
        elif found.repeated is not None:
            self.damaged.append(Skipped(path, (str(repeated_key(found.repeated)),)))
        elif doubts := implausible(row):
            self.left_out.append(Skipped(path, tuple(doubts)))
        else:
            self.rows.append((path, Entry.of(row)))


def _not_to_publish(row: object) -> tuple[str, ...]:
    """Return the reasons that the row itself gives against publishing it, each with the next action."""
    if not isinstance(row, dict):
        return ()
    said = row.get("unpublishable")
    if isinstance(said, list) and said and all(isinstance(reason, str) for reason in said):
        return tuple(said)
    model, validity = row.get("model"), row.get("validity")
    if isinstance(model, dict) and model.get("weights") == "dummy":
        return ("weights: dummy; measure the real weights to publish",)
    if isinstance(validity, dict) and validity.get("valid") is False:
        return ("the run is not valid; see its REPORT.md, and measure again",)
    return ()


def _published(files: Mapping[str, bytes]) -> Iterator[Entry]:
    for name in BOARDS:
        if name in files:
            yield from entries(f"the published {name}", files[name])


def _write(hf_data: Path, rows: Iterable[Entry]) -> Iterator[str]:
    """Write the boards and derived files whose bytes have changed, and yield their names."""
    for name, content in tables(rows).items():
        path = hf_data / name
        if not path.exists() or read_whole(path, MAX_BOARD_BYTES) != content:
            write_whole(path, content)
            yield name
