"""A run's requests as columns, which pandas, polars, pyarrow and a CSV file take as they are."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import cannot_write, read_regular, write_whole
from sagellm_benchmark.runs.requests import REQUESTS_FILE, Request, read
from sagellm_benchmark.verdict.columns import Floats, tpot_s

Columns = dict[str, list[Any]]
"""Columns by name, with a value per request; None: not measured. Times end in `_s` (on the run's clock) or `_ms`."""

_MOST_BYTES = 2 << 30
_PARQUET = "pip install 'isagellm-benchmark[parquet]'"


_Column = Callable[[Sequence[Request]], list[Any]]


def _each(value: Callable[[Request], Any]) -> _Column:
    return lambda requests: [value(one) for one in requests]


def _of_sample(name: str) -> _Column:
    return _each(lambda one: getattr(one.sample, name))


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1e3


def _tpot_ms(requests: Sequence[Request]) -> list[float | None]:
    """Return the time per output token, milliseconds, by the rule of the run's figure; None for one token or event."""
    events = [one.sample.event_s for one in requests]
    seconds = tpot_s(
        _floats([moments[-1] - moments[0] if moments else None for moments in events]),
        _floats([one.tokens if one.sample.event_s else None for one in requests]),
        _floats([len(moments) for moments in events]),
        _floats([one.sample.first_share for one in requests]),
    )
    return [None if math.isnan(one) else one * 1e3 for one in seconds.tolist()]


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


_COLUMNS: Mapping[str, _Column] = {
    "repeat": _each(lambda one: one.repeat),
    "conversation": _each(lambda one: one.conversation),
    "turn": _of_sample("turn"),
    "stream": _of_sample("stream"),
    "phase": _each(lambda one: one.sample.phase.value),
    "due_s": _of_sample("due_s"),
    "start_s": _of_sample("start_s"),
    "end_s": _of_sample("end_s"),
    "ttft_ms": _each(lambda one: _ms(one.sample.ttft_s)),
    "tpot_ms": _tpot_ms,
    "e2e_ms": _each(lambda one: _ms(one.sample.e2e_s)),
    "events": _each(lambda one: len(one.sample.event_s)),
    "asked_input_tokens": _of_sample("asked_input_tokens"),
    "asked_output_tokens": _of_sample("asked_output_tokens"),
    "prompt_tokens": _of_sample("prompt_tokens"),
    "output_tokens": _each(lambda one: one.tokens),
    "cached_tokens": _of_sample("cached_tokens"),
    "status": _of_sample("status"),
    "finish_reason": _of_sample("finish_reason"),
    "failure": _each(lambda one: None if one.sample.failure is None else one.sample.failure.value),
    "detail": _of_sample("detail"),
}


def columns(requests: Iterable[Request]) -> Columns:
    """Return every column, in the order of the requests."""
    found = list(requests)
    return {name: of(found) for name, of in _COLUMNS.items()}


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
