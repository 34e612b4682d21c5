from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.gguf_facts import Gguf
from sagellm_benchmark.engines.llamacpp import LlamaCpp, engine_version
from sagellm_benchmark.engines.logs import last_words
from sagellm_benchmark.engines.weights import find
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.machine.memory import peak_memory_mib
from sagellm_benchmark.net.failures import StatusError
from sagellm_benchmark.net.fetch import get_json, post_json, post_text
from tests.fakes.tiny_model import TINY, write_tiny

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Gguf:
    return write_tiny(tmp_path_factory.mktemp("weights"))


def engine(gguf: Gguf, folder: Path, *, parallel: int = 1, context: int = 512) -> LlamaCpp:
    return LlamaCpp(gguf, parallel=parallel, context=context, log=folder / "run" / "server.log", threads=1)


def complete(server: Server, prompt: str, tokens: int) -> list[dict[str, Any]]:
    """The events of one streamed completion."""
    body = {
        "model": "any",
        "prompt": prompt,
        "max_tokens": tokens,
        "temperature": 0,
        "ignore_eos": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    lines = post_text(
        f"{server.base_url}/v1/completions", body, timeout_s=60, api_key=server.api_key
    ).splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/completions", "/tokenize", "/slots", "/props", "/metrics"]
)
def test_no_web_page_and_no_other_program_can_drive_the_server(tiny: Gguf, tmp_path: Path, path: str) -> None:
    page = {"Origin": "http://evil.example", "Host": "evil.example"}  # a name that was made to lead here
    with engine(tiny, tmp_path).open() as server:
        asked = urllib.request.Request(server.base_url + path, headers=page)  # noqa: S310
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(asked)  # noqa: S310 - our own server
        caught.value.close()
        assert caught.value.code == 401
        assert not caught.value.headers.get("Access-Control-Allow-Origin")


def test_what_others_ask_is_told_to_nobody(tiny: Gguf, tmp_path: Path) -> None:
    with engine(tiny, tmp_path).open() as server, pytest.raises(StatusError) as caught:
        get_json(f"{server.base_url}/slots", api_key=server.api_key)
    assert caught.value.status == 501


def test_each_server_has_a_key_of_its_own(tiny: Gguf, tmp_path: Path) -> None:
    with engine(tiny, tmp_path / "a").open() as one, engine(tiny, tmp_path / "b").open() as other:
        assert one.api_key != other.api_key
        with pytest.raises(StatusError):
            get_json(f"{one.base_url}/v1/models", api_key=other.api_key)


def test_the_default_model_answers_with_its_real_weights(tmp_path: Path) -> None:
    found = find(None, quantization=None, cache=tmp_path, say=print)
    with engine(found, tmp_path).open() as server:
        assert (
            get_json(f"{server.base_url}/v1/models", api_key=server.api_key)["data"][0]["id"]
            == server.served_model
        )
        events = complete(server, "The capital of France is", 8)
        assert server.model.weights == "real"
        assert (server.engine.name, server.local) == ("llama.cpp", True)
        assert events[-1]["usage"]["completion_tokens"] == 8
        assert (peak_memory_mib(server.pids) or 0) > 100
    assert "".join(event["choices"][0]["text"] for event in events).startswith(" Paris")


def test_every_token_of_dummy_weights_is_an_event_of_its_own(tiny: Gguf, tmp_path: Path) -> None:
    with engine(tiny, tmp_path).open() as server:
        events = complete(server, " good world under water", 100)
        words = [event["choices"][0]["text"] for event in events]
        spoken = [word for word in words if word]
        again = post_json(f"{server.base_url}/tokenize", {"content": "".join(spoken)}, api_key=server.api_key)
    assert events[-1]["usage"] | {"prompt_tokens_details": None} == {
        "completion_tokens": 100,
        "prompt_tokens": 4,
        "total_tokens": 104,
        "prompt_tokens_details": None,
    }
    assert len(spoken) == 100
    assert all(word.startswith(" ") and word.strip().isalpha() for word in spoken)
    assert len(again["tokens"]) == 100


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_dummy_weights_of_every_family_are_served(family: Any, tmp_path: Path) -> None:
    from sagellm_benchmark.engines import dummy  # noqa: PLC0415

    shape = replace(TINY, name=f"Tiny-{family}", family=family, tied=True, rope_scaled=family == "llama")
    weights = dummy.ensure(shape, quantization="Q8_0", cache=tmp_path, say=print)
    with engine(weights, tmp_path).open() as server:
        assert complete(server, " hello", 5)[-1]["usage"]["completion_tokens"] == 5


def test_requests_run_side_by_side_each_with_the_whole_context(tiny: Gguf, tmp_path: Path) -> None:
    with engine(tiny, tmp_path, parallel=4, context=256).open() as server:
        assert get_json(f"{server.base_url}/props", api_key=server.api_key)["total_slots"] == 4
        with ThreadPoolExecutor(4) as pool:
            prompts = [" word" * 100 + f" {letter}" for letter in "abcd"]
            answers = list(pool.map(lambda prompt: complete(server, prompt, 140), prompts))
    assert [events[-1]["usage"]["completion_tokens"] for events in answers] == [140] * 4


