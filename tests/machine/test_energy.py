"""A whole run on a machine whose processors count their energy: from the kernel's file to the row and the report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import command
from tests.fakes.openai_server import Script, serving
from tests.house import ROOT
from tests.machine.counted import INSIDE, POWER_W

LOAD = (
    *("--workload", "custom", "--input-tokens", "20", "--output-tokens", "16", "--requests", "8"),
    *("--no-calibrate", "--warmup", "0", "--quiet"),
)


def may_mount() -> bool:
    """Whether this user may have a file system that nobody else sees."""
    if shutil.which("unshare") is None or os.geteuid() != 0:
        return False
    tried = ("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/sys/class")
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(
    not may_mount(), reason="NO MOUNT NAMESPACE: no energy was counted; it takes root on Linux"
)
def test_energy_goes_from_the_counter_to_the_row_and_the_report(tmp_path: Path) -> None:
    with serving(Script(itl_s=0.005)) as server:
        asked = ("run", "--base-url", server.base_url, "--outputs", str(tmp_path), *LOAD)
        done = subprocess.run(
            (*INSIDE, *command.PROGRAM, *asked),
            cwd=ROOT,
            env=command.environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.glob("*/*/custom_*")
    summary = json.loads((run / "summary.json").read_text())
    assert summary["gpu"]["energy_source"] == "RAPL"
    seen_w = summary["gpu"]["energy_j"] / summary["gpu"]["watched_s"]
    assert seen_w == pytest.approx(POWER_W, rel=0.5)  # it is written as often as a busy machine lets it
    assert summary["energy_per_token_j"] == pytest.approx(summary["gpu"]["energy_j"] / (8 * 16))
    (row,) = run.glob("*_leaderboard.json")
    assert json.loads(row.read_text())["metrics"]["energy_per_token_j"] == summary["energy_per_token_j"]
    assert "energy per token" in (run / "REPORT.md").read_text()
    assert "energy per token" in (run / "report.html").read_text()
