"""The hardware behind a server: seen, stated, or not known."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.chips import Vendor
from sagellm_benchmark.engines.base import ModelFacts, Server
from sagellm_benchmark.engines.registry import UNKNOWN
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.machine import hardware
from sagellm_benchmark.machine.accelerators import Chip, Reading, Variant, Versions
from sagellm_benchmark.machine.hardware import Hardware, behind, read
from sagellm_benchmark.machine.host import driver_versions
from sagellm_benchmark.machine.makers.ascend import Ascend
from sagellm_benchmark.machine.makers.nvidia import Nvidia
from sagellm_benchmark.machine.watch import GpuWatch
from tests.fakes.nvml import FakeGpu, Nvml

FILE = """\
[hardware]
vendor = "NVIDIA"
chip_model = "NVIDIA H100 80GB HBM3"
chip_count = 16
chips_per_node = 8
interconnect = "NVLink"
memory_per_chip_gb = 80
memory_bandwidth_gb_s = 3350.0

[cluster]
node_count = 2
comm_backend = "NCCL"
topology_type = "fat-tree"
inter_node_network = "InfiniBand"
network_bandwidth_gbps = 400
tensor_parallel = 8
pipeline_parallel = 2
"""


def server(*, local: bool, pids: tuple[int, ...] = ()) -> Server:
    return Server("http://h", "m", UNKNOWN, None, ModelFacts("m"), local=local, pids=pids)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.toml"
    path.write_text(FILE)
    return path


def test_of_a_server_elsewhere_nothing_is_known() -> None:
    assert behind((), here=False).hardware == Hardware()


def test_of_a_local_server_whose_process_is_hidden_nothing_is_known() -> None:
    assert behind((), here=True).hardware == Hardware()


def test_our_own_child_runs_on_the_processor() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as child:
        found = behind([child.pid], here=True).hardware
        assert child.stdin is not None
        child.stdin.close()
    assert found == hardware.of_cpu()
    assert found.node_count == 1
    assert found.chip_count is not None
    assert found.chip_count >= 1
    assert found.total_memory_gb is not None
    assert found.memory_bytes_per_s is None


def test_a_file_states_everything(toml: Path) -> None:
    found = read(toml)
    assert behind((), here=False, stated=found).hardware == found
    assert found.chip_count == 16
    assert found.node_count == 2
    assert found.tensor_parallel == 8
    assert found.memory_per_chip_gb == 80.0
    assert found.memory_bytes_per_s == pytest.approx(16 * 3.35e12)


def test_the_users_word_goes_before_the_servers() -> None:
    stated, told = Hardware(tensor_parallel=2), Hardware(tensor_parallel=4, pipeline_parallel=8)
    found = behind((), here=False, stated=stated, told=told).hardware
    assert (found.tensor_parallel, found.pipeline_parallel) == (2, 8)


EIGHT_A100 = Hardware(vendor="NVIDIA", chip_model="A100", chip_count=8, memory_per_chip_gb=80.0)


def test_stated_chips_replace_all_that_was_seen_of_a_gateway_on_this_machine() -> None:
    found = behind([os.getppid()], here=True, stated=EIGHT_A100)
    assert found.hardware == EIGHT_A100
    assert not found.here


def test_stated_chips_replace_what_was_seen_of_a_process_that_is_gone() -> None:
    assert not behind([99_999_999], here=True, stated=EIGHT_A100).here


def test_what_is_only_added_leaves_the_server_here() -> None:
    assert behind([os.getppid()], here=True, stated=Hardware(interconnect="NVLink")).here


def test_what_agrees_with_what_was_seen_completes_it() -> None:
    seen = of_gpus(FakeGpu(), FakeGpu())
    assert seen.confirms(Hardware(chip_model="H100", memory_per_chip_gb=79.0, interconnect="NVLink"))


@pytest.mark.parametrize(
    "stated",
    [
        Hardware(chip_count=8),
        Hardware(vendor="AMD"),
        Hardware(chip_model="A100"),
        Hardware(memory_per_chip_gb=40.0),
    ],
)
def test_one_field_that_is_another_makes_them_other_chips(stated: Hardware) -> None:
    assert not of_gpus(FakeGpu(), FakeGpu()).confirms(stated)


def test_of_chips_that_nobody_saw_nothing_is_confirmed() -> None:
    assert not Hardware().confirms(EIGHT_A100)


def test_fields_may_stand_without_tables(tmp_path: Path) -> None:
    path = tmp_path / "h.toml"
    path.write_text('vendor = "Huawei"\nchip_count = 1\n')
    assert read(path) == Hardware(vendor="Huawei", chip_count=1)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ('vendor = "Nvidia"', ["vendor", "'Nvidia'", "NVIDIA"]),
        ("vendor = 7", ["vendor", "one of"]),
        ("chip_count = 0", ["chip_count", "from 1 on"]),
        ("chip_count = true", ["chip_count", "True"]),
        ("chip_count = 1.5", ["chip_count", "whole number"]),
        ('chip_model = ""', ["chip_model", "1 to 120"]),
        ('chip_model = "a\\u0007b"', ["chip_model", "printable"]),
        ("chip_model = 'x'".replace("x", "y" * 200), ["chip_model", "120"]),
        ("memory_per_chip_gb = nan", ["memory_per_chip_gb", "above 0"]),
        ("memory_per_chip_gb = -1", ["memory_per_chip_gb", "-1"]),
        ("memory_per_chip_gb = inf", ["memory_per_chip_gb", "inf"]),
        ("chips = 3", ["'chips'", "chip_count"]),
        ("hardware = 3", ["'hardware'"]),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(tmp_path: Path, line: str, parts: list[str]) -> None:
    path = tmp_path / "h.toml"
    path.write_text(line)
    with pytest.raises(DataError) as caught:
        read(path)
    said = f"{caught.value.message} {caught.value.hint}"
    assert "h.toml" in said
    assert [part for part in parts if part not in said] == []


@pytest.mark.parametrize("content", [b"vendor = ", b"\xff\xfe", b"a = 1\n" * 20_000])
def test_a_file_that_is_no_description_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "h.toml"
    path.write_bytes(content)
    with pytest.raises(DataError):
        read(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.toml"):
        read(tmp_path / "none.toml")


def of_gpus(*fakes: FakeGpu) -> Hardware:
    for fake in fakes:
        fake.pids = [os.getpid()]
    return hardware.local([os.getpid()], [Nvidia(Nvml(*fakes))])


def test_one_gpu_has_nothing_to_be_linked_with() -> None:
    found = of_gpus(FakeGpu())
    assert found.vendor == "NVIDIA"
    assert found.chip_model == "NVIDIA H100 80GB HBM3"
    assert found.chip_count == 1
    assert found.interconnect == "None"
    assert found.memory_per_chip_gb == 80.0
    assert found.memory_bytes_per_s == pytest.approx(3.352e12, rel=1e-3)


def test_two_gpus_are_not_taken_to_have_nvlink() -> None:
    assert of_gpus(FakeGpu(), FakeGpu()).interconnect == "PCIe"
    assert of_gpus(FakeGpu(path=None), FakeGpu()).interconnect is None


def test_unlike_gpus_leave_model_and_memory_open() -> None:
    found = of_gpus(FakeGpu(), FakeGpu(name="NVIDIA A100", memory=40 * 2**30, memory_mhz=None))
    assert found.chip_count == 2
    assert (found.chip_model, found.memory_per_chip_gb, found.memory_bandwidth_gb_s) == (None, None, None)


def test_the_gpus_that_a_process_uses_are_its_hardware() -> None:
    found = hardware.local([os.getpid()], [Nvidia(Nvml(FakeGpu(), FakeGpu(pids=[os.getpid()])))])
    assert (found.vendor, found.chip_count) == ("NVIDIA", 1)


def test_gpus_that_may_be_used_under_another_pid_leave_the_hardware_open() -> None:
    assert hardware.local([os.getppid()], [Nvidia(Nvml(FakeGpu()))]) == Hardware()


def test_a_process_that_is_gone_beside_gpus_leaves_the_hardware_open() -> None:
    assert hardware.local([99_999_999], [Nvidia(Nvml(FakeGpu()))]) == Hardware()


def test_chips_that_are_there_but_cannot_be_listed_leave_the_hardware_open(tmp_path: Path) -> None:
    (tmp_path / "davinci_manager").touch()
    assert hardware.local([os.getppid()], [Ascend(("no-such-tool",), devices=tmp_path)]) == Hardware()


@dataclass(frozen=True)
class Abacus:
    """A maker of its own: the drill of docs/extending.md."""

    pid: int
    name: str = "Abacus"
    vendor: Vendor = "Other"
    variant: Variant = "cpu"

    def present(self) -> bool:
        return True

    @contextmanager
    def opened(self) -> Iterator[Beads]:
        yield Beads(self.pid)


@dataclass(frozen=True)
class Beads:
    pid: int

    def chips(self) -> list[Chip]:
        return [Chip("Abacus 3", memory_bytes=4 * 2**30, pids=frozenset({self.pid}))] * 2

    def linked(self, used: Sequence[Chip]) -> str:
        return "wire"

    def versions(self) -> Versions:
        return Versions(driver="1.0")

    def read(self, chip: Chip) -> Reading:
        return Reading(power_w=2.5)


def test_a_maker_that_is_added_is_seen_described_and_watched() -> None:
    makers = [Abacus(os.getpid())]
    assert hardware.local([os.getpid()], makers) == Hardware(
        vendor="Other",
        chip_model="Abacus 3",
        chip_count=2,
        node_count=1,
        chips_per_node=2,
        interconnect="wire",
        intra_node_interconnect="wire",
        memory_per_chip_gb=4.0,
        total_memory_gb=8.0,
    )
    assert driver_versions(makers).driver == "1.0"
    with GpuWatch([os.getpid()], makers=makers) as watch:
        pass
    assert watch.figures().power_w == 5.0


def test_what_is_recorded_has_only_plain_values(toml: Path) -> None:
    values: list[Any] = list(asdict(read(toml)).values())
    assert {type(value) for value in values} <= {str, int, float, type(None)}
