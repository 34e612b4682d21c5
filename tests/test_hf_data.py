"""What lies in hf_data/ is under test like the code: it meets the contract, and holds no row twice."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.board.folder import row_files
from sagellm_benchmark.board.identity import identity
from sagellm_benchmark.board.read import read_rows
from sagellm_benchmark.board.schema import Strength, problems
from sagellm_benchmark.errors import DataError
from tests.house import ROOT

PUBLISHED = ROOT / "tests/data/published_rows.json"
SINGLE, MULTI = "leaderboard_single.json", "leaderboard_multi.json"


def complaints(folder: Path) -> list[str]:
    """Everything that speaks against what a folder of rows holds."""
    strange = [path.name for path in folder.iterdir() if path.suffix != ".json" and path.name != "README.md"]
    found = [f"{name} does not belong here" for name in strange]
    for path in row_files(folder):
        found += against(path)
    return found


def against(path: Path) -> list[str]:
    try:
        rows = read_rows(path)
    except DataError as error:
        return [error.message]
    found = [f"{row.where}: {problem}" for row in rows for problem in problems(row.row, Strength.PUBLISHED)]
    found += [f"{row.where}: {row.repeated} stands twice in it" for row in rows if row.repeated is not None]
    good = [row.row for row in rows if isinstance(row.row, dict)]
    twice = Counter(str(row.get("entry_id")) for row in good) + Counter(map(identity, good))
    found += [f"{path.name}: {key} stands there {count} times" for key, count in twice.items() if count > 1]
    nodes = [(row.get("cluster") or {}).get("node_count", 1) for row in good]
    belong = {SINGLE: {False}, MULTI: {True}}.get(path.name, {False, True})
    return found + [f"{path.name}: a row of {n} nodes" for n in nodes if (n > 1) not in belong]


def test_what_lies_in_hf_data_may_be_published() -> None:
    assert complaints(ROOT / "hf_data") == []


def test_the_folder_says_what_it_is_for() -> None:
    assert "leaderboard" in (ROOT / "hf_data/README.md").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds the rows published long ago, each configuration once."""
    best = {identity(row): row for row in published()}
    write(tmp_path, SINGLE, list(best.values()))
    shutil.copy(ROOT / "hf_data/README.md", tmp_path)
    return tmp_path


def published() -> list[dict[str, Any]]:
    return [row.row for row in read_rows(PUBLISHED)]


def write(folder: Path, name: str, rows: object) -> None:
    (folder / name).write_text(json.dumps(rows))


def test_published_rows_pass(folder: Path) -> None:
    assert complaints(folder) == []


def test_a_row_that_stands_twice_is_found(folder: Path) -> None:
    row = published()[0]
    write(folder, SINGLE, [row, row])
    assert len(complaints(folder)) == 2


def test_a_row_that_breaks_the_contract_is_found(folder: Path) -> None:
    write(folder, SINGLE, [published()[0] | {"metrics": {"throughput_tps": -1}}])
    assert any("throughput_tps" in complaint for complaint in complaints(folder))


def test_a_row_in_the_wrong_file_is_found(folder: Path) -> None:
    write(folder, SINGLE, [])
    write(folder, MULTI, published()[:1])
    assert complaints(folder) == [f"{MULTI}: a row of 1 nodes"]


@pytest.mark.parametrize("content", ['{"a": ', "[NaN]", '"text"', "[[[]]]"])
def test_what_is_no_array_of_rows_is_found(folder: Path, content: str) -> None:
    (folder / SINGLE).write_text(content)
    assert complaints(folder)


def test_a_key_that_stands_twice_is_found(folder: Path) -> None:
    row = json.dumps(published()[0])
    (folder / SINGLE).write_text(f'[{row[:-1]}, "entry_id": "x"}}]')
    assert any("twice" in complaint for complaint in complaints(folder))


def test_a_symbolic_link_is_found(folder: Path) -> None:
    (folder / MULTI).symlink_to(folder / "nothing.json")
    assert any("symbolic link" in complaint for complaint in complaints(folder))


def test_any_other_file_is_found(folder: Path) -> None:
    (folder / "results.csv").write_text("")
    assert complaints(folder) == ["results.csv does not belong here"]
