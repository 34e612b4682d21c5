"""This machine, as its own files describe it."""

from __future__ import annotations

import platform

import psutil
import pytest

from sagellm_benchmark.chips import VENDORS
from sagellm_benchmark.machine import host as module
from sagellm_benchmark.machine.host import environment, host, parse_cpuinfo

INTEL = """\
processor	: 0
vendor_id	: GenuineIntel
model name	: Intel(R) Xeon(R) Platinum 8358  CPU @ 2.60GHz
physical id	: 0

processor	: 1
vendor_id	: GenuineIntel
model name	: Intel(R) Xeon(R) Platinum 8358  CPU @ 2.60GHz
physical id	: 1
"""
KUNPENG = "processor\t: 0\nBogoMIPS\t: 200.00\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (INTEL, ("Intel", "Intel(R) Xeon(R) Platinum 8358 CPU @ 2.60GHz", 2)),
        ("vendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\n", ("AMD", "AMD EPYC", None)),
        ("vendor_id\t: HygonGenuine\nmodel name\t: Hygon C86\n", ("Other", "Hygon C86", None)),
        (KUNPENG, ("Huawei", None, None)),
        ("CPU implementer\t: 0x41\nModel\t\t: Raspberry Pi 5\n", ("Other", "Raspberry Pi 5", None)),
        ("", ("Unknown", None, None)),
    ],
)
def test_the_processor_is_what_the_system_says(
    text: str, expected: tuple[str, str | None, int | None]
) -> None:
    assert parse_cpuinfo(text) == expected


def test_this_machine_is_described() -> None:
    here = host()
    assert here.memory_bytes == psutil.virtual_memory().total
    assert here.python_version == platform.python_version()
    assert here.os.startswith(platform.system())
    assert here.cpu.threads == psutil.cpu_count()
    assert here.cpu.vendor in VENDORS


def test_the_environment_has_the_fields_of_the_contract() -> None:
    found = environment()
    assert set(found) == {
        "os",
        "python_version",
        "pytorch_version",
        "cuda_version",
        "cann_version",
        "driver_version",
    }
    assert found["os"]
    assert found["python_version"]


def test_of_a_server_elsewhere_no_driver_is_stated() -> None:
    found = environment(server_is_local=False)
    assert found["cuda_version"] is None
    assert found["driver_version"] is None


def test_a_setting_that_the_system_does_not_have_is_not_known() -> None:
    assert module._sysctl("no.such.setting") is None
