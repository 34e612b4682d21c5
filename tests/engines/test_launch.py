"""Engines that are started for the user: real processes, with a fake server inside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from sagellm_benchmark.blas import without_threads
from sagellm_benchmark.engines import launch
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.engines.launch import Launched, filled
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.words import retold, speaking
from tests.fakes.engine_install import Behaviour, install
from tests.house import ROOT
from tests.waiting import wait_for

pytestmark = pytest.mark.with_children

SERVE = ("serve", "--model", "{model}", "--host", "{host}", "--port", "{port}")


def gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids)


def pids_of(folder: Path) -> list[int]:
    """Of the engine's command and of the child that it started."""
    wait_for((folder / "pids").is_file)
    return list(json.loads((folder / "pids").read_text()))


def launched(folder: Path) -> Launched:
    return Launched(
        command=(str(folder / "bin" / "sagellm"), *SERVE),
        served=Endpoint("", "tiny", engine="sagellm"),
        model="tiny",
        log=folder / "run" / "server.log",
        say=lambda _: None,
    )


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Server, list[int]]]:
    with launched(folder).open() as server:
        yield server, pids_of(folder)


def test_an_engine_is_started_measured_where_it_listens_and_stopped(tmp_path: Path) -> None:
    with opened(install(tmp_path / "env", "sagellm")) as (server, pids):
        assert (server.engine.name, server.served_model, server.local) == ("sagellm", "tiny", True)
        assert server.pids == (pids[0],)
        assert not gone(pids)
    assert gone(pids)


@pytest.mark.slow
def test_its_log_is_kept(tmp_path: Path) -> None:
    with opened(install(tmp_path / "env", "sagellm")):
        pass
    assert "loading weights" in (tmp_path / "env" / "run" / "server.log").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    "behaviour", [Behaviour(escapes=True), Behaviour(clings=True)], ids=["escapes", "clings"]
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to a chosen process")
def test_whatever_the_engine_started_is_stopped_too(behaviour: Behaviour, tmp_path: Path) -> None:
    folder = install(tmp_path / "env", "sagellm", behaviour)
    with replace(launched(folder), grace_seconds=0.2).open():
        pids = pids_of(folder)
    wait_for(lambda: gone(pids))


@pytest.mark.slow
def test_a_slow_start_shows_what_the_engine_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "LONG_S", 0.0)
    monkeypatch.setattr(launch, "START_S", 30.0)
    flag = tmp_path / "go"
    folder = install(tmp_path / "env", "sagellm", Behaviour(waits_for=flag, says=("loading shard 1 of 9",)))
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "shard 1 of 9" in text:
            flag.touch()

    with replace(launched(folder), say=say).open():
        assert any("sagellm has been starting for" in text and "shard 1 of 9" in text for text in said)


def test_a_crash_at_the_start_is_told_in_the_engines_own_words(tmp_path: Path) -> None:
    folder = install(tmp_path / "env", "sagellm", Behaviour(crashes=True))
    with (
        pytest.raises(DataError, match="ValueError: no room for the weights") as refusal,
        launched(folder).open(),
    ):
        pytest.fail("it cannot have started")
    assert "server.log" in str(refusal.value.hint)
    wait_for(lambda: gone(pids_of(folder)))


def test_a_crash_that_the_engines_entry_knows_is_told_with_what_helps(tmp_path: Path) -> None:
    words = "is less than desired CPU memory utilization (0.92, 19.06 GiB)"
    folder = install(tmp_path / "env", "sagellm", Behaviour(says=(words,), crashes=True))
    vllm = replace(launched(folder), served=Endpoint("", "tiny", engine="vllm"))
    with pytest.raises(DataError) as refusal, vllm.open():
        pytest.fail("it cannot have started")
    hint = str(refusal.value.hint)
    assert "add --engine-args '--gpu-memory-utilization 0.3'" in hint
    assert "server.log" in hint
    with speaking("zh"):
        in_chinese = retold(hint)
    assert "请加上 --engine-args '--gpu-memory-utilization 0.3'" in in_chinese
    assert "启动命令是" in in_chinese


def test_a_command_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    with pytest.raises(DataError, match="No such file"), launched(tmp_path / "env").open():
        pytest.fail("it cannot have started")


@pytest.mark.slow
def test_an_engine_that_never_serves_is_given_up_and_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(tmp_path / "env", "sagellm", Behaviour(waits_for=tmp_path / "never"))
    running = (folder / "pids").is_file  # before it runs, no time passes; then a minute between two looks
    minutes = count(step=60.0)
    monkeypatch.setattr(
        launch, "time", SimpleNamespace(monotonic=lambda: next(minutes) if running() else 0.0)
    )
    engine = replace(launched(folder), start_seconds=30.0)
    with pytest.raises(DataError, match="did not start serving"), engine.open():
        pytest.fail("it cannot have started")
    wait_for(lambda: gone(pids_of(folder)))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("serves", [False, True], ids=["while it starts", "while it serves"])
def test_no_engine_outlives_us(tmp_path: Path, number: signal.Signals, serves: bool) -> None:
    behaviour = Behaviour() if serves else Behaviour(waits_for=tmp_path / "never")
    folder = install(tmp_path / "env", "sagellm", behaviour)
    program = (
        "import sys; from pathlib import Path; from tests.engines.test_launch import launched\n"
        f"with launched(Path({str(folder)!r})).open(): print('serves', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as us:
        assert us.stdout is not None
        if serves:
            assert us.stdout.readline() == b"serves\n"
        pids = pids_of(folder)
        us.send_signal(number)
    wait_for(lambda: gone(pids))


def test_a_model_that_lies_here_is_served_without_asking_the_hub(tmp_path: Path) -> None:
    folder = install(tmp_path / "env", "sagellm")
    environ = Launched(("x",), Endpoint(""), str(folder), folder / "log", print)._environ()
    assert environ["HF_HUB_OFFLINE"] == "1"
    away = Launched(("x",), Endpoint(""), "org/model", folder / "log", print)._environ()
    assert away.get("HF_HUB_OFFLINE") == os.environ.get("HF_HUB_OFFLINE")


def test_an_engine_has_as_many_threads_as_it_likes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", without_threads({"OPENBLAS_NUM_THREADS": "4"}))
    environ = Launched(("x",), Endpoint(""), "org/model", tmp_path / "log", print)._environ()
    assert {name: value for name, value in environ.items() if "BLAS" in name} == {"OPENBLAS_NUM_THREADS": "4"}


def test_only_known_words_in_braces_are_filled_in() -> None:
    assert filled(("serve", "{model}", '{"a": {port}}'), model="m x", port="1") == [
        "serve",
        "m x",
        '{"a": 1}',
    ]
