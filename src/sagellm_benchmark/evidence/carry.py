"""Carry bundles from runs' folders to hf_data/, as their rows were, so that whoever publishes has both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.board.aggregate import Report
from sagellm_benchmark.board.folder import evidence_folder, row_files
from sagellm_benchmark.board.merge import ONTO_THE_BOARD
from sagellm_benchmark.board.proof import EVIDENCE, bundle_path, evidence_of, is_evidence, signatures_path
from sagellm_benchmark.board.read import read_rows
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.evidence import files
from sagellm_benchmark.files import write_whole


@dataclass(frozen=True, slots=True)
class Carried:
    """The bundles that were written or removed, by name in hf_data/, and why others could not be written (`left`)."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    left: tuple[str, ...]


def carry(report: Report) -> Carried:
    """Pack the evidence of each run whose row has come into hf_data/; remove bundles that no row there names any more.

    Raise DataError if the folder of bundles is a symbolic link.
    """
    folder = evidence_folder(report.hf_data)
    written, left = [], []
    for path, outcome in report.outcomes:
        digest = evidence_of(outcome.entry.row)
        if digest is None or outcome.fate not in ONTO_THE_BOARD:
            continue
        try:
            write_whole(report.hf_data / bundle_path(digest), files.bundle(path.parent))
            written.append(bundle_path(digest))
        except DataError as error:
            left.append(f"{path.parent}: {error.message}; its row is published as a claim")
    return Carried(tuple(written), tuple(_without_rows(report.hf_data, folder)), tuple(left))


def _without_rows(hf_data: Path, folder: Path) -> Iterator[str]:
    """Remove the bundles of rows that better ones have replaced, and yield their names."""
    held = sorted(path for path in folder.glob("*") if is_evidence(path.name))
    named = _named(row_files(hf_data)) if held else set()
    for path in held:
        name = f"{EVIDENCE}/{path.name}"
        if name not in named:
            path.unlink()
            yield name


def _named(paths: Iterable[Path]) -> set[str]:
    rows = (found.row for path in paths for found in read_rows(path))
    digests = {digest for row in rows if (digest := evidence_of(row)) is not None}
    return {path for digest in digests for path in (bundle_path(digest), signatures_path(digest))}
