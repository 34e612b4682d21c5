"""A matrix of engines that it starts: one start serves the cells that share it."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from sagellm_benchmark.errors import Exit
from tests import command
from tests.fakes.engine_install import Behaviour, install
from tests.matrix.test_command import done, kill, left_running, start
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


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


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a matrix of two loads, each measured twice, which no test changes."""
    folder = tmp_path_factory.mktemp("measured")
    plan(folder, install(folder / "venv", "vllm"), repeats=2)
    ended = command.run("matrix", "plan.toml", "--json", cwd=folder)
    assert [one["failure"] for one in json.loads(ended.stdout)] == [None] * 4
    return folder


def test_an_engine_is_started_once_for_the_cells_of_a_repeat(measured: Path) -> None:
    assert starts(measured / "venv") == 2
    assert alive(measured / "venv") == []


def test_each_cell_has_the_command_that_measures_it_alone_and_the_engines_log(measured: Path) -> None:
    assert len(done(measured)) == 4
    for path in done(measured):
        folder = measured / "outputs/matrix/m" / json.loads(path.read_bytes())["folder"]
        config = json.loads((folder / "config.json").read_bytes())
        assert "--engine=vllm" in config["tool"]["command"]
        assert "base-url" not in config["tool"]["command"]
        assert "loading weights" in (folder / "server.log").read_text()


@pytest.mark.with_children
def test_an_engine_that_does_not_start_fails_its_cells_with_its_own_words(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm", Behaviour(crashes=True))
    plan(tmp_path, venv)
    ended = command.run("matrix", "plan.toml", "--json", cwd=tmp_path)
    assert ended.returncode == Exit.DATA
    assert all("no room for the weights" in one["failure"] for one in json.loads(ended.stdout))


def test_killed_in_the_middle_it_leaves_no_engine_and_goes_on(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm")
    plan(tmp_path, venv, loads=(1, 2, 3))
    process = start(tmp_path)
    wait_for(lambda: len(done(tmp_path)) >= 1)
    kill(process)
    wait_for(lambda: not left_running(tmp_path) and not alive(venv))
    ended = command.run("matrix", "plan.toml", "--json", cwd=tmp_path)
    assert [one["failure"] for one in json.loads(ended.stdout)] == [None] * 3
    assert len(done(tmp_path)) == 3
