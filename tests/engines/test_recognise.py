"""What a server says of itself, and whether it is on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from sagellm_benchmark.engines.base import SelfReport
from sagellm_benchmark.engines.recognise import describe, identify
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.listening import is_local, listening_pid, place, places
from tests.fakes.routes import Routes, closed_port, serving


@dataclass(frozen=True)
class Found:
    """The engine's name, and what the server says of itself."""

    engine: str
    said: SelfReport


def identity(card: dict[str, Any], routes: Routes | None = None) -> Found:
    with serving(routes or {}) as fake:
        engine = identify(fake.base_url, card)
        return Found(engine.name, describe(engine, fake.base_url, card))


def report(engine: str, **said: Any) -> Found:
    return Found(engine, SelfReport(**said))


def test_vllm_is_known_by_its_word_and_tells_its_version_and_context() -> None:
    found = identity(
        {"owned_by": "vllm", "max_model_len": 4096}, {"GET /version": (200, {"version": "0.11.0"})}
    )
    assert found == report("vllm", version="0.11.0", context_length=4096)


def test_lmdeploy_is_known_by_its_word() -> None:
    assert identity({"owned_by": "lmdeploy"}) == report("lmdeploy")


def test_sagellm_is_known_by_its_word_whatever_the_case() -> None:
    found = identity({"owned_by": "sageLLM"}, {"GET /version": (200, {"version": "0.5.4.1"})})
    assert found == report("sagellm", version="0.5.4.1")


def sagellm_info(**info: Any) -> Routes:
    """What the gateway of sageLLM 0.5.4.70 says of one engine."""
    engine = {
        "engine_id": "engine-cpu-8102",
        "model_id": "m",
        "host": "localhost",
        "port": 8102,
        "is_healthy": True,
        "info": {
            "model_path": "/models/m",
            "dtype": "auto",
            "max_model_len": 4096,
            "tensor_parallel_size": 2,
            "pipeline_parallel_size": 1,
            "quantization": None,
            "device_type": "cpu",
            **info,
        },
    }
    return {"GET /info": (200, {"service": "sageLLM Gateway", "registered_engines": [engine]})}


@pytest.mark.parametrize(
    ("info", "precision", "device"),
    [
        ({}, "FP32", "cpu"),
        ({"device_type": "cuda"}, "FP16", "cuda"),
        ({"dtype": "bfloat16"}, "BF16", "cpu"),
        ({"device_type": None}, None, None),
    ],
)
def test_sagellm_tells_of_the_engines_behind_its_gateway(
    info: dict[str, Any], precision: str | None, device: str | None
) -> None:
    assert identity({"owned_by": "sagellm", "id": "m"}, sagellm_info(**info)) == report(
        "sagellm",
        precision=precision,
        context_length=4096,
        parallelism=Hardware(tensor_parallel=2, pipeline_parallel=1),
        device=device,
        model_folder="/models/m",
        behind=(("localhost", 8102),),
    )


def test_sglang_tells_type_and_quantization() -> None:
    info = {"version": "0.5.2", "dtype": "bfloat16", "quantization": None, "context_length": None}
    found = identity({"owned_by": "sglang", "max_model_len": 8192}, {"GET /get_server_info": (200, info)})
    assert found == report("sglang", version="0.5.2", precision="BF16", context_length=8192)


@pytest.mark.parametrize(
    ("load_format", "weights"), [("auto", "real"), ("safetensors", "real"), ("dummy", "dummy"), (None, None)]
)
def test_sglang_tells_whether_its_weights_are_real(load_format: str | None, weights: str | None) -> None:
    info = {"load_format": load_format}
    found = identity({"owned_by": "sglang"}, {"GET /get_server_info": (200, info)})
    assert found == report("sglang", weights=weights)


def test_sglang_with_nested_arguments_is_read_too() -> None:
    info = {
        "version": "0.6.0",
        "server_args": {"dtype": "auto", "quantization": "fp8", "context_length": 100},
    }
    found = identity({"owned_by": "sglang"}, {"GET /server_info": (200, info)})
    assert found == report("sglang", version="0.6.0", precision="FP8", quantization="FP8", context_length=100)


def test_an_automatic_type_is_not_guessed() -> None:
    found = identity({"owned_by": "sglang"}, {"GET /get_server_info": (200, {"dtype": "auto"})})
    assert found.said.precision is None


def test_a_quantization_without_a_stated_width_gives_no_precision() -> None:
    info = {"dtype": "float16", "quantization": "awq"}
    found = identity({"owned_by": "sglang"}, {"GET /get_server_info": (200, info)})
    assert (found.said.precision, found.said.quantization) == (None, "AWQ")


def test_llamacpp_tells_its_weights() -> None:
    meta = {"n_params": 134515008, "size": 96576768, "ftype": "Q4_1", "n_ctx": 1024}
    found = identity(
        {"owned_by": "llamacpp", "meta": meta}, {"GET /props": (200, {"build_info": "b6500-0a1b2c3d"})}
    )
    assert found == report(
        "llama.cpp",
        version="b6500-0a1b2c3d",
        parameters="135M",
        precision="INT4",
        quantization="Q4_1",
        size_bytes=96576768,
        context_length=1024,
    )


