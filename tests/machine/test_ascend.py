"""`npu-smi info`, as the documentation of several driver versions shows it."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.machine.ascend import Npu, NpuInfo, npu_info, parse

TRAINING = """\
+------------------------------------------------------------------------------------------------+
| npu-smi 23.0.rc2                 Version: 23.0.rc2                                             |
+---------------------------+---------------+----------------------------------------------------+
| NPU   Name                | Health        | Power(W)    Temp(C)           Hugepages-Usage(page)|
| Chip                      | Bus-Id        | AICore(%)   Memory-Usage(MB)  HBM-Usage(MB)        |
+===========================+===============+====================================================+
| 0     910B3               | OK            | 93.6        40                0    / 0             |
| 0                         | 0000:C1:00.0  | 0           0    / 0          4152 / 65536         |
+===========================+===============+====================================================+
| 1     910B3               | OK            | 88.0        38                0    / 0             |
| 0                         | 0000:01:00.0  | 37          0    / 0          60012/ 65536         |
+===========================+===============+====================================================+
+---------------------------+---------------+----------------------------------------------------+
| NPU     Chip              | Process id    | Process name             | Process memory(MB)      |
+===========================+===============+====================================================+
| No running processes found in NPU 0                                                            |
+===========================+===============+====================================================+
| 1       0                 | 4711          | python3                  | 55908                   |
+===========================+===============+====================================================+
"""
INFERENCE = """\
+--------------------------------------------------------------------------------------------------------+
| npu-smi 24.1.0.1                                 Version: 24.1.0.1                                     |
+-------------------------------+-----------------+------------------------------------------------------+
| NPU     Name                  | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device                | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===============================+=================+======================================================+
| 4       310P3                 | OK              | NA           47                0     / 0             |
| 0       0                     | 0000:01:00.0    | 0            1543 / 21527                            |
+-------------------------------+-----------------+------------------------------------------------------+
| 4       310P3                 | OK              | NA           48                0     / 0             |
| 1       1                     | 0000:01:00.0    | 0            1690 / 21527                            |
+===============================+=================+======================================================+
"""


def test_a_training_card_is_read() -> None:
    assert parse(TRAINING) == NpuInfo(
        "23.0.rc2",
        (Npu("Ascend 910B3", 65536, "0000:C1:00.0"), Npu("Ascend 910B3", 65536, "0000:01:00.0")),
        ((1, 4711),),
    )


def test_a_card_with_two_chips_and_no_hbm_is_read() -> None:
    found = parse(INFERENCE)
    assert found.driver_version == "24.1.0.1"
    assert [(npu.name, npu.memory_mb) for npu in found.npus] == [("Ascend 310P3", 21527)] * 2
    assert found.processes == ()


@pytest.mark.parametrize("text", ["", "dcmi model initialized failed", "| a | b | c |\n|", TRAINING[:700]])
def test_other_text_lists_no_chip_that_is_not_there(text: str) -> None:
    assert len(parse(text).npus) <= 1


@given(st.text(st.sampled_from("|0 :.AB/\n")) | st.text())
def test_any_text_can_be_parsed(text: str) -> None:
    parse(text)


def test_a_machine_without_the_tool_has_no_npus() -> None:
    assert npu_info(("no-such-npu-smi",)) == NpuInfo()


def test_a_tool_that_fails_lists_nothing() -> None:
    assert npu_info((sys.executable, "-c", "import sys; sys.exit(3)")) == NpuInfo()


def test_what_the_tool_prints_is_read() -> None:
    assert len(npu_info((sys.executable, "-c", f"print({TRAINING!r})")).npus) == 2
