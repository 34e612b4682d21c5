"""The work that `nox -s perf` gives the board can be done: a small piece of it, as the measuring processes do it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


@pytest.mark.parametrize(("work", "rows"), [("merge", 75), ("aggregate", 200)])
def test_a_small_board_takes_in_all_that_is_prepared_for_it(work: str, rows: int, tmp_path: Path) -> None:
    script = (sys.executable, str(ROOT / "scripts/perf_board.py"))
    subprocess.run((*script, "--prepare", work, "100", str(tmp_path)), check=True)
    done = subprocess.run((*script, "--one", work, str(tmp_path)), check=True, capture_output=True)
    assert json.loads(done.stdout)["on_board"] == rows
