"""Find out which client a file comes from, and read the run in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark.board.read import read_whole
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.runs.foreign import aiperf, guidellm
from sagellm_benchmark.runs.foreign.base import Foreign

_MOST_BYTES = 512 << 20
_NUMBERED = re.compile(r"(?P<path>.+):(?P<number>[1-9][0-9]{0,3})")


def read(path: Path) -> Foreign | None:
    """Return the run in a file of guidellm (FILE:2 for the second of several) or in a file or folder of aiperf.

    None if it comes from no client that we know. A summary of aiperf stands for the records beside it. Raise DataError
    if a file cannot be read, or if the records are missing.
    """
    numbered = None if path.exists() else _NUMBERED.fullmatch(str(path))
    file = path if numbered is None else Path(numbered["path"])
    if (file / aiperf.RECORDS).is_file():  # the folder that aiperf writes into
        file /= aiperf.RECORDS
    if not file.is_file() or file.suffix not in (".json", ".jsonl"):
        return None
    if file.name.endswith(".jsonl"):
        return aiperf.read(_lines(file), _beside(file, aiperf.SUMMARY))
    document = _document(file)
    if isinstance(document, dict) and "aiperf_version" in document:
        return _by_its_summary(file)
    return guidellm.read(document, None if numbered is None else int(numbered["number"]))


def _by_its_summary(file: Path) -> Foreign | None:
    records = file.with_name(file.name.replace(aiperf.SUMMARY, aiperf.RECORDS))
    if records == file or not records.is_file():
        raise DataError(
            f"{file} holds only averages, which cannot be checked",
            hint=f"keep aiperf's {aiperf.RECORDS} beside it (--export-level records)",
        )
    return aiperf.read(_lines(records), _document(file))


def _beside(file: Path, name: str) -> Any:
    other = file.with_name(name)
    return _document(other) if other.is_file() else {}


def _document(file: Path) -> Any:
    try:
        return orjson.loads(read_whole(file, _MOST_BYTES))
    except orjson.JSONDecodeError as error:
        raise DataError(
            f"{file} is not JSON: {error}", hint="name a run's folder, a row, or a client's results"
        ) from error


def _lines(file: Path) -> list[dict[str, Any]]:
    found = []
    for number, line in enumerate(read_whole(file, _MOST_BYTES).splitlines(), 1):
        if line.strip():
            try:
                found.append(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                raise DataError(
                    f"{file}, line {number}, is not JSON: {error}", hint="measure again"
                ) from error
    return [one for one in found if isinstance(one, dict)]
