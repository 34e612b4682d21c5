"""Nothing stays behind for good, even of processes that were killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sagellm_benchmark.hub.git import Repository
from sagellm_benchmark.hub.scratch import is_alive, scratch, sweep
from tests.fakes.team import Team, git

PREFIX = "sagellm-test-"


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def left(folder: Path, pid: int | str, *, hours: float = 2) -> Path:
    path = folder / f"{PREFIX}{pid}-x"
    path.mkdir()
    (path / "file").write_text("left")
    then = path.stat().st_mtime - hours * 3600
    os.utime(path, (then, then))
    return path


def test_what_killed_processes_left_is_removed_by_the_next(
    tmp_path: Path, gone: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed = left(tmp_path, gone)
    with scratch(PREFIX) as ours:
        assert ours.is_dir()
        assert not killed.exists()
    assert list(tmp_path.iterdir()) == []


def test_what_may_still_be_in_use_or_leads_elsewhere_stays(tmp_path: Path, gone: int) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / f"{PREFIX}{gone}-link").symlink_to(outside)
    young, own, odd = left(tmp_path, gone, hours=0), left(tmp_path, os.getpid()), left(tmp_path, "what")
    sweep(tmp_path, PREFIX)
    assert all(path.is_dir() for path in (outside, young, own, odd))


@pytest.mark.parametrize("pid", ["", "x", "-1", "0x1", "9" * 30])
def test_what_is_no_process_is_not_called_dead(pid: str) -> None:
    assert is_alive(pid)


@pytest.mark.slow
def test_names_in_git_that_killed_processes_left_go_with_the_next_fetch(tmp_path: Path, gone: int) -> None:
    clone = Team(tmp_path).clone("mine")
    git(clone, "update-ref", f"refs/sagellm-benchmark/{gone}", "HEAD")
    Repository.at(clone / "hf_data" if (clone / "hf_data").exists() else clone).fetch()
    assert git(clone, "for-each-ref", "refs/sagellm-benchmark") == ""
