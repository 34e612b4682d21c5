"""AMD's driver, as a tree of small files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sagellm_benchmark.machine.accelerators import Chip, Reading, Versions
from sagellm_benchmark.machine.makers.amd import Amd

FILES = {
    "dev/kfd": "",
    "sys/module/amdgpu/version": "6.12.12\n",
    "sys/class/kfd/kfd/topology/nodes/0/gpu_id": "0\n",
    "sys/class/kfd/kfd/topology/nodes/0/properties": "cpu_cores_count 96\ndrm_render_minor 0\n",
    "sys/class/kfd/kfd/topology/nodes/1/gpu_id": "28851\n",
    "sys/class/kfd/kfd/topology/nodes/1/properties": "simd_count 1216\ndrm_render_minor 128\n",
    "sys/class/kfd/kfd/proc/4711/vram_28851": "206158430208\n",
    "sys/class/kfd/kfd/proc/4712/vram_28851": "0\n",
    "sys/class/drm/renderD128/device/product_name": "AMD Instinct MI300X OAM\n",
    "sys/class/drm/renderD128/device/mem_info_vram_total": "206141652992\n",
    "sys/class/drm/renderD128/device/hwmon/hwmon4/power1_average": "712000000\n",
    "sys/class/drm/renderD128/device/hwmon/hwmon4/power1_cap": "750000000\n",
    "sys/class/drm/renderD128/device/hwmon/hwmon4/energy1_input": "12500000\n",
    "sys/class/drm/renderD128/device/hwmon/hwmon4/freq1_input": "2100000000\n",
}


@pytest.fixture
def amd(tmp_path: Path) -> Amd:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Amd(tmp_path)


def test_a_chip_is_described_with_who_uses_it(amd: Amd) -> None:
    with amd.opened() as driver:
        assert driver is not None
        assert list(driver.chips()) == [
            Chip(
                "AMD Instinct MI300X OAM",
                memory_bytes=206_141_652_992,
                bandwidth_bytes_per_s=5.3e12,
                pids=frozenset({4711}),
            )
        ]
        assert driver.versions() == Versions(driver="6.12.12")
        assert driver.linked(driver.chips()) is None


def test_its_sensors_are_read_in_units(amd: Amd) -> None:
    with amd.opened() as driver:
        assert driver is not None
        assert driver.read(driver.chips()[0]) == Reading(
            energy_j=12.5, power_w=712.0, power_limit_w=750.0, clock_mhz=2100
        )


def test_what_a_driver_does_not_show_is_not_known(amd: Amd) -> None:
    device = amd.root / "sys/class/drm/renderD128/device"
    for path in (*device.glob("hwmon/*/*"), device / "product_name", device / "mem_info_vram_total"):
        path.unlink()
    with amd.opened() as driver:
        assert driver is not None
        (chip,) = driver.chips()
        assert chip == Chip("", pids=frozenset({4711}))
        assert driver.read(chip) == Reading()


def test_without_the_compute_driver_there_is_nothing(tmp_path: Path) -> None:
    assert not Amd(tmp_path).present()
    with Amd(tmp_path).opened() as driver:
        assert driver is None


def test_it_is_told_by_its_device(amd: Amd) -> None:
    assert amd.present()


@pytest.mark.parametrize(
    ("version", "at", "count", "expected"),
    [
        ((1, 3), 24, 1_000_000, 15.259),
        ((1, 5), 88, 1_000_000, 15.259),
        ((1, 6), 16, 1_000_000, 15.259),
        ((1, 8), 24, 2**64 - 1, None),
        ((2, 1), 24, 1_000_000, None),
    ],
)
def test_the_energy_of_a_data_center_gpu_is_in_its_table(
    amd: Amd, version: tuple[int, int], at: int, count: int, expected: float | None
) -> None:
    device = amd.root / "sys/class/drm/renderD128/device"
    (device / "hwmon/hwmon4/energy1_input").unlink()
    header = struct.pack("<HBB", 120, *version)
    (device / "gpu_metrics").write_bytes(header + b"\0" * (at - 4) + struct.pack("<Q", count) + b"\0" * 24)
    with amd.opened() as driver:
        assert driver is not None
        assert driver.read(driver.chips()[0]).energy_j == pytest.approx(expected)
