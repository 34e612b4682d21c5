"""A run's requests as columns, which pandas, polars, pyarrow and a CSV file take as they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import cannot_write, read_regular, write_whole
from sagellm_benchmark.runs.requests import REQUESTS_FILE, Request, read

Columns = dict[str, list[Any]]
"""Columns by name, with a value per request; None: not measured. Times end in `_s` (on the run's clock) or `_ms`."""

_MOST_BYTES = 2 << 30
_PARQUET = "pip install 'isagellm-benchmark[parquet]'"


def _tpot_ms(request: Request) -> float | None:
    """Return one answer's time per output token after the first, in milliseconds; None for one token or one event."""
    events = request.sample.event_s
    if request.tokens is None or request.tokens < 2 or len(events) < 2:
        return None
    return (events[-1] - events[0]) / (request.tokens - 1) * 1e3


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3


def _of_sample(name: str) -> Callable[[Request], Any]:
    def value(request: Request) -> Any:
        return getattr(request.sample, name)

    return value


_COLUMNS: Mapping[str, Callable[[Request], Any]] = {
    "repeat": lambda one: one.repeat,
    "conversation": lambda one: one.conversation,
    "turn": _of_sample("turn"),
    "stream": _of_sample("stream"),
    "phase": lambda one: one.sample.phase.value,
    "due_s": _of_sample("due_s"),
    "start_s": _of_sample("start_s"),
    "end_s": _of_sample("end_s"),
    "ttft_ms": lambda one: _ms(one.sample.ttft_s),
    "tpot_ms": _tpot_ms,
    "e2e_ms": lambda one: _ms(one.sample.e2e_s),
    "events": lambda one: len(one.sample.event_s),
    "asked_input_tokens": _of_sample("asked_input_tokens"),
    "asked_output_tokens": _of_sample("asked_output_tokens"),
    "prompt_tokens": _of_sample("prompt_tokens"),
    "output_tokens": lambda one: one.tokens,
    "cached_tokens": _of_sample("cached_tokens"),
    "status": _of_sample("status"),
    "finish_reason": _of_sample("finish_reason"),
    "failure": lambda one: None if one.sample.failure is None else one.sample.failure.value,
    "detail": _of_sample("detail"),
}


def columns(requests: Iterable[Request]) -> Columns:
    """Return every column, in the order of the requests."""
    found = list(requests)
    return {name: [value(one) for one in found] for name, value in _COLUMNS.items()}


def of_folder(folder: Path) -> Columns:
    """Return the columns of a finished run. Raise DataError if its folder has no requests, or damaged ones."""
    try:
        content = read_regular(folder / REQUESTS_FILE, _MOST_BYTES)
    except OSError as error:
        raise DataError(
            f"{folder} holds no requests: {error.strerror}", hint="name a run's folder under outputs/"
        ) from error
    return columns(read(content))


def write_csv(table: Columns, path: Path) -> None:
    """Write a header and one line per request; an empty field means not measured.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows([_inert(value) for value in row] for row in zip(*table.values(), strict=True))
    write_whole(path, text.getvalue().encode())


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in set("=+-@\t\r") else value


def write_parquet(table: Columns, path: Path) -> None:
    """Write the columns with their types. Raise UsageError if pyarrow, the extra `parquet`, is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise UsageError("a Parquet file needs pyarrow, which is not installed", hint=_PARQUET) from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(pa.table(table), path)
    except OSError as error:
        raise cannot_write(path, error) from error
