"""GPUs through NVIDIA's library: what it says, and nothing where it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from sagellm_benchmark.machine.nvidia import (
    GpuFigures,
    GpuWatch,
    Versions,
    family,
    gpus,
    linked,
    opened,
    used_by,
    versions,
)
from tests.fakes.nvml import FakeGpu, Nvml

OURS = os.getpid()


def test_without_a_driver_there_is_nothing() -> None:
    nvml = Nvml(installed=False)
    assert versions(nvml) == Versions()
    with opened(nvml) as library:
        assert library is None
    with GpuWatch(OURS, nvml=nvml) as watch:
        pass
    assert watch.figures() == GpuFigures()


def test_this_machines_own_library_can_be_asked() -> None:
    with opened() as library:
        assert library is None or isinstance(gpus(library), list)


def test_versions_are_the_drivers() -> None:
    nvml = Nvml()
    assert versions(nvml) == Versions(driver="570.124.06", cuda="12.8")
    assert nvml.open == 0


def test_a_gpu_is_described() -> None:
    found = gpus(Nvml(FakeGpu(pids=[7])))[0]
    assert found.name == "NVIDIA H100 80GB HBM3"
    assert found.memory_bytes == 80 * 2**30
    assert found.bandwidth_bytes_per_s == pytest.approx(3.352e12, rel=1e-3)
    assert found.pids == {7}


def test_what_a_gpu_does_not_tell_is_not_known() -> None:
    found = gpus(Nvml(FakeGpu(name=b"Tesla V100", memory=None, bus_bits=None)))[0]
    assert found.name == "Tesla V100"
    assert found.memory_bytes is None
    assert found.bandwidth_bytes_per_s is None


def test_the_gpus_of_a_process_are_those_of_its_children_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as child:
        listed = gpus(Nvml(FakeGpu(pids=[child.pid]), FakeGpu(pids=[1]), FakeGpu()))
        assert used_by(OURS, listed) == [listed[0]]
        assert child.stdin is not None
        child.stdin.close()


def test_a_process_that_is_gone_has_no_family() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert family(child.pid) == frozenset()


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
    nvml = Nvml(FakeGpu(links=links, path=path), FakeGpu(links=links, path=path))
    assert linked(nvml, gpus(nvml)) == expected


def test_one_gpu_without_a_link_makes_it_pcie() -> None:
    nvml = Nvml(FakeGpu(links={0: 0}), FakeGpu())
    assert linked(nvml, gpus(nvml)) == "PCIe"


def test_a_watch_measures_the_gpus_of_its_process() -> None:
    readings = threading.Semaphore(0)

    def work(gpu: FakeGpu) -> None:
        assert gpu.energy_mj is not None
        gpu.energy_mj += 5000
        readings.release()

    gpu = FakeGpu(pids=[OURS, 99_999_999], reasons=0x40 | 0x4, step=work)
    other = FakeGpu(pids=[1], power_mw=1)
    with GpuWatch(OURS, nvml=Nvml(gpu, other), interval_s=0.001) as watch:
        for _ in range(3):
            assert readings.acquire(timeout=10)
    found = watch.figures()
    assert found.energy_j is not None
    assert found.energy_j >= 15
    assert found.power_w == 500
    assert found.power_limit_w == 700
    assert found.sm_clock_min_mhz == 1980
    assert found.throttled == ("hardware thermal slowdown",)
    assert found.power_capped_share == 1
    assert found.other_processes == (99_999_999,)


def test_several_gpus_add_up_where_all_of_them_tell() -> None:
    nvml = Nvml(FakeGpu(pids=[OURS], sm_mhz=1500), FakeGpu(pids=[OURS], energy_mj=None))
    with GpuWatch(OURS, nvml=nvml) as watch:
        pass
    found = watch.figures()
    assert found.power_w == 1000
    assert found.energy_j is None
    assert found.sm_clock_min_mhz == 1500


def test_a_gpu_that_tells_nothing_gives_nothing() -> None:
    silent = FakeGpu(pids=[OURS], energy_mj=None, power_mw=None, limit_mw=None, sm_mhz=None, reasons=None)
    with GpuWatch(OURS, nvml=Nvml(silent)) as watch:
        pass
    assert watch.figures() == GpuFigures()


@pytest.mark.parametrize("pid", [None, 99_999_999])
def test_a_process_without_a_gpu_has_no_figures(pid: int | None) -> None:
    nvml = Nvml(FakeGpu(pids=[OURS]))
    with GpuWatch(pid, nvml=nvml) as watch:
        pass
    assert watch.figures() == GpuFigures()
    assert nvml.open == 0
