from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.files import to_json
from tests.command import run
from tests.site.boards import fresh_rows

pytestmark = pytest.mark.with_children


def test_the_page_is_made_of_the_rows_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "hf_data").mkdir()
    (tmp_path / "hf_data/leaderboard_single.json").write_bytes(to_json(fresh_rows()))
    done = run("site", "--from", "hf_data", "--out", "public", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "public/index.html: 16 rows\n"), done.stderr
    assert (tmp_path / "public/index.html").read_bytes().startswith(b"<!doctype html>")


def test_a_hub_out_of_reach_names_the_rows_here(tmp_path: Path) -> None:
    done = run("site", cwd=tmp_path)
    assert done.returncode == 4
    assert "site --from hf_data" in done.stderr


def test_a_name_that_is_nothing_is_a_mistake_of_usage(tmp_path: Path) -> None:
    done = run("site", "--from", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert "neither a folder nor the name of a dataset" in done.stderr
