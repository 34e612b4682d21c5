"""Boards in a git merge: joined as publishing joins them, so that two who submit never conflict."""

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
"""What .gitattributes calls it."""


def install(hf_data: Path) -> bool:
    """Tell git how to merge boards, where .gitattributes asks for it; False if there was nothing to do.

    A configuration that cannot be written is left as it is: `aggregate` joins conflicts all the same.
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
    """Put the join of two versions of a file in hf_data/ where ours is. Raise DataError for one that holds no rows.

    A file that follows from rows stays ours: it is made anew from the boards whenever they are read.
    """
    content = read_whole(ours, MAX_BOARD_BYTES)
    if not content.lstrip().startswith(b"{"):
        other = read_whole(theirs, MAX_BOARD_BYTES)
        write_whole(
            ours, join_rows([*both_sides("our version", content), *both_sides("their version", other)])
        )
