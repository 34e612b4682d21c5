"""Watching the chips of a process while it works."""

from __future__ import annotations

import os
import threading

import pytest

from sagellm_benchmark.machine.accelerators import GpuFigures
from sagellm_benchmark.machine.makers.nvidia import Nvidia
from sagellm_benchmark.machine.watch import GpuWatch
from tests.fakes.nvml import FakeGpu, Nvml

OURS = os.getpid()


def test_a_watch_measures_the_gpus_of_its_process() -> None:
    readings = threading.Semaphore(0)

    def work(gpu: FakeGpu) -> None:
        assert gpu.energy_mj is not None
        gpu.energy_mj += 5000
        readings.release()

    gpu = FakeGpu(pids=[OURS, 99_999_999], reasons=0x40 | 0x4, step=work)
    other = FakeGpu(pids=[1], power_mw=1)
    with GpuWatch([OURS], makers=[Nvidia(Nvml(gpu, other))], interval_s=0.001) as watch:
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
    with GpuWatch([OURS], makers=[Nvidia(nvml)]) as watch:
        pass
    found = watch.figures()
    assert found.power_w == 1000
    assert found.energy_j is None
    assert found.sm_clock_min_mhz == 1500


def test_power_and_the_slowest_clock_are_kept_over_time() -> None:
    nvml = Nvml(FakeGpu(pids=[OURS], sm_mhz=1500), FakeGpu(pids=[OURS], power_mw=100_000))
    with GpuWatch([OURS], makers=[Nvidia(nvml)]) as watch:
        pass
    power, clock = watch.readings()
    assert (power.name, power.values) == ("power_w", (600.0, 600.0))
    assert (clock.name, clock.values) == ("clock_mhz", (1500.0, 1500.0))
    assert power.at_s == clock.at_s == tuple(sorted(power.at_s))


def test_a_gpu_that_tells_nothing_gives_nothing() -> None:
    silent = FakeGpu(pids=[OURS], energy_mj=None, power_mw=None, limit_mw=None, sm_mhz=None, reasons=None)
    with GpuWatch([OURS], makers=[Nvidia(Nvml(silent))]) as watch:
        pass
    assert watch.figures() == GpuFigures()
    assert watch.readings() == ()


@pytest.mark.parametrize("pids", [(), (99_999_999,)])
def test_a_process_without_a_gpu_has_no_figures(pids: tuple[int, ...]) -> None:
    nvml = Nvml(FakeGpu(pids=[OURS]))
    with GpuWatch(pids, makers=[Nvidia(nvml)]) as watch:
        pass
    assert watch.figures() == GpuFigures()
    assert nvml.open == 0


def test_a_machine_without_a_driver_has_no_figures() -> None:
    with GpuWatch([OURS], makers=[Nvidia(Nvml(installed=False))]) as watch:
        pass
    assert watch.figures() == GpuFigures()


def test_a_watch_that_is_entered_again_leaves_out_what_was_between() -> None:
    gpu = FakeGpu(pids=[OURS], energy_mj=1000, sm_mhz=1500)
    watch = GpuWatch([OURS], makers=[Nvidia(Nvml(gpu))])
    for grown_mj in (2000, 3000):
        with watch:
            gpu.energy_mj = (gpu.energy_mj or 0) + grown_mj
        gpu.energy_mj += 50_000
    found = watch.figures()
    assert (found.energy_j, found.energy_source) == (5.0, "NVIDIA")
    assert found.power_w == pytest.approx(500)
    assert found.sm_clock_min_mhz == 1500
