"""The summary of a workflow's job, which GitHub shows as a page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from itertools import accumulate, islice
from pathlib import Path

from sagellm_benchmark.text import MOST

SUMMARY = "GITHUB_STEP_SUMMARY"  # the variable that names the file in which it is collected


_MOST_BYTES = 500_000  # GitHub shows none of a summary of more than 1 MiB


def fitting(lines: Iterable[str]) -> list[str]:
    """Return as many of these lines as a list may have, and as fit into a summary."""
    first = list(islice(lines, MOST))
    sizes = accumulate(len(line.encode()) for line in first)
    return first[: sum(size <= _MOST_BYTES for size in sizes)]


def add_to_job_summary(markdown: str, environment: Mapping[str, str]) -> None:
    """Add to the job's summary in a workflow; do nothing elsewhere.

    If it cannot be written, only say so on standard error: what it repeats must not be lost because of that.
    """
    if path := environment.get(SUMMARY):
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(markdown)
        except OSError as error:
            sys.stderr.write(f"the job summary could not be written: {error.strerror}\n")
