"""A matrix on two nodes of a real Ray cluster: every cell comes back once, whatever is lost on the way."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from sagellm_benchmark.errors import Exit
from tests.cluster.plans import begun, engines, plan, run
from tests.cluster.simulated import HEAD, NAMESPACES, URGENT, Machines, is_ours, joining, kill_all
from tests.fakes.engine_install import Behaviour, install
from tests.fakes.openai_server import Script, serving
from tests.matrix.test_command import done, left_running, runs
from tests.matrix.test_started import starts
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(300)]


TAKES_ALL = """
import sys, ray
from ray.util.placement_group import placement_group
ray.init(sys.argv[1], log_to_driver=False)
ray.get(placement_group([{"CPU": 2}, {"CPU": 2}], strategy="STRICT_SPREAD").ready())
print("taken", flush=True)
sys.stdin.read()
"""


def test_every_cell_comes_back_with_its_run_and_its_engine_is_started_once(
    machines: Machines, tmp_path: Path
) -> None:
    venvs = engines(tmp_path)
    results, complaint = run(tmp_path, plan(tmp_path, venvs, cpus=1))
    assert [one["failure"] for one in results] == [None] * 4, complaint
    assert len(done(tmp_path)) == len(runs(tmp_path)) == 4
    assert [starts(venv) for venv in venvs] == [1, 1]
    for one in results:
        folder = tmp_path / "outputs/matrix/m" / one["folder"]
        assert "loading weights" in (folder / "server.log").read_text()
    wait_for(lambda: not left_running(tmp_path))


def test_the_environments_server_is_measured_from_every_node(
    machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = plan(tmp_path, [], cpus=1)
    with serving(Script()) as server:
        monkeypatch.setenv("SAGELLM_BASE_URL", server.base_url)
        results, complaint = run(tmp_path, command)
    assert [one["failure"] for one in results] == [None] * 2, complaint
    assert server.requests


def test_a_task_that_no_node_has_room_for_is_refused_before_anything_is_measured(
    machines: Machines, tmp_path: Path
) -> None:
    results, complaint = run(tmp_path, plan(tmp_path, engines(tmp_path), cpus=64))
    assert results == []
    assert "no node of the cluster has 64 processors and 0 GPUs" in complaint


def test_a_driver_that_dies_leaves_nothing_running_and_the_next_one_goes_on(
    machines: Machines, tmp_path: Path
) -> None:
    venvs = engines(tmp_path)
    command = plan(tmp_path, venvs, cpus=1)
    with begun(tmp_path, command):
        wait_for(lambda: len(done(tmp_path)) >= 1, 90)
    wait_for(lambda: not left_running(tmp_path), 60)
    kept = {path: path.stat().st_mtime_ns for path in done(tmp_path)}
    results, complaint = run(tmp_path, command)
    assert [one["failure"] for one in results] == [None] * 4, complaint
    assert len(done(tmp_path)) == len(runs(tmp_path)) == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_cells_of_a_server_that_runs_already_do_not_load_each_other(
    machines: Machines, tmp_path: Path
) -> None:
    command = plan(tmp_path, [], cpus=1)
    text = (tmp_path / "plan.toml").read_text()
    with serving(Script(itl_s=0.02)) as server:
        engine = f'[[engines]]\nbase-url = "{server.base_url}"\n[[loads]]\nconcurrency = 1\n'
        many = text.partition("[[loads]]")[0].replace("repeats = 1", "repeats = 4")
        (tmp_path / "plan.toml").write_text(many + engine)
        results, complaint = run(tmp_path, command)
    assert [one["failure"] for one in results] == [None] * 4, complaint
    times = [(asked.read_s, asked.sent_s[-1]) for asked in server.requests if asked.sent_s]
    assert len(times) >= 4 * 6
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(sorted(times)))


def test_the_engines_of_a_repeat_are_measured_on_one_node_and_repeats_on_several(
    machines: Machines, tmp_path: Path
) -> None:
    results, complaint = run(tmp_path, plan(tmp_path, engines(tmp_path), cpus=2, repeats=2, loads=(1,)))
    assert [one["failure"] for one in results] == [None] * 4, complaint
    where = [{one["node"] for one in results if one["repeat"] == repeat} for repeat in (0, 1)]
    assert [len(nodes) for nodes in where] == [1, 1]
    assert where[0] != where[1]


def test_a_cluster_that_others_use_is_waited_for_and_said_to_be(machines: Machines, tmp_path: Path) -> None:
    command = plan(tmp_path, engines(tmp_path)[:1], cpus=2, loads=(1,))
    taken = subprocess.Popen(
        [sys.executable, "-c", TAKES_ALL, HEAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert taken.stdout is not None
    assert taken.stdout.readline() == b"taken\n"
    with begun(tmp_path, command) as driver:
        complaint = tmp_path / "complaint"
        wait_for(lambda: b"no node has room at the moment" in complaint.read_bytes(), 60)
        taken.communicate(timeout=60)
        assert driver.wait(120) == Exit.DONE


def test_a_node_with_another_version_is_named_before_anything_is_measured(
    machines: Machines, tmp_path: Path
) -> None:
    pretended = "import sagellm_benchmark._version as it; it.__version__ = '0.0.1'"
    (tmp_path / "sitecustomize.py").write_text(pretended)
    venvs = engines(tmp_path)
    with joining(environ={**os.environ, "PYTHONPATH": str(tmp_path)}):
        ended = subprocess.run(
            plan(tmp_path, venvs, 1), cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert ended.returncode == Exit.USAGE
    assert re.search(r"other nodes have others: \S+ \(.+\) has 0\.0\.1\n", ended.stderr)
    assert not any((venv / "starts").exists() for venv in venvs)


def test_an_engine_sees_as_many_gpus_as_it_asked_for_on_the_node_of_all(
    machines: Machines, tmp_path: Path
) -> None:
    words = [tmp_path / name for name in ("go-a", "go-b")]
    venvs = [
        install(tmp_path / name, "vllm", Behaviour(waits_for=word))
        for name, word in zip("ab", words, strict=True)
    ]
    command = plan(tmp_path, venvs, cpus=1, loads=(1,))
    text = (tmp_path / "plan.toml").read_text()
    for gpus, name in ((1, "a"), (2, "b")):
        text = text.replace(f'name = "{name}"', f'name = "{name}"\nnum_gpus = {gpus}')
    (tmp_path / "plan.toml").write_text(text)
    with joining("--num-gpus=2"), begun(tmp_path, command) as driver:
        seen = []
        for venv, word in zip(venvs, words, strict=True):
            wait_for((venv / "pids").is_file, 90)
            pid, *_ = json.loads((venv / "pids").read_text())
            seen.append(psutil.Process(pid).environ()["CUDA_VISIBLE_DEVICES"])
            word.touch()
        assert driver.wait(120) == Exit.DONE
    assert [len(gpus.split(",")) for gpus in seen] == [1, 2]
    assert len({one["node"] for one in json.loads((tmp_path / "said").read_bytes())}) == 1


def test_killed_at_three_random_moments_and_started_again_it_measures_each_cell_once(
    machines: Machines, tmp_path: Path
) -> None:
    venvs = engines(tmp_path)
    command = plan(tmp_path, venvs, cpus=1, repeats=2, loads=(1, 2, 3))
    cells = len(venvs) * 2 * 3
    kept: dict[Path, int] = {}
    moments = random.Random(13)  # noqa: S311 - the same moments each time
    for least in sorted(moments.sample(range(cells - 1), 3)):
        kill_once_done(tmp_path, command, least)
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
        kept = {path: path.stat().st_mtime_ns for path in done(tmp_path)}
    results, complaint = run(tmp_path, command)
    assert [one["failure"] for one in results] == [None] * cells, complaint
    assert len(done(tmp_path)) == len(runs(tmp_path)) == cells
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    begun = [starts(venv) for venv in venvs]
    again, _ = run(tmp_path, [*command, "--resume"])
    assert again == results
    assert [starts(venv) for venv in venvs] == begun


def kill_once_done(folder: Path, command: Sequence[str], cells: int) -> None:
    """Start, and kill as soon as that many cells are done; expect nothing of it to be left on any node."""
    with begun(folder, command) as driver:
        wait_for(lambda: len(done(folder)) >= cells or driver.poll() is not None, 120)
        assert driver.poll() is None, (folder / "complaint").read_text()
    wait_for(lambda: not left_running(folder), 60)


def test_what_was_on_a_node_that_hangs_is_measured_again(machines: Machines, tmp_path: Path) -> None:
    word = tmp_path / "go"
    venv, _ = engines(tmp_path, waits_for=word)
    command = plan(tmp_path, [venv], cpus=1, loads=(1,))
    with begun(tmp_path, command) as driver:
        wait_for((venv / "starts").is_file, 90)
        (hung,) = stations()
        hung.suspend()
        wait_for(lambda: starts(venv) == 2, 120)
        word.touch()
        code = driver.wait(120)
    told = (tmp_path / "complaint").read_text()
    assert code in (Exit.DONE, Exit.INVALID_RUN), told
    assert "was lost (no answer for 30 s)" in told
    results = json.loads((tmp_path / "said").read_bytes())
    assert [one["failure"] for one in results] == [None], told
    assert len(done(tmp_path)) == len(runs(tmp_path)) == 1
    wait_for(lambda: not hung.is_running() and not left_running(tmp_path), 60)


def test_an_engine_on_a_node_is_as_urgent_as_the_system_allows(machines: Machines, tmp_path: Path) -> None:
    word = tmp_path / "go"
    venv, _ = engines(tmp_path, waits_for=word)
    command = plan(tmp_path, [venv], cpus=1, loads=(1,))
    with begun(tmp_path, command) as driver:
        wait_for((venv / "pids").is_file, 90)
        niceness = {one.nice() for one in engines_of(venv)}
        word.touch()
        assert driver.wait(120) == Exit.DONE
    assert niceness == {URGENT}


def engines_of(venv: Path) -> list[psutil.Process]:
    """The processes of an engine, by their numbers on this machine: a node can have numbers of its own."""
    every = psutil.process_iter(["cmdline"])
    return [one for one in every if (one.info["cmdline"] or [""])[0].startswith(str(venv))]


def stations() -> list[psutil.Process]:
    """The processes in which tasks are measured."""
    every = psutil.process_iter(["cmdline"])
    named = (one for one in every if any("_Station" in word for word in one.info["cmdline"] or ()))
    return [one for one in named if is_ours(one)]


@pytest.mark.skipif(
    not NAMESPACES, reason="this system allows no process namespaces: no node can die as a whole"
)
def test_what_was_on_a_node_that_dies_is_measured_elsewhere(machines: Machines, tmp_path: Path) -> None:
    venvs = engines(tmp_path)
    command = plan(tmp_path, venvs, cpus=2, repeats=2, loads=(1,))  # a node has two: each takes one repeat
    with begun(tmp_path, command) as driver:
        wait_for(lambda: all((venv / "starts").is_file() for venv in venvs), 90)
        kill_all(machines.second)
        code = driver.wait(240)
    told = (tmp_path / "complaint").read_text()
    assert code in (Exit.DONE, Exit.INVALID_RUN), told
    results = json.loads((tmp_path / "said").read_bytes())
    assert [one["failure"] for one in results] == [None] * 4, told
    assert len(done(tmp_path)) == len(runs(tmp_path)) == 4
    assert " was lost (" in told
    wait_for(lambda: not left_running(tmp_path))
