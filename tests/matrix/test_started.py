"""A matrix of engines that it starts: one start serves the cells that share it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from sagellm_benchmark.errors import Exit
from tests import command
from tests.fakes.engine_install import Behaviour, install
from tests.matrix.test_command import done, left_running, start
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


def plan(folder: Path, venv: Path, *, loads: tuple[int, ...] = (1, 2), repeats: int = 1) -> None:
    lines = ['name = "m"', f"repeats = {repeats}", "[options]", 'workload = "custom"', "requests = 6"]
    lines += ["input-tokens = 8", "output-tokens = 4", "warmup = 0", "no-calibrate = true"]
    lines += ["[[engines]]", 'engine = "vllm"', f'engine-python = "{venv}"', 'model = "tiny"']
    for load in loads:
        lines += ["[[loads]]", f"concurrency = {load}"]
    (folder / "plan.toml").write_text("\n".join(lines))


def starts(venv: Path) -> int:
    return len((venv / "starts").read_text().splitlines())


def alive(venv: Path) -> list[int]:
    """Processes of the engine that was started last."""
    return [pid for pid in json.loads((venv / "pids").read_text()) if _is_alive(pid)]


def _is_alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.no_cover
def test_an_engine_is_started_once_for_the_cells_of_a_repeat(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm")
    plan(tmp_path, venv, repeats=2)
    ended = command.run("matrix", "plan.toml", "--json", cwd=tmp_path)
    assert [one["failure"] for one in json.loads(ended.stdout)] == [None] * 4
    assert starts(venv) == 2
    assert alive(venv) == []


@pytest.mark.no_cover
def test_each_cell_has_the_command_that_measures_it_alone_and_the_engines_log(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm")
    plan(tmp_path, venv)
    command.run("matrix", "plan.toml", cwd=tmp_path)
    for path in done(tmp_path):
        folder = tmp_path / "outputs/matrix/m" / json.loads(path.read_bytes())["folder"]
        config = json.loads((folder / "config.json").read_bytes())
        assert "--engine=vllm" in config["tool"]["command"]
        assert "base-url" not in config["tool"]["command"]
        assert "loading weights" in (folder / "server.log").read_text()


def test_an_engine_that_does_not_start_fails_its_cells_with_its_own_words(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm", Behaviour(crashes=True))
    plan(tmp_path, venv)
    ended = command.run("matrix", "plan.toml", "--json", cwd=tmp_path)
    assert ended.returncode == Exit.DATA
    assert all("no room for the weights" in one["failure"] for one in json.loads(ended.stdout))


@pytest.mark.no_cover
def test_killed_in_the_middle_it_leaves_no_engine_and_goes_on(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm")
    plan(tmp_path, venv, loads=(1, 2, 3))
    process: subprocess.Popen[bytes] = start(tmp_path)
    wait_for(lambda: len(done(tmp_path)) >= 1)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not left_running(tmp_path) and not alive(venv))
    ended = command.run("matrix", "plan.toml", "--json", cwd=tmp_path)
    assert [one["failure"] for one in json.loads(ended.stdout)] == [None] * 3
    assert len(done(tmp_path)) == 3
