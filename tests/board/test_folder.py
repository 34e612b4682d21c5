"""Which files of hf_data/ hold rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED, row_files
from sagellm_benchmark.errors import DataError


def test_rows_are_in_every_json_file_but_the_derived_ones(tmp_path: Path) -> None:
    for name, content in {
        "a.json": "[]",
        COMPARE: '{"groups": []}',
        LAST_UPDATED: " {}",
        "README.md": "#",
    }.items():
        (tmp_path / name).write_text(content)
    assert [path.name for path in row_files(tmp_path)] == ["a.json"]


def test_rows_under_a_derived_file_s_name_are_rows(tmp_path: Path) -> None:
    (tmp_path / LAST_UPDATED).write_text("[{}]")
    assert [path.name for path in row_files(tmp_path)] == [LAST_UPDATED]


def test_rows_in_a_folder_below_are_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "rows.json").write_text("[]")
    with pytest.raises(DataError, match="only files directly in"):
        row_files(tmp_path)


@pytest.mark.parametrize("name", ["x\n::error::y.json", "\x1b[2J.json", "ü.json", "-rf.json", ".hidden.json"])
def test_a_name_that_is_no_plain_name_is_refused_and_shown_as_what_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("[]")
    with pytest.raises(DataError, match="holds a file named") as caught:
        row_files(tmp_path)
    assert caught.value.message.isprintable()
