from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark import outputs
from sagellm_benchmark.errors import DataError

DAY = dt.date(2026, 3, 9)


def test_runs_of_a_day_are_numbered(tmp_path: Path) -> None:
    folders = [outputs.new_folder(tmp_path, "llama.cpp", "Qwen2-7B", "Q1", DAY) for _ in range(2)]
    assert [folder.relative_to(tmp_path).as_posix() for folder in folders] == [
        "llama.cpp/Qwen2-7B/Q1_20260309_001",
        "llama.cpp/Qwen2-7B/Q1_20260309_002",
    ]


def test_the_thousandth_run_of_a_day_is_refused(tmp_path: Path) -> None:
    (tmp_path / "e/m/Q1_20260309_999").mkdir(parents=True)
    with pytest.raises(DataError, match="999 runs"):
        outputs.new_folder(tmp_path, "e", "m", "Q1", DAY)


@given(st.text(max_size=200))
def test_any_name_is_one_harmless_folder(name: str) -> None:
    part = outputs.path_part(name)
    assert part
    assert not part.startswith(".")
    assert not set(part) & set("/\\:\0\n ")
    assert len(part) <= 80


def test_latest_leads_to_the_newest(tmp_path: Path) -> None:
    for _ in range(2):
        folder = outputs.new_folder(tmp_path, "e", "m", "Q1", DAY)
        outputs.point_latest(folder)
    assert (tmp_path / "e/m/latest").resolve() == folder.resolve()


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        outputs.new_folder(tmp_path / "file", "e", "m", "Q1", DAY)


def test_the_newest_run_is_found_and_latest_is_not_counted_twice(tmp_path: Path) -> None:
    folder = outputs.new_folder(tmp_path, "e", "m", "Q1", DAY)
    (folder / "summary.json").write_text("{}")
    outputs.point_latest(folder)
    assert outputs.newest(tmp_path) == folder


def test_no_run_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        outputs.newest(tmp_path)
    assert "run" in str(caught.value.hint)
