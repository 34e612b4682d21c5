"""The processors' energy counters, on a made-up /sys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sagellm_benchmark.machine.makers.amd import Amd
from sagellm_benchmark.machine.makers.rapl import Rapl
from sagellm_benchmark.machine.watch import GpuWatch


def package(root: Path, number: int, energy_uj: int, limit_uj: int = 1_000_000) -> Path:
    folder = root / "sys/class/powercap" / f"intel-rapl:{number}"
    for path, name in ((folder, f"package-{number}"), (folder.with_name(f"{folder.name}:0"), "core")):
        path.mkdir(parents=True)
        (path / "name").write_text(f"{name}\n")
        (path / "energy_uj").write_text(f"{energy_uj}\n")
        (path / "max_energy_range_uj").write_text(f"{limit_uj}\n")
    return folder


def test_packages_add_up_and_their_parts_are_left_out(tmp_path: Path) -> None:
    first, second = (package(tmp_path, number, 100_000) for number in (0, 1))
    with GpuWatch([os.getpid()], makers=(), processors=Rapl(tmp_path)) as watch:
        (first / "energy_uj").write_text("600000\n")
        (second / "energy_uj").write_text("400000\n")
    found = watch.figures()
    assert found.energy_j == pytest.approx(0.8)
    assert found.energy_source == "RAPL"
    assert found.other_processes == ()


def test_a_counter_that_begins_anew_goes_on(tmp_path: Path) -> None:
    folder = package(tmp_path, 0, 900_000)
    with Rapl(tmp_path).opened() as driver:
        assert driver is not None
        (chip,) = driver.chips()
        assert driver.read(chip).energy_j == pytest.approx(0.9)
        (folder / "energy_uj").write_text("100000\n")
        assert driver.read(chip).energy_j == pytest.approx(1.1)
        (folder / "max_energy_range_uj").unlink()
        (folder / "energy_uj").write_text("1\n")
        assert driver.read(chip).energy_j is None


def test_a_machine_without_readable_counters_has_none(tmp_path: Path) -> None:
    assert not Rapl(tmp_path).present()
    (package(tmp_path, 0, 1) / "energy_uj").unlink()
    assert not Rapl(tmp_path).present()
    with GpuWatch([os.getpid()], makers=(), processors=Rapl(tmp_path)) as watch:
        pass
    assert watch.figures().energy_j is None


def test_the_processors_are_not_asked_where_an_accelerator_may_do_the_work(tmp_path: Path) -> None:
    package(tmp_path, 0, 100)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/kfd").touch()
    with GpuWatch([os.getpid()], makers=[Amd(tmp_path)], processors=Rapl(tmp_path)) as watch:
        pass
    assert watch.figures().energy_j is None
