from __future__ import annotations

import pytest

from sagellm_benchmark.engines.base import ModelFacts
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.verdict.physics import MAX_SPARSITY, active_bytes, step_floor_s

A100 = Hardware(chip_model="NVIDIA A100-SXM4-80GB", chip_count=1)


def test_14_gb_on_an_a100_take_7_ms_a_step() -> None:
    model = ModelFacts(name="Qwen/Qwen2-7B-Instruct", size_bytes=14 * 10**9)
    assert step_floor_s(model, A100) == pytest.approx(0.007, rel=0.05)


def test_eight_chips_read_eight_times_as_fast() -> None:
    model = ModelFacts(name="x", parameters="70B", precision="FP16")
    eight = Hardware(chip_model="A100", chip_count=8)
    assert step_floor_s(model, eight) == pytest.approx((step_floor_s(model, A100) or 0) / 8)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (ModelFacts(name="Qwen2-7B", size_bytes=100), 100),
        (ModelFacts(name="some-moe", size_bytes=3000), 3000 / MAX_SPARSITY),
        (ModelFacts(name="some-moe", parameters="30B-A3B", precision="BF16", size_bytes=60 * 10**9), 6e9),
        (ModelFacts(name="x", parameters="7B", precision="INT4"), 3.5e9),
        (ModelFacts(name="x", parameters="8x7B", precision="BF16"), None),
        (ModelFacts(name="Qwen2-7B"), None),
    ],
)
def test_a_step_reads_the_active_weights(model: ModelFacts, expected: float | None) -> None:
    assert active_bytes(model) == (None if expected is None else pytest.approx(expected))


def test_of_a_processor_nobody_states_a_bandwidth() -> None:
    assert step_floor_s(ModelFacts(name="Qwen2-7B", size_bytes=1), Hardware(chip_model="EPYC")) is None
