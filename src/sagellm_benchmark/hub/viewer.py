"""Flat tables of the boards for programs that load the dataset: always the same schema, whatever fields rows have.

A board's rows are open: tools add fields, and leave out what they do not know. Libraries that guess a schema from them
would guess a different one each month. Here every row has every column, in this order; what a row does not say is null,
and the last column is the whole row. Columns may be added at the end, and never change their type.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Literal

import orjson

from sagellm_benchmark.board.entry import written_rows
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.hub.store import Content

Type = Literal["string", "int64", "float64", "bool"]

COLUMNS: Mapping[str, tuple[Type, str]] = {
    "entry_id": ("string", "entry_id"),
    "engine": ("string", "engine"),
    "engine_version": ("string", "engine_version"),
    "sagellm_version": ("string", "sagellm_version"),
    "config_type": ("string", "config_type"),
    "model": ("string", "model.name"),
    "parameters": ("string", "model.parameters"),
    "precision": ("string", "model.precision"),
    "quantization": ("string", "model.quantization"),
    "weights": ("string", "model.weights"),
    "vendor": ("string", "hardware.vendor"),
    "chip_model": ("string", "hardware.chip_model"),
    "chip_count": ("int64", "hardware.chip_count"),
    "node_count": ("int64", "cluster.node_count"),
    "interconnect": ("string", "hardware.interconnect"),
    "workload": ("string", "workload.name"),
    "dataset": ("string", "workload.dataset"),
    "input_length": ("int64", "workload.input_length"),
    "output_length": ("int64", "workload.output_length"),
    "batch_size": ("int64", "workload.batch_size"),
    "concurrent_requests": ("int64", "workload.concurrent_requests"),
    "throughput_tps": ("float64", "metrics.throughput_tps"),
    "throughput_tps_ci95_low": ("float64", "metrics.throughput_tps_ci95_low"),
    "throughput_tps_ci95_high": ("float64", "metrics.throughput_tps_ci95_high"),
    "ttft_ms": ("float64", "metrics.ttft_ms"),
    "tbt_ms": ("float64", "metrics.tbt_ms"),
    "tpot_ms": ("float64", "metrics.tpot_ms"),
    "e2e_ms": ("float64", "metrics.e2e_ms"),
    "error_rate": ("float64", "metrics.error_rate"),
    "peak_mem_mb": ("float64", "metrics.peak_mem_mb"),
    "valid": ("bool", "validity.valid"),
    "submitter": ("string", "metadata.submitter"),
    "submitted_at": ("string", "metadata.submitted_at"),
    "evidence_sha256": ("string", "evidence.sha256"),
    "row": ("string", ""),
}
"""Name → type and path in the row; the last column is the row itself, as JSON."""

_LARGEST = 2**63
MOST_IN_MEMORY = 8 << 20
"""The size of a board, in bytes, from which on its table is on the disk until it is sent."""


def table(rows: Iterable[Any]) -> bytes:
    """Return a board's rows as JSON Lines; what is not an object becomes a line of nulls."""
    file = BytesIO()  # line by line, because a join would hold all lines beside the whole
    write(rows, file)
    return file.getvalue()


def flat(board: bytes) -> Content:
    """Return the table of a board file; if that is large, as an open file without a name.

    Raise DataError if that file cannot be written.
    """
    if len(board) < MOST_IN_MEMORY:
        return table(written_rows(board))
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever holds the plan closes it
    except OSError as error:
        raise cannot_write(Path(tempfile.gettempdir()), error) from error
    try:
        write(written_rows(board), file)
    except OSError as error:
        file.close()
        raise cannot_write(Path(tempfile.gettempdir()), error) from error
    return file


def write(rows: Iterable[Any], file: IO[bytes]) -> None:
    """Write the lines that `table` returns to a file."""
    for row in rows:
        file.write(
            orjson.dumps(_flat(row if isinstance(row, dict) else {}), option=orjson.OPT_APPEND_NEWLINE)
        )


def features(config: str, indent: str = "") -> Iterator[str]:
    """Yield the lines of a card's `dataset_info` for one config."""
    yield f"{indent}- config_name: {config}\n{indent}  features:\n"
    for name, (kind, _) in COLUMNS.items():
        yield f"{indent}    - name: {name}\n{indent}      dtype: {kind}\n"


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: _typed(_at(row, place), kind) for name, (kind, place) in COLUMNS.items() if place}
    return {**known, "row": orjson.dumps(row).decode()}


def _at(row: Any, place: str) -> Any:
    for name in place.split("."):
        row = row.get(name) if isinstance(row, dict) else None
    return row


def _typed(value: Any, kind: Type) -> Any:
    """Return the value if it has its column's type; otherwise None."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind == "string":
        return value if isinstance(value, str) else None
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if kind == "float64":
        return float(value) if number else None
    return int(value) if number and value == int(value) and abs(value) < _LARGEST else None
