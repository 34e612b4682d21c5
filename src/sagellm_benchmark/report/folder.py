"""A run's folder: the files that are written when the run is over, and how to read them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from sagellm_benchmark import outputs
from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.evidence import files as evidence
from sagellm_benchmark.files import read_regular, to_json, write_whole
from sagellm_benchmark.report import html, markdown, sweep
from sagellm_benchmark.report.view import view
from sagellm_benchmark.runs import row as rows
from sagellm_benchmark.runs.codec import TIMELINE, config_json, parse, summary_json, timeline_json
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.verdict.intervals import Interval
from sagellm_benchmark.verdict.metrics import THROUGHPUT

CONFIG, SUMMARY, REPORT, PAGE = "config.json", "summary.json", "REPORT.md", "report.html"
SWEEP = "sweep.html"
_NAME_A_RUN = "name a run's folder, such as outputs/vllm/Qwen2-7B/Q1_20260309_001"
_MOST_BYTES = 256 << 20  # of a file that is read; the run may be somebody else's


@dataclass(frozen=True, slots=True)
class Finished:
    """A run whose files are written; `row` is None if it has no figures."""

    folder: Path
    record: Record
    row: Row | None

    @property
    def interval(self) -> Interval | None:
        """The 95 % interval of the throughput over the repeats; None if it was not repeated."""
        return self.record.summary.numbers.intervals.get(THROUGHPUT.name)


def save(folder: Path, record: Record) -> Finished:
    """Write a record's files, with the row last, so that a folder with a row is complete."""
    row: Row | None = rows.build(record)
    shown = view(record)
    write_whole(folder / CONFIG, to_json(config_json(record.config)))
    write_whole(folder / SUMMARY, to_json(summary_json(record.summary)))
    if record.timeline is not None:
        write_whole(folder / TIMELINE, orjson.dumps(timeline_json(record.timeline)))
    write_whole(folder / REPORT, markdown.render_markdown(shown).encode())
    write_whole(folder / PAGE, html.render_html(shown).encode())
    if row is not None:
        row = evidence.write(folder, record, row)
    if row is not None and record.summary.status == "complete":
        name = outputs.path_part(record.config.workload.name)
        write_whole(folder / f"{name}_leaderboard.json", to_json(row))
    outputs.point_latest(folder)
    return Finished(folder, record, row)


def row_of(folder: Path) -> Row | None:
    """Return the row in a finished run's folder; None if it has none."""
    path = outputs.row_file(folder)
    if path is None:
        return None
    try:
        row: Row = orjson.loads(read_regular(path, _MOST_BYTES))
    except (OSError, orjson.JSONDecodeError) as error:
        raise DataError(
            f"{path} cannot be read: {error}", hint="measure again, or restore the file"
        ) from error
    return row


def write_curves(finished: Sequence[Finished]) -> Path | None:
    """Write a page of curves into the folder of the last of several runs, and return it; None for a single run."""
    if len(finished) < 2:
        return None
    path = finished[-1].folder / SWEEP
    write_whole(path, sweep.render_sweep_page([one.record for one in finished]).encode())
    return path


def load(folder: Path) -> Record:
    """Return the record of a finished run. Raise DataError if the folder has none, or if it is damaged."""
    try:
        config, summary = (read_regular(folder / name, _MOST_BYTES) for name in (CONFIG, SUMMARY))
        timeline = read_regular(folder / TIMELINE, _MOST_BYTES) if (folder / TIMELINE).exists() else None
    except FileNotFoundError as error:
        raise DataError(f"{folder} holds no finished run", hint=_NAME_A_RUN) from error
    except OSError as error:
        raise DataError(f"{folder} holds no finished run: {error.strerror}", hint=_NAME_A_RUN) from error
    try:
        return parse(config, summary, timeline)
    except DataError as error:
        raise DataError(f"{folder}: {error.message}", hint=error.hint) from error
