"""`npu-smi info`, as the documentation of several driver versions shows it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.machine.accelerators import Chip, Reading, Versions
from sagellm_benchmark.machine.makers.ascend import Ascend, Listing, parse

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


def test_a_training_card_is_read_with_who_uses_it() -> None:
    assert parse(TRAINING) == Listing(
        driver="23.0.rc2",
        listed=(
            Chip("Ascend 910B3", 65536 * 2**20),
            Chip("Ascend 910B3", 65536 * 2**20, pids=frozenset({4711})),
        ),
    )


def test_a_card_with_two_chips_and_no_hbm_is_read() -> None:
    found = parse(INFERENCE)
    assert found.versions() == Versions(driver="24.1.0.1")
    assert list(found.chips()) == [Chip("Ascend 310P3", 21527 * 2**20)] * 2


@pytest.mark.parametrize("text", ["", "dcmi model initialized failed", "| a | b | c |\n|", TRAINING[:700]])
def test_other_text_lists_no_chip_that_is_not_there(text: str) -> None:
    assert len(parse(text).listed) <= 1


@given(st.text(st.sampled_from("|0 :.AB/\n")) | st.text())
def test_any_text_can_be_parsed(text: str) -> None:
    parse(text)


def test_a_machine_without_the_tool_has_no_driver() -> None:
    with Ascend(("no-such-npu-smi",)).opened() as driver:
        assert driver is None


@pytest.mark.slow
def test_a_tool_that_fails_is_no_driver() -> None:
    with Ascend((sys.executable, "-c", "import sys; sys.exit(3)")).opened() as driver:
        assert driver is None


@pytest.mark.slow
def test_what_the_tool_prints_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "aarch64-linux"
    folder.mkdir()
    (folder / "ascend_toolkit_install.info").write_text("package_name=Ascend-cann-toolkit\nversion=8.0.RC2\n")
    with Ascend((sys.executable, "-c", f"print({TRAINING!r})"), toolkit=tmp_path).opened() as driver:
        assert driver is not None
        assert len(driver.chips()) == 2
        assert driver.versions() == Versions(driver="23.0.rc2", cann="8.0.RC2")


def test_what_would_cost_too_much_to_read_is_not_read() -> None:
    listing = parse(TRAINING)
    assert listing.read(listing.listed[0]) == Reading()
    assert listing.linked(listing.listed) is None


def test_it_is_told_by_its_device(tmp_path: Path) -> None:
    assert not Ascend(devices=tmp_path).present()
    (tmp_path / "davinci_manager").touch()
    assert Ascend(devices=tmp_path).present()
