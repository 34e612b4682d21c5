"""Where a publish finds the evidence of the rows that it brings, and who looks at it before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.proof import bundle_path, evidence_of
from sagellm_benchmark.board.read import read_whole
from sagellm_benchmark.errors import DataError

MOST_BYTES = 8 << 20

Bundles = Callable[[str], bytes | None]
"""Gives the bundle that lies at a path such as evidence/<sha256>.tar.xz; None where there is none."""

Prover = Callable[[Any, bytes], None]
"""Raises DataError for a row that does not follow from its bundle."""


def nowhere(_: str) -> None:
    """No bundle: every row is a claim."""


def bundles_in(folder: Path) -> Bundles:
    """The bundles in hf_data/."""

    def bundle(path: str) -> bytes | None:
        return read_whole(folder / path, MOST_BYTES) if (folder / path).exists() else None

    return bundle


def proved(rows: Iterable[Entry], bundles: Bundles, prove: Prover) -> dict[str, bytes]:
    """The bundles of these rows by path, each looked at. Raises DataError for a row that its bundle does not prove."""
    found: dict[str, bytes] = {}
    for entry in rows:
        digest = evidence_of(entry.row)
        path = None if digest is None else bundle_path(digest)
        content = None if path is None else bundles(path)
        if path is None or content is None:
            continue
        try:
            prove(entry.row, content)
        except DataError as error:
            raise DataError(
                f"row {entry.entry_id} does not follow from its evidence: {error.message}",
                hint=f"measure again, or take {path} away: the row is then a claim",
            ) from error
        found[path] = content
    return found