@pytest.mark.with_children
def test_it_listens_on_this_machine_alone_and_stops_with_the_context(tiny: Gguf, tmp_path: Path) -> None:
    with engine(tiny, tmp_path).open() as server:
        address = urlsplit(server.base_url)
        listening = psutil.Process(server.pids[0]).net_connections(kind="inet")
        assert {connection.laddr.ip for connection in listening if connection.status == "LISTEN"} == {
            "127.0.0.1"
        }
    assert not psutil.pid_exists(server.pids[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname or "", address.port or 0), timeout=5)


def test_an_error_inside_stops_it_too(tiny: Gguf, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), engine(tiny, tmp_path).open() as server:
        raise ZeroDivisionError
    assert not psutil.pid_exists(server.pids[0])


def test_what_it_says_is_in_the_log(tiny: Gguf, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with engine(tiny, tmp_path).open():
        pass
    assert (
        tiny.path.name in (tmp_path / "run" / "server.log").read_text()
    )  # its last lines may still be on their way
    assert capfd.readouterr() == ("", "")


HOLDER = """
import sys, time
from pathlib import Path
from sagellm_benchmark.engines.llamacpp import LlamaCpp
from tests.fakes.tiny_model import write_tiny
folder = Path(sys.argv[1])
with LlamaCpp(write_tiny(folder), parallel=1, context=256, log=folder / "server.log").open() as server:
    print(server.pids[0], flush=True)
    time.sleep(60)
"""


def start_holder(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A process of its own group that holds a server open, and that server's pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_server_outlives_a_run_that_is_ended(tmp_path: Path, sent: signal.Signals) -> None:
    process, server = start_holder(tmp_path)
    os.killpg(process.pid, sent)
    process.communicate(timeout=20)
    assert wait_until(lambda: is_gone(server))


def test_ctrl_c_reaches_the_run_and_not_its_server(tmp_path: Path) -> None:
    process, server = start_holder(tmp_path)
    assert os.getpgid(server) != os.getpgid(process.pid)
    assert os.getsid(server) != os.getsid(process.pid)
    process.kill()
    process.communicate(timeout=20)


def test_a_closed_pipe_alone_ends_the_server(tiny: Gguf, tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "sagellm_benchmark.engines.llamacpp_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    settings = {
        "path": str(tiny.path),
        "alias": "tiny",
        "parallel": 1,
        "context": 64,
        "threads": None,
        "api_key": "a key",
        "parent": os.getpid(),
    }
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(settings).encode() + b"\n")
    child.stdin.flush()
    assert json.loads(child.stdout.readline())["url"].startswith("http://127.0.0.1:")
    child.stdin.close()
    assert child.wait(20) == 0
    child.stdout.close()


def test_a_file_that_is_cut_off_is_told_in_llama_cpps_words(tiny: Gguf, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(tiny.path.read_bytes()[:-50_000])
    with pytest.raises(DataError, match=r"cut\.gguf: .*not within the file bounds") as refusal:
        engine(replace(tiny, path=cut), tmp_path).open().__enter__()
    assert "server.log" in str(refusal.value.hint)


def test_too_little_memory_is_told_with_what_to_do(tmp_path: Path) -> None:
    script = """
import resource, sys
from dataclasses import replace
from pathlib import Path
from sagellm_benchmark.engines import dummy
from sagellm_benchmark.engines.llamacpp import LlamaCpp
from sagellm_benchmark.errors import DataError
from tests.fakes.tiny_model import TINY
folder = Path(sys.argv[1])
wide = replace(TINY, family="qwen3", name="Wide", heads=64, kv_heads=64, head_dim=64)  # 32 KiB of KV cache per token
weights = dummy.ensure(wide, quantization=None, cache=folder, say=print)
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
try:
    LlamaCpp(weights, parallel=1, context=1_000_000, log=folder / "server.log", threads=1).open().__enter__()
except DataError as error:
    print(error.message, error.hint, sep="\\n")
"""
    said = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "allocate" in said.stdout
    assert "less context" in said.stdout


def test_a_server_that_never_answers_is_given_up(tiny: Gguf, tmp_path: Path) -> None:
    # A pipe in place of the model: reading it never ends.
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    before = psutil.Process().children()  # such as the server that other tests fork commands from
    with pytest.raises(DataError, match="did not start serving"):
        replace(engine(replace(tiny, path=pipe), tmp_path), start_seconds=2.0).open().__enter__()
    assert psutil.Process().children() == before


def test_a_log_that_cannot_be_written_is_named(tiny: Gguf, tmp_path: Path) -> None:
    (tmp_path / "run").touch()
    with pytest.raises(DataError, match="cannot write"):
        engine(tiny, tmp_path).open().__enter__()


def test_a_missing_library_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(UsageError, match="xllamacpp") as refusal:
        engine_version()
    assert "pip install" in str(refusal.value.hint)


def test_its_version_is_the_librarys_release() -> None:
    assert len(engine_version().split(".")) in (3, 4)


def test_a_log_without_errors_ends_in_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\n\n\x1b[31mtwo\x1b[0m\n" + b"\xff" * 3 + b"\n")
    assert last_words(log) == ["one", "two", "\ufffd\ufffd\ufffd"]


def test_opening_works_outside_the_main_thread(tiny: Gguf, tmp_path: Path) -> None:
    answered: list[int] = []

    def use() -> None:
        with engine(tiny, tmp_path).open() as server:
            answered.append(len(complete(server, " hello", 3)))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join(30)
    assert answered
