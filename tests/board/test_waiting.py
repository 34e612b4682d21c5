from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.board.aggregate import aggregate
from sagellm_benchmark.board.entry import SINGLE
from sagellm_benchmark.board.read import Limits, parse_rows
from sagellm_benchmark.board.waiting import sides, waiting
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from tests.fakes.rows import new_row, new_rows

BASE, OURS, THEIRS = new_rows(3)


def conflict(folder: Path, base: list[Any], ours: list[Any], theirs: list[Any], *style: str) -> bytes:
    """What git leaves of a file when two versions of it conflict."""
    for name, rows in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_bytes(to_json(rows))
    merged = ["git", "merge-file", "-p", *style, "ours", "base", "theirs"]
    return subprocess.run(merged, cwd=folder, capture_output=True, check=False).stdout


@pytest.mark.parametrize("style", ["--diff3", "--zdiff3", None])
def test_a_board_that_git_left_in_conflict_is_read_as_both_sides(tmp_path: Path, style: str | None) -> None:
    marked = conflict(tmp_path, [BASE], [BASE, OURS], [BASE, THEIRS], *([style] if style else []))
    assert b"<<<<<<< " in marked
    assert [json.loads(side) for side in sides(marked)] == [[BASE, OURS], [BASE, THEIRS]]


def test_aggregate_joins_the_sides_of_a_conflict(tmp_path: Path) -> None:
    slow = new_row(metrics__throughput_tps=70.0)
    fast = new_row(metrics__throughput_tps=80.0)
    hf_data = tmp_path / "hf_data"
    hf_data.mkdir()
    marked = conflict(tmp_path, [BASE], [slow, BASE], [fast, BASE, THEIRS])
    (hf_data / SINGLE).write_bytes(marked)
    aggregate(tmp_path / "outputs", hf_data, None)
    held = json.loads((hf_data / SINGLE).read_bytes())
    assert sorted(row["entry_id"] for row in held) == sorted(row["entry_id"] for row in (fast, BASE, THEIRS))


def test_whoever_else_reads_a_conflict_is_told_who_joins_it(tmp_path: Path) -> None:
    marked = conflict(tmp_path, [BASE], [OURS], [THEIRS])
    with pytest.raises(DataError, match="conflict markers") as told:
        parse_rows("rows.json", marked, Limits())
    assert told.value.hint == "merge both sides: `sagellm-benchmark aggregate`"


@given(st.text())
def test_a_text_in_a_row_is_no_mark(text: str) -> None:
    board = to_json([{"said": text, "<<<<<<< ours": "=======\n>>>>>>> theirs"}])
    assert sides(board) == (board,)


def test_half_a_conflict_is_not_taken_for_a_board(tmp_path: Path) -> None:
    marked = conflict(tmp_path, [BASE], [OURS], [THEIRS])
    (tmp_path / SINGLE).write_bytes(marked[: marked.index(b"\n=======") + 12])
    with pytest.raises(DataError, match="not valid JSON"):
        list(waiting(tmp_path))
