"""A matrix on this machine whose children are frozen in the middle, as by a container or by SIGSTOP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from sagellm_benchmark.matrix import pulse
from sagellm_benchmark.matrix.execute import measure_all
from sagellm_benchmark.matrix.ledger import Ledger, Result
from sagellm_benchmark.matrix.plan import cells, read
from sagellm_benchmark.matrix.tasks import tasks
from tests.fakes.engine_install import Behaviour, install
from tests.fakes.openai_server import Script, serving
from tests.matrix.test_command import left_running
from tests.waiting import wait_for

pytestmark = [pytest.mark.waits, pytest.mark.no_cover]

LOADS = """
[options]
workload = "custom"
requests = 2
input-tokens = 8
output-tokens = 20
warmup = 0
no-calibrate = true

[[loads]]
concurrency = 1

[[loads]]
concurrency = 2
"""


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "SILENT_S", 6.0)


def measured(folder: Path, engine: str, *, starts: bool) -> list[Result]:
    (folder / "plan.toml").write_text(f"{LOADS}\n[[engines]]\n{engine}")
    every = cells(read(folder / "plan.toml"), lambda _: "1")
    return measure_all(tasks(every, lambda _: starts), Ledger(folder / "m"), lambda step: None)


def working_on(folder: Path, command: str) -> psutil.Process:
    """The process of a matrix that runs this command into a folder below `folder`, or for an engine there."""
    (found,) = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "sagellm_benchmark.matrix.child" in (words := process.info["cmdline"] or ())
        and command in words
        and any(str(folder) in word for word in words)
    ]
    return found


@contextmanager
def frozen_once(happens: Callable[[], bool], folder: Path, command: str) -> Iterator[None]:
    def freeze() -> None:
        wait_for(happens)
        working_on(folder, command).suspend()

    thread = threading.Thread(target=freeze)
    thread.start()
    yield
    thread.join()


def test_a_frozen_run_fails_its_cell_alone_and_is_measured_by_the_next_start(tmp_path: Path) -> None:
    with serving(Script(itl_s=0.05)) as server:
        engine = f'base-url = "{server.base_url}"'
        with frozen_once(lambda: bool(server.requests), tmp_path, "run"):
            first, second = measured(tmp_path, engine, starts=False)
        assert first.failure == "its process gave no sign of life for 6 s"
        assert second.failure is None
        assert left_running(tmp_path) == []
        assert [one.failure for one in measured(tmp_path, engine, starts=False)] == [None, None]


def test_a_frozen_start_of_an_engine_fails_the_cell_and_the_next_one_starts_it_again(tmp_path: Path) -> None:
    word = tmp_path / "go"
    venv = install(tmp_path / "venv", "vllm", Behaviour(waits_for=word))
    engine = f'engine = "vllm"\nengine-python = "{venv}"\nmodel = "tiny"'

    def begun() -> bool:
        return (venv / "starts").is_file()

    def let_go() -> None:
        wait_for(lambda: begun() and len((venv / "starts").read_text().splitlines()) == 2, 60)
        word.touch()

    second_start = threading.Thread(target=let_go)
    second_start.start()
    with frozen_once(begun, tmp_path, "serve"):
        first, second = measured(tmp_path, engine, starts=True)
    second_start.join()
    assert first.failure == "its process gave no sign of life for 6 s"
    assert second.failure is None
    assert left_running(tmp_path) == []
