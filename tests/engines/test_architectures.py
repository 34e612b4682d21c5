from __future__ import annotations

import pytest

from sagellm_benchmark.engines import architectures, dummy

# As the makers' model cards and safetensors indexes count them.
PUBLISHED = {
    "Qwen2-0.5B": 494_032_768,
    "Qwen2-1.5B": 1_543_714_304,
    "Qwen2-7B": 7_615_616_512,
    "Qwen2.5-3B": 3_085_938_688,
    "Qwen2.5-14B": 14_770_033_664,
    "Qwen2.5-32B": 32_763_876_352,
    "Qwen2.5-72B": 72_706_203_648,
    "Qwen3-0.6B": 596_049_920,
    "Qwen3-4B": 4_022_468_096,
    "Qwen3-8B": 8_190_735_360,
    "Qwen3-32B": 32_762_123_264,
    "Llama-2-7B": 6_738_415_616,
    "Llama-3.1-8B": 8_030_261_248,
    "Llama-3.3-70B": 70_553_706_496,
    "Llama-3.2-1B": 1_235_814_400,
    "Llama-3.2-3B": 3_212_749_824,
    "Mistral-7B": 7_241_732_096,
    "Mistral-7B-v0.3": 7_248_023_552,
    "TinyLlama-1.1B": 1_100_048_384,
    "SmolLM2-135M": 134_515_008,
    "SmolLM2-360M": 361_821_120,
    "SmolLM2-1.7B": 1_711_376_384,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_shape_has_as_many_parameters_as_its_makers_say(name: str) -> None:
    architecture = architectures.find(name)
    assert architecture is not None
    assert dummy.parameters(architecture) == PUBLISHED[name]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Qwen/Qwen2-7B-Instruct", "Qwen2-7B"),
        ("qwen2_7b", "Qwen2-7B"),
        ("QWEN-2-7B", "Qwen2-7B"),
        ("qwen2.5:14b", "Qwen2.5-14B"),
        ("Qwen/Qwen3-4B-Base", "Qwen3-4B"),
        ("Qwen/Qwen2-7B-Instruct-GGUF", "Qwen2-7B"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "Llama-3-8B"),
        ("llama3.1-8b", "Llama-3.1-8B"),
        ("meta-llama/Llama-2-13b-chat-hf", "Llama-2-13B"),
        ("mistralai/Mistral-7B-Instruct-v0.2", "Mistral-7B"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "Mistral-7B-v0.3"),
        ("TinyLlama/TinyLlama-1.1B-Chat-v1.0", "TinyLlama-1.1B"),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "SmolLM2-135M"),
    ],
)
def test_a_name_is_understood_as_people_write_it(said: str, meant: str) -> None:
    found = architectures.find(said)
    assert found is not None
    assert found.name == meant


@pytest.mark.parametrize("name", ["Qwen2-9B", "Qwen2-7B-Coder", "", "/", "gpt-4", "Mistral-7B-v0.4"])
def test_another_model_is_not_mistaken_for_a_known_one(name: str) -> None:
    assert architectures.find(name) is None


def test_a_slip_of_the_pen_finds_what_was_meant() -> None:
    assert "Qwen2-7B" in architectures.similar("Qwen2-8B")


def test_every_shape_fits_the_blocks_that_weights_are_stored_in() -> None:
    for architecture in architectures.TABLE:
        for part in dummy.parts(architecture):
            assert len(part.shape) == 1 or part.shape[1] % 32 == 0, (architecture.name, part)
