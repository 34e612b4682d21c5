"""`run` with an engine that it starts: the real command, and a stand-in for the engine in a folder of its own."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from sagellm_benchmark.errors import Exit
from tests import command
from tests.evidence.support import verified
from tests.fakes.engine_install import Behaviour, install
from tests.waiting import wait_for

pytestmark = pytest.mark.no_cover

MEASURED = (Exit.DONE, Exit.INVALID_RUN)  # a busy machine may spoil the figures, which are not looked at
QUICK = ("--requests", "2", "--warmup", "0", "--no-calibrate")


def run(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return command.run("run", *QUICK, *arguments, cwd=folder, env=env)


def read(folder: Path, pattern: str) -> Any:
    (path,) = folder.glob(f"outputs/{pattern}")
    return json.loads(path.read_text())


def gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids)


@pytest.mark.waits
@pytest.mark.with_children
def test_an_engine_is_started_measured_and_stopped_and_its_log_kept(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm", version="0.32.0")
    done = run(tmp_path, "--engine", "vllm", "--engine-python", str(venv), "--model", "tiny")
    assert done.returncode in MEASURED, done.stderr
    config = read(tmp_path, "vllm/tiny/Q1_*/config.json")
    assert config["server"]["engine"] == "vllm"
    assert config["server"]["local"]
    assert list(tmp_path.glob("outputs/vllm/tiny/Q1_*/server.log"))
    assert gone(json.loads((venv / "pids").read_text()))


@pytest.mark.waits
def test_it_starts_once_for_all_runs_of_a_command_and_each_has_the_log(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm")
    once = ("--engine", "vllm", "--engine-python", str(venv), "--model", "tiny", "--concurrency", "1,2")
    done = run(tmp_path, *once)
    assert done.returncode in MEASURED, done.stderr
    logs = sorted(tmp_path.glob("outputs/vllm/tiny/Q1_*/server.log"))
    assert len(logs) == 2
    assert [log.read_text().count("loading weights") for log in logs] == [1, 1]
    with logs[0].open("a") as file:  # the same file by another name
        file.write("shutting down\n")  # as real engines write to it after the run
    for log in logs:
        assert verified(log.parent).mismatches == ()
    logs[0].write_text("another log")
    assert [one.field for one in verified(logs[0].parent).mismatches] == ["sha256 of server.log"]


@pytest.mark.waits
def test_more_options_reach_the_engine(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm")
    done = run(
        tmp_path,
        *("--engine", "vllm", "--engine-python", str(venv), "--model", "tiny"),
        *("--engine-args", "--max-model-len 2048 --name 'two words'"),
    )
    assert done.returncode in MEASURED, done.stderr
    words = json.loads((venv / "words").read_text())
    assert words[-4:] == ["--max-model-len", "2048", "--name", "two words"]


@pytest.mark.waits
def test_without_a_word_about_it_sagellm_is_measured_where_it_is_installed(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "sagellm")
    done = run(tmp_path, "--model", "Qwen2-7B", PATH=f"{venv / 'bin'}:/usr/bin:/bin")
    assert done.returncode in MEASURED, done.stderr
    assert "measuring sagellm, which is installed here" in done.stderr
    assert "--engine sagellm" in read(tmp_path, "sagellm/Qwen2-7B/Q1_*/config.json")["tool"]["command"]


def test_a_missing_engine_is_an_error_with_the_command_that_brings_it(tmp_path: Path) -> None:
    done = run(tmp_path, "--engine", "sagellm", "--model", "Qwen2-7B", PATH="/usr/bin:/bin")
    assert done.returncode == 3
    assert "sagellm is not installed" in done.stderr
    assert "--engine-env create" in done.stderr
    assert not (tmp_path / "outputs").exists()


@pytest.mark.waits
def test_an_engine_that_crashes_at_the_start_leaves_its_log_and_its_last_words(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "sagellm", Behaviour(crashes=True))
    done = run(tmp_path, "--engine", "sagellm", "--engine-python", str(venv), "--model", "tiny")
    assert done.returncode == 3
    assert "ValueError: no room for the weights" in done.stderr
    assert len(list(tmp_path.glob("outputs/sagellm/tiny/Q1_*/server.log"))) == 1


@pytest.mark.waits
def test_a_command_of_ones_own_is_started_without_a_shell(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "vllm")
    template = (
        f"{venv / 'bin' / 'vllm'} serve {{model}} --port {{port}} --extra '$(touch {tmp_path / 'oops'})'"
    )
    done = run(tmp_path, "--launch", template, "--model", "tiny")
    assert done.returncode in MEASURED, done.stderr
    assert read(tmp_path, "*/tiny/Q1_*/config.json")["server"]["engine"] == "vllm"
    assert not (tmp_path / "oops").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--engine", "tgi", "--model", "m"), "--engine names an engine that cannot be started here"),
        (("--engine", "vllm"), "needs a model"),
        (("--launch", "serve {model}", "--model", "m"), "where the port goes"),
        (("--launch", "'", "--model", "m"), "--launch does not understand"),
        (("--engine-args", "--x"), "--engine-args: this is for an engine that is started"),
        (("--engine", "llama.cpp", "--engine-env", "create"), "--engine-env: this is for an engine"),
        (("--launch", "x {port}", "--base-url", "http://127.0.0.1:1"), "--launch: this starts a server"),
        (("--engine", "vllm", "--model", "m", "--threads", "1"), "--threads: this is for the embedded"),
    ],
)
def test_what_cannot_be_started_is_refused(given: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run(tmp_path, *given)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.waits
def test_ctrl_c_while_an_engine_starts_leaves_nobody_behind(tmp_path: Path) -> None:
    venv = install(tmp_path / "venv", "sagellm", Behaviour(waits_for=tmp_path / "never"))
    words = ("run", "--engine", "sagellm", "--engine-python", str(venv), "--model", "tiny")
    with subprocess.Popen(
        [*command.PROGRAM, *words], cwd=tmp_path, env=command.environment(tmp_path), stderr=subprocess.PIPE
    ) as process:
        wait_for((venv / "pids").is_file)
        process.send_signal(2)
        assert process.wait(30) == 130
    wait_for(lambda: gone(json.loads((venv / "pids").read_text())))
