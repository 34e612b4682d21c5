from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from sagellm_benchmark.engines import dummy
from sagellm_benchmark.engines.architectures import Family
from sagellm_benchmark.engines.dummy_tokens import silent_count
from sagellm_benchmark.errors import DataError, UsageError
from tests.fakes.tiny_model import TINY, write_tiny


@pytest.mark.parametrize(
    ("quantization", "precision", "stored"),
    [("Q4_0", "INT4", "Q4_0"), ("q8_0", "INT8", "Q8_0"), ("F16", "FP16", None)],
)
def test_the_file_says_what_it_is(
    tmp_path: Path, quantization: str, precision: str, stored: str | None
) -> None:
    found = write_tiny(tmp_path, quantization=quantization)
    assert (found.facts.weights, found.facts.precision, found.facts.quantization) == (
        "dummy",
        precision,
        stored,
    )
    assert found.facts.name == "Tiny-1M"
    assert found.facts.context_length == TINY.context
    assert found.facts.size_bytes == dummy.size_bytes(TINY, dummy.QUANTIZATIONS[quantization.upper()])
    assert "dummy" in found.source


@pytest.mark.parametrize("quantization", ["Q4_0", "Q8_0", "F16"])
def test_every_weight_is_finite_and_of_the_size_that_keeps_layers_stable(
    tmp_path: Path, quantization: str
) -> None:
    reader = gguf.GGUFReader(write_tiny(tmp_path, quantization=quantization).path)
    matrices = [tensor for tensor in reader.tensors if len(tensor.shape) == 2]
    assert len(matrices) == 2 + 7 * TINY.layers
    for tensor in matrices:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(float)
        spoken = values[silent_count(TINY.vocabulary) :] if tensor.name == "output.weight" else values
        assert np.isfinite(values).all()
        assert 0.6 < np.sqrt(np.mean(spoken**2) * values.shape[1]) < 1.6, tensor.name


def test_bytes_and_control_tokens_are_never_chosen(tmp_path: Path) -> None:
    reader = gguf.GGUFReader(write_tiny(tmp_path).path)
    output = next(tensor for tensor in reader.tensors if tensor.name == "output.weight")
    values = gguf.dequantize(output.data, output.tensor_type)
    silent = silent_count(TINY.vocabulary)
    assert not values[:silent].any()
    assert values[silent:].any(axis=1).all()


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_each_family_has_its_own_tensors(family: Family) -> None:
    names = {part.name for part in dummy.parts(replace(TINY, family=family, tied=True, rope_scaled=True))}
    assert ("blk.0.attn_q.bias" in names) == (family == "qwen2")
    assert ("blk.1.attn_k_norm.weight" in names) == (family == "qwen3")
    assert "output.weight" not in names
    assert "rope_freqs.weight" in names


def test_a_second_run_uses_the_file_of_the_first(tmp_path: Path) -> None:
    first = write_tiny(tmp_path)
    written = first.path.stat().st_mtime_ns
    said: list[str] = []
    again = dummy.ensure(TINY, quantization=None, cache=tmp_path, say=said.append)
    assert again == first
    assert again.path.stat().st_mtime_ns == written
    assert said == []


@pytest.mark.parametrize("kept", [0, 1_000, -1_000])
def test_a_damaged_file_is_written_again(tmp_path: Path, kept: int) -> None:
    path = write_tiny(tmp_path).path
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    write_tiny(tmp_path)
    assert path.read_bytes() == whole


def test_what_a_killed_run_left_is_removed_and_what_a_running_one_writes_is_not(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f"Tiny-1M-dummy{dummy.RECIPE}-Q4_0.gguf.{ended.pid}.tmp"
    running = tmp_path / f"Tiny-1M-dummy{dummy.RECIPE}-Q4_0.gguf.1.tmp"
    left.touch()
    running.touch()
    write_tiny(tmp_path)
    assert not left.exists()
    assert running.exists()


def test_a_full_disk_is_explained_and_leaves_nothing(tmp_path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from sagellm_benchmark.errors import DataError
from tests.fakes.tiny_model import write_tiny
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
try:
    write_tiny(Path(sys.argv[1]))
except DataError as error:
    print(error.message)
"""
    said = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "cannot write" in said.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_does_not_fit_into_memory_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"needs [\d.]+ GB of memory, and [\d.]+ GB are free"):
        dummy.ensure(replace(TINY, ffn=1 << 50), quantization=None, cache=tmp_path, say=print)
    assert list(tmp_path.iterdir()) == []


def test_a_quantization_that_cannot_be_made_up_names_those_that_can(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Q4_K_M") as refusal:
        dummy.ensure(TINY, quantization="Q4_K_M", cache=tmp_path, say=print)
    assert "Q4_0, Q8_0, F16" in str(refusal.value.hint)
