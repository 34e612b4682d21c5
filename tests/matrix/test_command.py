"""The command on two servers, stopped in every way and started again."""

from __future__ import annotations

import json
import random
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from sagellm_benchmark.errors import Exit
from tests import command
from tests.fakes.openai_server import FakeServer, Script, serving
from tests.forked import Running
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

LOADS = (1, 2)
CELLS = 2 * len(LOADS) * 2


@pytest.fixture
def servers() -> Iterator[list[FakeServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(serving(Script(itl_s=0.001))) for _ in range(2)]


def plan(
    folder: Path, servers: list[FakeServer], *, loads: tuple[int, ...] = LOADS, repeats: int = 2
) -> Path:
    lines = ['name = "m"', f"repeats = {repeats}", "[options]", 'workload = "custom"', "requests = 6"]
    lines += ["input-tokens = 8", "output-tokens = 4", "warmup = 0", "no-calibrate = true"]
    for place, server in enumerate(servers):
        lines += ["[[engines]]", f'name = "e{place}"', f'base-url = "{server.base_url}"']
    for load in loads:
        lines += ["[[loads]]", f"concurrency = {load}"]
    path = folder / "plan.toml"
    path.write_text("\n".join(lines))
    return path


def done(folder: Path) -> list[Path]:
    return sorted(folder.glob("outputs/matrix/m/cells/*/done.json"))


def runs(folder: Path) -> list[Path]:
    """Every run that left a summary, wherever."""
    return sorted(path for path in folder.rglob("summary.json") if "latest" not in path.parts)


def left_running(folder: Path) -> list[list[str]]:
    """Processes that work for a matrix in this folder."""
    found = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return [words for words in found if any(str(folder) in word for word in words)]


def start(folder: Path) -> Running:
    return command.start("matrix", "plan.toml", "--outputs", str(folder / "outputs/matrix/m"), cwd=folder)


def kill(process: Running) -> None:
    process.send_signal(signal.SIGKILL)
    process.ended()


def kill_after(folder: Path, cells: int) -> None:
    """Start, and kill as soon as that many cells are done: the next one is then under way, or about to begin."""
    process = start(folder)
    wait_for(lambda: len(done(folder)) >= cells)
    kill(process)
    wait_for(lambda: not left_running(folder))


def test_killed_at_any_moment_and_started_again_it_measures_each_cell_once(
    tmp_path: Path, servers: list[FakeServer]
) -> None:
    plan(tmp_path, servers[:1])
    cells = CELLS // 2
    moments = random.Random(7)  # noqa: S311 - the same moments each time
    for least in sorted(moments.sample(range(cells), 2)):
        kill_after(tmp_path, least)
    ended = command.run("matrix", "plan.toml", "--json", cwd=tmp_path)
    assert len(json.loads(ended.stdout)) == len(done(tmp_path)) == len(runs(tmp_path)) == cells
    page = (tmp_path / "outputs/matrix/m/REPORT.md").read_text()
    links = re.findall(r"\(<(.+?)>\)", page)
    assert len(links) == cells
    assert all((tmp_path / "outputs/matrix/m" / link).is_file() for link in links)
    asked = sum(len(server.requests) for server in servers)
    again = command.run("matrix", "plan.toml", "--resume", "--json", cwd=tmp_path)
    assert again.stdout == ended.stdout
    assert sum(len(server.requests) for server in servers) == asked


@pytest.mark.with_children
def test_a_killed_matrix_leaves_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(Script(ttft_s=60.0)) as silent:
        plan(tmp_path, [silent], loads=(1,))
        process = start(tmp_path)
        wait_for(lambda: silent.requests)
        assert list(tmp_path.glob("sagellm-matrix-*"))
        kill(process)
        wait_for(lambda: not left_running(tmp_path))
    assert list(tmp_path.glob("sagellm-matrix-*")) == []


def test_a_changed_plan_measures_only_what_is_new(tmp_path: Path, servers: list[FakeServer]) -> None:
    plan(tmp_path, servers[:1], loads=(1,), repeats=1)
    command.run("matrix", "plan.toml", cwd=tmp_path)
    first = {path: path.stat().st_mtime_ns for path in done(tmp_path)}
    plan(tmp_path, servers[:1], loads=(1, 2), repeats=1)
    command.run("matrix", "plan.toml", cwd=tmp_path)
    assert len(first) == 1
    assert len(done(tmp_path)) == 2
    assert {path: path.stat().st_mtime_ns for path in first} == first


@pytest.mark.with_children
def test_ctrl_c_keeps_what_is_done_and_leaves_nothing_running(
    tmp_path: Path, servers: list[FakeServer]
) -> None:
    plan(tmp_path, servers)
    process = start(tmp_path)
    wait_for(lambda: len(done(tmp_path)) >= 1)
    process.send_signal(signal.SIGINT)
    assert process.ended(60).returncode == Exit.INTERRUPTED
    wait_for(lambda: left_running(tmp_path) == [])  # one that was just being started ends by its closed pipe
    status = command.run("matrix", "plan.toml", "--status", cwd=tmp_path)
    assert f"{len(done(tmp_path))} of {CELLS} measured" in status.stdout


def test_a_cell_that_fails_is_recorded_and_tried_again_and_the_others_go_on(
    tmp_path: Path, servers: list[FakeServer]
) -> None:
    plan(tmp_path, servers, loads=(1,), repeats=1)
    text = (tmp_path / "plan.toml").read_text()
    (tmp_path / "plan.toml").write_text(text.replace(servers[0].base_url, "http://127.0.0.1:1"))
    ended = command.run("matrix", "plan.toml", cwd=tmp_path)
    assert ended.returncode == Exit.DATA
    assert "e0" in ended.stdout
    assert "cannot be reached" in ended.stdout or "no connection" in ended.stdout
    assert len(done(tmp_path)) == 1
    status = command.run("matrix", "plan.toml", "--status", cwd=tmp_path)
    assert status.stdout.count("failed") == 1


@pytest.mark.with_children
def test_what_is_wrong_with_any_cell_is_found_before_the_first_is_measured(
    tmp_path: Path, servers: list[FakeServer]
) -> None:
    path = plan(tmp_path, servers)
    path.write_text(path.read_text() + '\n[[workloads]]\nname = "odd"\nrate = 4\n')
    ended = command.run("matrix", "plan.toml", cwd=tmp_path)
    assert ended.returncode == Exit.USAGE
    assert "--concurrency is a closed loop" in ended.stderr
    assert not (tmp_path / "outputs").exists()
    assert not any(server.requests for server in servers)


def test_a_second_start_waits_for_nobody_and_says_who_measures(
    tmp_path: Path, servers: list[FakeServer]
) -> None:
    plan(tmp_path, servers)
    process = start(tmp_path)
    wait_for(lambda: len(done(tmp_path)) >= 1)
    second = command.run("matrix", "plan.toml", cwd=tmp_path)
    assert second.returncode == Exit.CONFLICT
    assert "is being measured already" in second.stderr
    process.send_signal(signal.SIGINT)
    process.ended(60)
