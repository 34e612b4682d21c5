"""A run's folder: what is written into it when the run is over, and how it is opened again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark import outputs
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json, write_whole
from sagellm_benchmark.report import html, markdown, sweep
from sagellm_benchmark.report.view import view
from sagellm_benchmark.runs import row as rows
from sagellm_benchmark.runs.record import RECORD_VERSION, Record

CONFIG, SUMMARY, REPORT, PAGE = "config.json", "summary.json", "REPORT.md", "report.html"
SWEEP = "sweep.html"


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has its files; `row` is None where it gave no numbers."""

    folder: Path
    record: Record
    row: Mapping[str, Any] | None


def save(folder: Path, record: Record) -> Finished:
    """Write a record's files, the row last: what has a row is whole."""
    row = rows.build(record)
    shown = view(record)
    write_whole(folder / CONFIG, to_json(record.config))
    write_whole(folder / SUMMARY, to_json(record.summary))
    write_whole(folder / REPORT, markdown.text(shown).encode())
    write_whole(folder / PAGE, html.text(shown).encode())
    if row is not None and record.summary["status"] == "complete":
        name = outputs.path_part(record.config["workload"]["name"])
        write_whole(folder / f"{name}_leaderboard.json", to_json(row))
    outputs.point_latest(folder)
    return Finished(folder, record, row)


def write_curves(finished: Sequence[Finished]) -> Path | None:
    """A page of curves beside the last of several runs; one run alone has none."""
    if len(finished) < 2:
        return None
    path = finished[-1].folder / SWEEP
    write_whole(path, sweep.page([one.record for one in finished]).encode())
    return path


def load(folder: Path) -> Record:
    """The record of a finished run; DataError where the folder holds none, or a damaged one."""
    try:
        config, summary = (orjson.loads((folder / name).read_bytes()) for name in (CONFIG, SUMMARY))
    except OSError as error:
        raise DataError(
            f"{folder} holds no finished run: {error.strerror}", hint="name a folder under outputs/"
        ) from error
    except orjson.JSONDecodeError as error:
        raise DataError(
            f"{folder} is damaged: {error}", hint="measure again; its requests.jsonl may still be whole"
        ) from error
    if not all(
        isinstance(part, dict) and part.get("record_version") == RECORD_VERSION for part in (config, summary)
    ):
        raise DataError(
            f"{folder} holds no run that this version can read", hint="use the version that wrote it"
        )
    record = Record(config, summary)
    try:
        view(record)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(
            f"{folder} is damaged: its record lacks what belongs there ({error})",
            hint="measure again; its requests.jsonl may still be whole",
        ) from error
    return record
