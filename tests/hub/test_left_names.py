"""Names in git do not stay behind for good, even those of processes that were killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sagellm_benchmark.hub.git import Repository, is_alive
from tests.fakes.team import Team, git


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize("pid", ["", "x", "-1", "0x1", "9" * 30])
def test_what_is_no_process_is_not_called_dead(pid: str) -> None:
    assert is_alive(pid)


@pytest.mark.slow
def test_names_in_git_that_killed_processes_left_go_with_the_next_fetch(tmp_path: Path, gone: int) -> None:
    clone = Team(tmp_path).clone("mine")
    git(clone, "update-ref", f"refs/sagellm-benchmark/{gone}", "HEAD")
    Repository.at(clone / "hf_data" if (clone / "hf_data").exists() else clone).fetch()
    assert git(clone, "for-each-ref", "refs/sagellm-benchmark") == ""


@pytest.mark.slow
def test_a_fetch_of_somebody_else_s_under_way_stands_in_nobody_s_way(tmp_path: Path) -> None:
    team = Team(tmp_path)
    clone = team.clone("mine")
    (clone / ".git" / "refs" / "remotes" / "origin" / "main.lock").touch()
    other = team.clone("other")
    (other / "code.py").write_bytes(b"print(1)\n")
    team.push(other, "more")
    assert Repository.at(clone).fetch() == git(other, "rev-parse", "HEAD").strip()
