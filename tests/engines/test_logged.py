"""What an engine that was started says of itself in its log alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sagellm_benchmark.engines.base import SelfReport
from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.engines.known import vllm
from sagellm_benchmark.engines.launch import Launched
from sagellm_benchmark.machine.hardware import Hardware
from tests.fakes.engine_install import Behaviour, install

# as vLLM 0.32.0 writes it, shortened
CONFIG = (
    "(EngineCore pid=27) INFO 11-27 10:26:23 [core.py:133] Initializing a V1 LLM engine (v0.32.0) with config: "
    "model='/models/dtype=torch.float32', speculative_config=None, trust_remote_code=False, dtype=torch.bfloat16, "
    "max_seq_len=2048, load_format=auto, tensor_parallel_size=2, pipeline_parallel_size=1, data_parallel_size=1, "
    "decode_context_parallel_size=4, quantization=None, kv_cache_dtype=auto, device_config=cpu, seed=0"
)
SPLIT = Hardware(tensor_parallel=2, pipeline_parallel=1, data_parallel=1)


def test_vllms_log_tells_its_precision_weights_and_split() -> None:
    log = f"INFO starting\n{CONFIG}\nINFO loading\n"
    assert vllm.logged(log) == SelfReport(precision="BF16", weights="real", parallelism=SPLIT)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("quantization=None", "quantization=fp8", ("FP8", "FP8", "real")),
        ("quantization=None", "quantization=awq_marlin", (None, "AWQ_MARLIN", "real")),
        ("load_format=auto", "load_format=dummy", ("BF16", None, "dummy")),
        ("dtype=torch.bfloat16", "dtype=torch.float64", (None, None, "real")),
    ],
)
def test_a_quantized_model_or_made_up_weights_are_told_as_such(
    was: str, becomes: str, told: tuple[str | None, ...]
) -> None:
    found = vllm.logged(CONFIG.replace(was, becomes))
    assert (found.precision, found.quantization, found.weights) == told


def test_a_log_of_another_kind_tells_nothing() -> None:
    assert vllm.logged("dtype=torch.float32 quantization=fp8") == SelfReport()


def test_a_server_that_is_started_is_known_by_its_log_and_the_users_word_stands_before_it(
    tmp_path: Path,
) -> None:
    folder = install(tmp_path / "env", "vllm", Behaviour(says=(CONFIG,)))
    started = Launched(
        command=(str(folder / "bin" / "vllm"), "serve", "{model}", "--host", "{host}", "--port", "{port}"),
        served=Endpoint("", "tiny", engine="vllm", quantization="GPTQ"),
        model="tiny",
        log=tmp_path / "server.log",
        say=lambda _: None,
    )
    with started.open() as server:
        assert (server.model.precision, server.model.quantization) == ("BF16", "GPTQ")
        assert server.parallelism == SPLIT
    stated = replace(started, served=replace(started.served, precision="INT4"))
    with stated.open() as server:
        assert server.model.precision == "INT4"
