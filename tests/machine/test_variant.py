from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.machine.makers.amd import Amd
from sagellm_benchmark.machine.makers.ascend import Ascend
from sagellm_benchmark.machine.makers.nvidia import Nvidia
from sagellm_benchmark.machine.variant import variant
from tests.fakes.nvml import FakeGpu, Nvml


@pytest.mark.parametrize(
    ("device", "expected"), [("davinci_manager", "ascend"), ("kfd", "rocm"), ("null", "cpu")]
)
def test_a_machine_is_told_by_its_devices(device: str, expected: str, tmp_path: Path) -> None:
    devices = tmp_path / "dev"
    devices.mkdir()
    (devices / device).touch()
    assert variant((Ascend(devices=devices), Nvidia(Nvml()), Amd(tmp_path))) == expected


def test_a_gpu_that_its_driver_lists_takes_cuda(tmp_path: Path) -> None:
    assert variant((Ascend(devices=tmp_path), Nvidia(Nvml(FakeGpu())), Amd(tmp_path))) == "cuda"
