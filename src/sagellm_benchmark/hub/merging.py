"""Merge boards in git as publishing joins them, so that two people who submit never have a conflict."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path

from sagellm_benchmark.board.entry import SINGLE
from sagellm_benchmark.board.read import read_whole
from sagellm_benchmark.board.waiting import MAX_BOARD_BYTES, both_sides, join_rows
from sagellm_benchmark.errors import BenchmarkError
from sagellm_benchmark.files import write_whole
from sagellm_benchmark.hub import git

DRIVER = "sagellm-board"
"""The merge driver's name in .gitattributes."""


def install(hf_data: Path) -> bool:
    """Tell git how to merge boards, if .gitattributes asks for it; return False if there was nothing to do.

    A configuration that cannot be written is left as it is, because `aggregate` joins conflicts as well.
    """
    with contextlib.suppress(BenchmarkError):
        if hf_data.is_dir() and git.attribute(hf_data / SINGLE, "merge") == DRIVER:
            return git.configure(hf_data, settings())
    return False


def settings() -> dict[str, str]:
    """Return the driver's configuration; git runs it in a shell, at the top of the work tree."""
    program = shlex.join([sys.executable, "-m", "sagellm_benchmark", "merge-driver"])
    return {
        f"merge.{DRIVER}.name": "the best row of each configuration",
        f"merge.{DRIVER}.driver": f"{program} %O %A %B",
    }


def merge(ours: Path, theirs: Path) -> None:
    """Replace our version of a file in hf_data/ by the join of both. Raise DataError if one of them cannot be read.

    A derived file stays as ours is, because it is made anew from the boards whenever they are read.
    """
    content = read_whole(ours, MAX_BOARD_BYTES)
    if not content.lstrip().startswith(b"{"):
        other = read_whole(theirs, MAX_BOARD_BYTES)
        write_whole(
            ours, join_rows([*both_sides("our version", content), *both_sides("their version", other)])
        )
