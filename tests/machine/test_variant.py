from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.machine.variant import variant
from tests.fakes.nvml import Nvml


@pytest.mark.parametrize(
    ("device", "expected"), [("davinci_manager", "ascend"), ("kfd", "rocm"), ("null", "cpu")]
)
def test_a_machine_is_told_by_its_devices(device: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / device).touch()
    assert variant(tmp_path, Nvml()) == expected
