"""NVIDIA GPUs by their driver's library (NVML): what they are, which processes use them, how much power they draw."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pynvml

from sagellm_benchmark.chips import Vendor
from sagellm_benchmark.machine.accelerators import Chip, Reading, Variant, Versions

_SLOWDOWNS = {  # SwPowerCap is left out: it is the limit the chip is sold with, and every busy chip meets it
    "hardware slowdown": "nvmlClocksEventReasonHwSlowdown",
    "hardware thermal slowdown": "nvmlClocksEventReasonHwThermalSlowdown",
    "power brake": "nvmlClocksEventReasonHwPowerBrakeSlowdown",
    "software thermal slowdown": "nvmlClocksEventReasonSwThermalSlowdown",
}


@dataclass(frozen=True, slots=True)
class Nvidia:
    """NVIDIA."""

    nvml: Any = pynvml
    name: str = "NVIDIA"
    vendor: Vendor = "NVIDIA"
    variant: Variant = "cuda"

    def present(self) -> bool:
        """Return whether the driver lists a GPU."""
        with self.opened() as driver:
            return driver is not None and bool(driver.chips())

    @contextmanager
    def opened(self) -> Iterator[Nvml | None]:
        """Open NVML; None if there is no NVIDIA driver."""
        try:
            self.nvml.nvmlInit()
        except self.nvml.NVMLError:
            yield None
            return
        try:
            yield Nvml(self.nvml)
        finally:
            self.nvml.nvmlShutdown()


@dataclass(frozen=True, slots=True)
class Nvml:
    """NVML while it is open; handles of chips are valid for the same time."""

    library: Any

    def _ask(self, question: str, *arguments: Any) -> Any | None:
        """Return the library's answer; None if this GPU, driver or library has none."""
        function = getattr(self.library, question, None)
        if function is None:
            return None
        try:
            return function(*arguments)
        except self.library.NVMLError:
            return None

    def versions(self) -> Versions:
        """Return the driver's version and the newest CUDA that it supports."""
        cuda = self._ask("nvmlSystemGetCudaDriverVersion_v2")
        return Versions(
            driver=_text(self._ask("nvmlSystemGetDriverVersion")),
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
        )

    def chips(self) -> list[Chip]:
        """List every GPU."""
        count = self._ask("nvmlDeviceGetCount") or 0
        handles = [self._ask("nvmlDeviceGetHandleByIndex", index) for index in range(count)]
        return [self._chip(handle) for handle in handles if handle is not None]

    def _chip(self, handle: Any) -> Chip:
        memory = self._ask("nvmlDeviceGetMemoryInfo", handle)
        return Chip(
            name=_text(self._ask("nvmlDeviceGetName", handle)) or "",
            memory_bytes=None if memory is None else int(memory.total),
            bandwidth_bytes_per_s=self._bandwidth(handle),
            pids=self._pids(handle),
            handle=handle,
        )

    def _bandwidth(self, handle: Any) -> float | None:
        """Return bytes/s: bus width × memory clock × 2, because these memories send on both edges of the clock."""
        bits = self._ask("nvmlDeviceGetMemoryBusWidth", handle)
        megahertz = self._ask("nvmlDeviceGetMaxClockInfo", handle, self.library.NVML_CLOCK_MEM)
        return bits / 8 * megahertz * 1e6 * 2 if bits and megahertz else None

    def _pids(self, handle: Any) -> frozenset[int]:
        processes = self._ask("nvmlDeviceGetComputeRunningProcesses", handle) or []
        return frozenset(process.pid for process in processes)

    def linked(self, used: Sequence[Chip]) -> str | None:
        """Return NVLink if each GPU has a live link, PCIe if NVML finds a path, else None."""
        if all(self._has_nvlink(chip) for chip in used):
            return "NVLink"
        first, *others = used
        paths = [
            self._ask("nvmlDeviceGetTopologyCommonAncestor", first.handle, other.handle) for other in others
        ]
        return None if any(path is None for path in paths) else "PCIe"

    def _has_nvlink(self, chip: Chip) -> bool:
        nvml = self.library
        peers = {nvml.NVML_NVLINK_DEVICE_TYPE_GPU, nvml.NVML_NVLINK_DEVICE_TYPE_SWITCH}
        return any(
            self._ask("nvmlDeviceGetNvLinkState", chip.handle, link) == nvml.NVML_FEATURE_ENABLED
            and self._ask("nvmlDeviceGetNvLinkRemoteDeviceType", chip.handle, link) in peers
            for link in range(nvml.NVML_NVLINK_MAX_LINKS)
        )

    def read(self, chip: Chip) -> Reading:
        """Return energy, power, clock, slowdowns and processes."""
        reasons = self._ask("nvmlDeviceGetCurrentClocksEventReasons", chip.handle)
        energy_mj = self._ask("nvmlDeviceGetTotalEnergyConsumption", chip.handle)
        return Reading(
            energy_j=None if energy_mj is None else energy_mj / 1e3,
            power_w=self._watts("nvmlDeviceGetPowerUsage", chip),
            power_limit_w=self._watts("nvmlDeviceGetEnforcedPowerLimit", chip),
            clock_mhz=self._ask("nvmlDeviceGetClockInfo", chip.handle, self.library.NVML_CLOCK_SM),
            capped=None if reasons is None else bool(reasons & self.library.nvmlClocksEventReasonSwPowerCap),
            slowdowns=frozenset(
                name for name, bit in _SLOWDOWNS.items() if (reasons or 0) & getattr(self.library, bit)
            ),
            pids=self._pids(chip.handle),
        )

    def _watts(self, question: str, chip: Chip) -> float | None:
        milliwatts = self._ask(question, chip.handle)
        return None if milliwatts is None else milliwatts / 1e3


def _text(value: Any) -> str | None:
    """Return NVML's answer as text; older bindings answer with bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
