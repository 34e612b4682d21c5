"""What a run's numbers and verdict rest on besides its requests, kept so that they can be computed again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_type_hints

import msgspec
import orjson

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import Document
from sagellm_benchmark.runs.requests import Window
from sagellm_benchmark.verdict.columns import Columns
from sagellm_benchmark.verdict.evidence import Evidence
from sagellm_benchmark.verdict.figures import Measurement
from sagellm_benchmark.workload.recipe import Recipe, written
from sagellm_benchmark.workload.sources import Source

T = TypeVar("T", Evidence, Measurement)


@dataclass(frozen=True, slots=True)
class Grounds:
    """A run's Evidence and Measurement as plain JSON values, without the columns, which the requests give."""

    windows_s: tuple[Window | None, ...]  # of each repeat; None if its requests are the window's ends
    looked_at: Document  # the Evidence
    measured: Document  # the Measurement
    prompts: Recipe | None  # how they were made; None if they come from a file

    @classmethod
    def of(
        cls, source: Source, repeats: Sequence[Columns], looked_at: Evidence, measured: Measurement
    ) -> Grounds:
        """Return the grounds of a run that is over."""
        windows = tuple(
            None if one.inside is None else (one.first_start_s, one.last_end_s) for one in repeats
        )
        return cls(windows, _without_columns(looked_at), _without_columns(measured), written(source))

    @classmethod
    def parse(cls, value: Any) -> Grounds:
        """Return the grounds that `plain` wrote. Raise DataError if they are damaged."""
        try:
            return msgspec.convert(value, cls, str_keys=True)
        except msgspec.ValidationError as error:
            raise _damaged(str(error)) from error

    def plain(self) -> Document:
        """Return the grounds as plain JSON values."""
        plain: Document = msgspec.to_builtins(self, str_keys=True)
        return plain

    def evidence(self, columns: Columns) -> Evidence:
        """Return what the checks look at, with these columns. Raise DataError if the grounds are damaged."""
        return _with_columns(self.looked_at, Evidence, columns)

    def measurement(self, columns: Columns) -> Measurement:
        """Return what the metrics are computed from, with these columns. Raise DataError if the grounds are damaged."""
        return _with_columns(self.measured, Measurement, columns)


def _without_columns(value: Evidence | Measurement) -> Document:
    shallow = {one.name: getattr(value, one.name) for one in fields(value) if one.name != "columns"}
    plain: Document = orjson.loads(orjson.dumps(shallow))
    return plain


def _with_columns(said: Document, kind: type[T], columns: Columns) -> T:
    """Return the evidence or measurement; a field that an earlier version did not write has its default."""
    hints = get_type_hints(kind)
    try:
        values = {name: msgspec.convert(value, hints[name]) for name, value in said.items() if name in hints}
        return kind(columns=columns, **values)
    except (msgspec.ValidationError, TypeError) as error:
        raise _damaged(str(error)) from error


def _damaged(why: str) -> DataError:
    return DataError(
        f"the grounds of the run's figures are damaged: {why}", hint="restore its evidence, or measure again"
    )
