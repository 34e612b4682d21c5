"""What one node does for a matrix, asked by a driver in this process; the run is a real one, on a server here."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sagellm_benchmark.matrix import station
from sagellm_benchmark.matrix.ledger import Result
from sagellm_benchmark.matrix.plan import cells, read
from sagellm_benchmark.matrix.station import End, Station
from sagellm_benchmark.matrix.tasks import Task
from tests.fakes.openai_server import Script, serving
from tests.matrix.test_command import left_running
from tests.waiting import wait_for

pytestmark = pytest.mark.waits

NOBODY_ASKS = """
import sys, tempfile, threading, time
from pathlib import Path
from sagellm_benchmark.matrix.plan import cells, read
from sagellm_benchmark.matrix.station import Station
from sagellm_benchmark.matrix.tasks import Task

tempfile.tempdir = sys.argv[1]
at = Station(lease_s=5.0)
at.begin(Task(cells(read(Path(sys.argv[1], "plan.toml")), lambda _: "1"), starts=False), {})
asking = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), asking.set()), daemon=True).start()
while not asking.is_set():
    at.hear(0.2)
time.sleep(600)
"""

PLAN = """
[options]
workload = "custom"
requests = 6
input-tokens = 8
output-tokens = 4
warmup = 0
no-calibrate = true

[[engines]]
base-url = "{url}"

[[loads]]
concurrency = 1

[[loads]]
concurrency = 2
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def task(tmp_path: Path) -> Iterator[Task]:
    with serving(Script()) as server:
        (tmp_path / "plan.toml").write_text(PLAN.format(url=server.base_url))
        yield Task(cells(read(tmp_path / "plan.toml"), lambda _: "1"), starts=False)


def heard(at: Station) -> Result | End:
    while (word := at.hear(1.0)) is None:
        pass
    return word


def pieces(at: Station) -> list[bytes]:
    found: list[bytes] = []
    while piece := at.piece(sum(map(len, found))):
        found.append(piece)
    return found


def test_every_run_comes_in_pieces_of_bounded_size_and_is_then_removed(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(station, "PIECE", 1000)
    at = Station()
    at.begin(task, {})
    for cell in task.cells:
        word = heard(at)
        assert isinstance(word, Result)
        assert (word.id, word.failure) == (cell.id, None)
        given = pieces(at)
        assert len(given) > 3
        assert max(map(len, given)) == 1000
        with tarfile.open(fileobj=io.BytesIO(b"".join(given))) as archive:
            assert f"./{word.folder}/summary.json" in archive.getnames()
    assert heard(at) == End()
    assert list(tmp_path.glob("sagellm-cells-*")) == []


def test_a_station_that_was_told_nothing_has_no_pieces() -> None:
    assert pieces(Station()) == []


def test_what_goes_wrong_on_the_node_is_told(task: Task) -> None:
    at = Station()
    nowhere = replace(task.cells[0], id="no/where")
    at.begin(Task((nowhere,), starts=False), {})
    word = heard(at)
    assert isinstance(word, End)
    assert "FileNotFoundError" in (word.error or "")


def test_the_driver_s_environment_holds_on_the_node(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    at = Station()
    at.begin(Task((), starts=False), {"SAGELLM_SUBMITTER": "somebody"})
    assert heard(at) == End()
    assert os.environ["SAGELLM_SUBMITTER"] == "somebody"


def test_a_station_that_nobody_asks_ends_and_its_run_with_it(tmp_path: Path) -> None:
    """Its folder has a name of its own, by which the processes that work in it are found."""
    with serving(Script(itl_s=30.0)) as server:
        (tmp_path / "plan.toml").write_text(PLAN.format(url=server.base_url))
        asked = subprocess.Popen([sys.executable, "-c", NOBODY_ASKS, str(tmp_path)], stdin=subprocess.PIPE)
        wait_for(lambda: len(server.requests) > 0, 60)
        assert left_running(tmp_path)
        asked.communicate(b"nobody asks any more\n", timeout=60)
        wait_for(lambda: not left_running(tmp_path), 60)
    assert asked.returncode == 1