@pytest.mark.parametrize(
    ("ftype", "precision", "quantization"),
    [
        ("Q4_K - Medium", "INT4", "Q4_K"),
        ("Q8_0", "INT8", "Q8_0"),
        ("all F32", "FP32", None),
        ("BF16", "BF16", None),
        ("IQ2_XS", "INT4", "IQ2_XS"),
        ("", None, None),
        ("mystery", None, None),
    ],
)
def test_llamacpp_types_in_every_spelling(
    ftype: str, precision: str | None, quantization: str | None
) -> None:
    found = identity({"owned_by": "llamacpp", "meta": {"ftype": ftype}})
    assert (found.said.precision, found.said.quantization) == (precision, quantization)


def test_a_build_without_a_number_is_no_version() -> None:
    found = identity(
        {"owned_by": "llamacpp", "meta": None}, {"GET /props": (200, {"build_info": "b0-unknown"})}
    )
    assert found == report("llama.cpp")


def test_engines_behind_a_proxy_are_known_by_their_own_endpoints() -> None:
    assert identity({"owned_by": "proxy"}, {"GET /get_server_info": (200, {"tp_size": 1})}).engine == "sglang"
    props = {"default_generation_settings": {}, "model_ftype": "Q4_0"}
    found = identity({"owned_by": "proxy"}, {"GET /props": (200, props)})
    assert (found.engine, found.said.quantization) == ("llama.cpp", "Q4_0")


@pytest.mark.parametrize("card", [{}, {"owned_by": "openai"}, {"owned_by": None}, {"owned_by": ["vllm"]}])
def test_a_server_that_does_not_say_is_unknown(card: dict[str, Any]) -> None:
    assert identity(card, {"GET /version": (200, {"version": "1.2.3"})}) == report("unknown")


@pytest.mark.parametrize("version", ["<b>1</b>", "", None, 7, "unknown", "1" * 200, {"a": 1}])
def test_a_version_that_is_none_is_left_out(version: Any) -> None:
    assert identity({"owned_by": "vllm"}, {"GET /version": (200, {"version": version})}).said.version is None


@pytest.mark.parametrize("answer", [[], "x", 7, None])
def test_answers_of_another_shape_are_passed_over(answer: Any) -> None:
    routes: Routes = {"GET /props": (200, answer), "GET /get_server_info": (200, answer)}
    assert identity({"max_model_len": True}, routes) == report("unknown")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", socket.gethostname()])
def test_this_machine_is_local(host: str) -> None:
    if host == socket.gethostname():
        try:
            socket.getaddrinfo(host, None)
        except OSError:
            pytest.skip("this machine does not know its own name")
    assert is_local(host)


def test_an_address_of_our_own_interfaces_is_local() -> None:
    own = [
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    ]
    assert all(is_local(address) for address in own)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "x" * 300, "2001:db8::1"])
def test_another_machine_is_not_local(host: str) -> None:
    assert not is_local(host)


def test_the_process_that_listens_is_found() -> None:
    with serving({}) as fake:
        assert listening_pid(fake.port) == os.getpid()
        assert place("127.0.0.1", fake.port) == (True, os.getpid())


def test_of_processes_that_share_a_port_the_one_that_started_the_others_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as shared:
        child = subprocess.Popen(("sleep", "60"), pass_fds=(shared.fileno(),))
        try:
            assert listening_pid(shared.getsockname()[1]) == os.getpid()
        finally:
            child.kill()
            child.wait()


def test_a_process_that_listens_by_ipv6_only_is_found() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("NO IPV6: no server listened by it")
    with server:
        assert listening_pid(server.getsockname()[1]) == os.getpid()


def test_a_port_nobody_listens_on_has_no_process() -> None:
    assert listening_pid(closed_port()) is None


def test_a_server_elsewhere_has_no_process_here() -> None:
    with serving({}) as fake:
        assert place("192.0.2.1", fake.port) == (False, None)


def test_a_server_is_all_its_processes(tmp_path: Path) -> None:
    with serving({}) as gateway, listening("engine", tmp_path) as (port, pid):
        both = places([("127.0.0.1", gateway.port), ("localhost", port)])
        assert both == (True, tuple(sorted((os.getpid(), pid))))


def test_of_a_server_that_is_partly_elsewhere_or_hidden_no_processes_are_known() -> None:
    with serving({}) as gateway:
        here = ("127.0.0.1", gateway.port)
        assert places([here, ("192.0.2.1", 8102)]) == (False, ())
        assert places([here, ("localhost", closed_port())]) == (True, ())


LISTEN = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def listening(name: str, folder: Path) -> Iterator[tuple[int, int]]:
    """A process of that name which listens: its port and its pid."""
    program = folder / name
    program.symlink_to(os.path.realpath(sys.executable))
    with subprocess.Popen([program, "-c", LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline()), process.pid
        process.stdin.close()


@pytest.mark.skipif(sys.platform != "linux", reason="a process is called as its file on Linux")
@pytest.mark.parametrize(
    ("name", "local", "known"), [("ssh", False, False), ("docker-proxy", True, False), ("vllm", True, True)]
)
def test_what_forwards_a_port_is_not_the_server(tmp_path: Path, name: str, local: bool, known: bool) -> None:
    with listening(name, tmp_path) as (port, pid):
        assert place("127.0.0.1", port) == (local, pid if known else None)
