"""What is known of weights that a server only names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.engines.base import ModelFacts
from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.engines.known.transformers import TRANSFORMERS
from sagellm_benchmark.engines.known.vllm import VLLM
from sagellm_benchmark.engines.model_files import facts
from tests.fakes.openai_server import Script, serving
from tests.fakes.tiny_model import write_tiny


def folder(place: Path, config: dict[str, Any], *tensors: list[int]) -> Path:
    """A model's folder with one file for each tensor, whose numbers are left out."""
    (place / "config.json").write_text(json.dumps(config))
    for number, shape in enumerate(tensors):
        header = json.dumps(
            {"__metadata__": {"format": "pt"}, "w": {"dtype": "F32", "shape": shape}}
        ).encode()
        file = place / f"model-{number}.safetensors"
        file.write_bytes(len(header).to_bytes(8, "little") + header)
    return place


def test_the_weights_of_a_folder_are_counted_over_all_its_files(tmp_path: Path) -> None:
    place = folder(tmp_path, {"model_type": "llama"}, [49152, 576], [1000, 1000], [7])
    assert facts("m", str(place)) == ModelFacts("m", parameters="29M")


@pytest.mark.parametrize(
    ("config", "precision"),
    [
        ({"dtype": "bfloat16"}, "BF16"),
        ({"torch_dtype": "float32"}, "FP32"),  # as it was called
        ({}, None),
        ({"dtype": ["float32"]}, None),
        ({"dtype": "float32", "quantization_config": {"quant_method": "awq"}}, None),
    ],
)
def test_the_precision_of_weights_that_are_computed_as_stored_is_their_configs(
    tmp_path: Path, config: dict[str, Any], precision: str | None
) -> None:
    place = str(folder(tmp_path, config, [1000, 1000]))
    assert facts("m", place, lambda stated: stated).precision == precision
    assert facts("m", place).precision is None


@pytest.mark.parametrize(
    ("words", "stored", "found"),
    [
        ("transformers serve /models/m --port 1", "FP32", "FP32"),
        ("transformers serve /models/m --dtype auto", "BF16", "BF16"),
        ("transformers serve /models/m --dtype=auto", None, None),
        ("transformers serve /models/m --dtype float16", "FP32", "FP16"),
        ("transformers serve --dtype=bfloat16 /models/m", None, "BF16"),
        ("transformers serve --dtype=bfloat16 /models/m --dtype float16", "FP32", None),
        ("transformers serve /models/m --quantization bnb-4bit", "FP32", None),
        ("python server.py", "FP32", None),
        ("", "FP32", None),
    ],
)
def test_transformers_computes_as_stored_unless_its_command_says_otherwise(
    words: str, stored: str | None, found: str | None
) -> None:
    assert TRANSFORMERS.precision(words.split(), stored) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("vllm serve m --dtype bfloat16", "BF16"),
        ("vllm serve m --dtype=half", "FP16"),
        ("vllm serve m --dtype auto", None),
        ("vllm serve m", None),
        ("vllm serve m --dtype half --quantization fp8", None),
        ("vllm serve m --dtype half -q fp8", None),
        ("vllm serve m --dtype half --dtype bfloat16", None),
    ],
)
def test_the_precision_of_a_vllm_that_runs_already_is_known_where_its_command_states_it(
    words: str, found: str | None
) -> None:
    assert VLLM.precision(words.split(), "FP32") == found


def test_packed_weights_are_not_counted(tmp_path: Path) -> None:
    place = folder(tmp_path, {"quantization_config": {"quant_method": "awq"}}, [1000, 1000])
    assert facts("m", str(place)) == ModelFacts("m")


def test_a_gguf_file_says_what_it_holds(tmp_path: Path) -> None:
    found = facts("m", str(write_tiny(tmp_path).path))
    assert found.parameters is not None
    assert found.precision is not None
    assert found.size_bytes is not None


@pytest.mark.parametrize("place", [None, "", "models/m", "/no/such/folder", "\0", "/etc/passwd"])
def test_of_any_other_place_nothing_is_known(place: str | None) -> None:
    assert facts("m", place) == ModelFacts("m")


def test_a_shape_with_more_numbers_than_there_can_be_is_not_counted(tmp_path: Path) -> None:
    assert facts("m", str(folder(tmp_path, {}, [2**62] * 20))) == ModelFacts("m")


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{"])
def test_damaged_weights_are_not_counted(tmp_path: Path, content: bytes) -> None:
    (folder(tmp_path, {}) / "model.safetensors").write_bytes(content)
    assert facts("m", str(tmp_path)) == ModelFacts("m")


def test_a_server_of_this_machine_is_told_by_the_folder_that_it_names(tmp_path: Path) -> None:
    place = folder(tmp_path, {}, [1000, 7000])
    script = Script(owned_by="sagellm", info=True, local_folder=str(place))
    with serving(script) as server, Endpoint(server.base_url).open() as found:
        assert (found.model.parameters, found.model.precision) == ("7M", "FP32")
    with serving(script) as server, Endpoint(server.base_url, parameters="8M").open() as found:
        assert found.model.parameters == "8M"
