"""The part of NVIDIA's library that we ask, with GPUs of our own making."""

# ruff: noqa: N802, N815 - the names are the library's

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


class NvmlError(Exception):
    """What the library raises for everything it cannot do."""


@dataclass
class FakeGpu:
    """One GPU. What is None is not supported. `step` is called at each reading of the power."""

    name: str | bytes = "NVIDIA H100 80GB HBM3"
    memory: int | None = 80 * 2**30
    bus_bits: int | None = 5120
    memory_mhz: int | None = 2619
    pids: list[int] = field(default_factory=list)
    energy_mj: int | None = 1000
    power_mw: int | None = 500_000
    limit_mw: int | None = 700_000
    sm_mhz: int | None = 1980
    reasons: int | None = 0
    links: dict[int, int] = field(default_factory=dict)  # live links: the kind of device at the other end
    path: int | None = 10
    step: Callable[[FakeGpu], None] | None = None


class Nvml:
    """Has the names and the manners of `pynvml`."""

    NVMLError = NvmlError
    NVML_CLOCK_MEM, NVML_CLOCK_SM = 2, 1
    NVML_FEATURE_ENABLED = 1
    NVML_NVLINK_DEVICE_TYPE_GPU, NVML_NVLINK_DEVICE_TYPE_SWITCH = 0, 2
    NVML_NVLINK_MAX_LINKS = 4
    nvmlClocksEventReasonSwPowerCap = 0x4
    nvmlClocksEventReasonHwSlowdown = 0x8
    nvmlClocksEventReasonSwThermalSlowdown = 0x20
    nvmlClocksEventReasonHwThermalSlowdown = 0x40
    nvmlClocksEventReasonHwPowerBrakeSlowdown = 0x80

    def __init__(self, *gpus: FakeGpu, installed: bool = True) -> None:
        self.gpus = gpus
        self.installed = installed
        self.open = 0

    def nvmlInit(self) -> None:
        if not self.installed:
            raise NvmlError
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> str:
        return "570.124.06"

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:
        return 12080

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:
        return self.gpus[index]

    def nvmlDeviceGetName(self, gpu: FakeGpu) -> str | bytes:
        return gpu.name

    def nvmlDeviceGetMemoryInfo(self, gpu: FakeGpu) -> Any:
        return SimpleNamespace(total=_known(gpu.memory))

    def nvmlDeviceGetMemoryBusWidth(self, gpu: FakeGpu) -> int:
        return _known(gpu.bus_bits)

    def nvmlDeviceGetMaxClockInfo(self, gpu: FakeGpu, clock: int) -> int:
        assert clock == self.NVML_CLOCK_MEM
        return _known(gpu.memory_mhz)

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: FakeGpu) -> list[Any]:
        return [SimpleNamespace(pid=pid) for pid in gpu.pids]

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: FakeGpu) -> int:
        return _known(gpu.energy_mj)

    def nvmlDeviceGetPowerUsage(self, gpu: FakeGpu) -> int:
        if gpu.step is not None:
            gpu.step(gpu)
        return _known(gpu.power_mw)

    def nvmlDeviceGetEnforcedPowerLimit(self, gpu: FakeGpu) -> int:
        return _known(gpu.limit_mw)

    def nvmlDeviceGetClockInfo(self, gpu: FakeGpu, clock: int) -> int:
        assert clock == self.NVML_CLOCK_SM
        return _known(gpu.sm_mhz)

    def nvmlDeviceGetCurrentClocksEventReasons(self, gpu: FakeGpu) -> int:
        return _known(gpu.reasons)

    def nvmlDeviceGetNvLinkState(self, gpu: FakeGpu, link: int) -> int:
        return int(link in gpu.links)

    def nvmlDeviceGetNvLinkRemoteDeviceType(self, gpu: FakeGpu, link: int) -> int:
        return gpu.links[link]

    def nvmlDeviceGetTopologyCommonAncestor(self, gpu: FakeGpu, other: FakeGpu) -> int:
        return _known(gpu.path)


def _known(value: int | None) -> int:
    if value is None:
        raise NvmlError
    return value
