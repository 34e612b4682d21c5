"""GPUs through NVIDIA's library: what it says, and nothing where it does not."""

from __future__ import annotations

import pytest

from sagellm_benchmark.machine.accelerators import Reading, Versions
from sagellm_benchmark.machine.makers.nvidia import Nvidia, Nvml
from tests.fakes.nvml import FakeGpu
from tests.fakes.nvml import Nvml as Library


def test_without_a_driver_there_is_nothing() -> None:
    maker = Nvidia(Library(installed=False))
    assert not maker.present()
    with maker.opened() as driver:
        assert driver is None


def test_this_machines_own_library_can_be_asked() -> None:
    with Nvidia().opened() as driver:
        assert driver is None or isinstance(driver.chips(), list)


def test_a_driver_without_a_gpu_is_not_present() -> None:
    assert not Nvidia(Library()).present()
    assert Nvidia(Library(FakeGpu())).present()


def test_versions_are_the_drivers() -> None:
    library = Library()
    with Nvidia(library).opened() as driver:
        assert driver is not None
        assert driver.versions() == Versions(driver="570.124.06", cuda="12.8")
    assert library.open == 0


def test_a_gpu_is_described() -> None:
    found = Nvml(Library(FakeGpu(pids=[7]))).chips()[0]
    assert found.name == "NVIDIA H100 80GB HBM3"
    assert found.memory_bytes == 80 * 2**30
    assert found.bandwidth_bytes_per_s == pytest.approx(3.352e12, rel=1e-3)
    assert found.pids == {7}


def test_what_a_gpu_does_not_tell_is_not_known() -> None:
    found = Nvml(Library(FakeGpu(name=b"Tesla V100", memory=None, bus_bits=None))).chips()[0]
    assert found.name == "Tesla V100"
    assert found.memory_bytes is None
    assert found.bandwidth_bytes_per_s is None


@pytest.mark.parametrize(
    ("links", "path", "expected"),
    [
        ({0: 0, 1: 0}, 10, "NVLink"),
        ({3: 2}, None, "NVLink"),
        ({}, 10, "PCIe"),
        ({0: 255}, 10, "PCIe"),
        ({}, None, None),
    ],
)
def test_nvlink_is_named_only_where_it_is_live(
    links: dict[int, int], path: int | None, expected: str | None
) -> None:
    driver = Nvml(Library(FakeGpu(links=links, path=path), FakeGpu(links=links, path=path)))
    assert driver.linked(driver.chips()) == expected


def test_one_gpu_without_a_link_makes_it_pcie() -> None:
    driver = Nvml(Library(FakeGpu(links={0: 0}), FakeGpu()))
    assert driver.linked(driver.chips()) == "PCIe"


def test_a_reading_has_units_and_names() -> None:
    driver = Nvml(Library(FakeGpu(pids=[7], reasons=0x40 | 0x4, energy_mj=15_000)))
    assert driver.read(driver.chips()[0]) == Reading(
        energy_j=15.0,
        power_w=500.0,
        power_limit_w=700.0,
        clock_mhz=1980,
        capped=True,
        slowdowns=frozenset({"hardware thermal slowdown"}),
        pids=frozenset({7}),
    )


def test_a_gpu_that_tells_nothing_reads_as_nothing() -> None:
    silent = FakeGpu(energy_mj=None, power_mw=None, limit_mw=None, sm_mhz=None, reasons=None)
    driver = Nvml(Library(silent))
    assert driver.read(driver.chips()[0]) == Reading()
