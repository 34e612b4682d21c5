"""The rows of a matrix go the way of all rows: outputs/ → hf_data/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.errors import Exit
from tests import command
from tests.fakes.openai_server import Script, serving
from tests.matrix.test_command import done

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

PLAN = """
name = "m"
repeats = 2

[options]
workload = "custom"
requests = 6
input-tokens = 20
output-tokens = 16
no-calibrate = true
precision = "FP16"
parameters = "7B"
weights = "real"
vendor = "NVIDIA"
chip-model = "NVIDIA H100 80GB HBM3"
chip-count = 1
interconnect = "None"
memory-per-chip-gb = 80

[[loads]]
concurrency = 1

[[loads]]
concurrency = 2
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a matrix of two loads, each measured twice, and hf_data/ made from it."""
    for _ in range(3):  # a busy machine may spoil a run; who measures for the board measures again then
        folder = tmp_path_factory.mktemp("home")
        with serving(Script(ttft_s=0.004, itl_s=0.001)) as server:
            engine = f'[[engines]]\nname = "e"\nbase-url = "{server.base_url}"'
            (folder / "plan.toml").write_text(f"{PLAN}\n{engine}")
            measured = command.run("matrix", "plan.toml", cwd=folder)
        if measured.returncode != Exit.INVALID_RUN:
            break
    assert measured.returncode == Exit.DONE, measured.stdout + measured.stderr
    merged = command.run("aggregate", "--offline", cwd=folder)
    assert merged.returncode == 0, merged.stdout + merged.stderr
    return folder


def board(home: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((home / "hf_data/leaderboard_single.json").read_text())
    return rows


def test_the_rows_of_a_matrix_stand_on_the_board_once_for_each_load(home: Path) -> None:
    assert len(done(home)) == 4
    assert sorted(row["workload"]["concurrent_requests"] for row in board(home)) == [1, 2]


def test_each_of_them_is_the_row_of_a_cell_and_brings_its_evidence(home: Path) -> None:
    of_cells = {
        json.loads(path.read_text())["entry_id"]
        for path in home.glob("outputs/matrix/m/**/*_leaderboard.json")
        if "latest" not in path.parts
    }
    assert len(of_cells) == 4
    assert {row["entry_id"] for row in board(home)} < of_cells
    assert len(list((home / "hf_data/evidence").rglob("*.tar.xz"))) == 2


def test_what_a_matrix_brought_is_published_as_it_is(home: Path) -> None:
    published = command.run("publish", "--to", "dataset", cwd=home)
    assert published.returncode == 0, published.stdout + published.stderr
    rows = json.loads((home / "dataset/leaderboard_single.json").read_text())
    assert {row["entry_id"] for row in rows} == {row["entry_id"] for row in board(home)}
