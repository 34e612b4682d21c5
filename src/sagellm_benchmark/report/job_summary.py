"""The page on which GitHub shows what a workflow's job says."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

SUMMARY = "GITHUB_STEP_SUMMARY"  # the file in which it is collected


def add_to_job_summary(markdown: str, environment: Mapping[str, str]) -> None:
    """In a workflow, add to the job's summary; elsewhere nothing.

    Where it cannot be written this is said on stderr: what it repeats must not be lost for that.
    """
    if path := environment.get(SUMMARY):
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(markdown)
        except OSError as error:
            sys.stderr.write(f"the job summary could not be written: {error.strerror}\n")
