"""NVIDIA GPUs, as their driver's library (NVML) tells: what they are, who uses them, what they draw."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import psutil
import pynvml

INTERVAL_S = 0.5
_SLOWDOWNS = {  # SwPowerCap is left out: it is the limit the chip is sold with, and every busy chip meets it
    "hardware slowdown": "nvmlClocksEventReasonHwSlowdown",
    "hardware thermal slowdown": "nvmlClocksEventReasonHwThermalSlowdown",
    "power brake": "nvmlClocksEventReasonHwPowerBrakeSlowdown",
    "software thermal slowdown": "nvmlClocksEventReasonSwThermalSlowdown",
}


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU; `handle` is NVML's and lives as long as the library is open."""

    handle: Any = field(repr=False, compare=False)
    name: str = ""
    memory_bytes: int | None = None
    bandwidth_bytes_per_s: float | None = None
    pids: frozenset[int] = frozenset()  # of the processes that compute on it


@dataclass(frozen=True, slots=True)
class Versions:
    """Of the driver, and of the newest CUDA that it runs."""

    driver: str | None = None
    cuda: str | None = None


@dataclass(frozen=True, slots=True)
class GpuFigures:
    """What a server's GPUs did over a run, summed or at their extremes; `None` is what the driver did not tell."""

    energy_j: float | None = None
    watched_s: float | None = None  # the time over which energy was counted
    power_w: float | None = None
    power_limit_w: float | None = None
    sm_clock_min_mhz: int | None = None
    power_capped_share: float | None = None  # of the readings, with the clock held down by the power limit
    throttled: tuple[str, ...] = ()  # the slowdowns that were seen, by name
    other_processes: tuple[int, ...] = ()  # pids of others that computed on them


@contextmanager
def opened(nvml: Any = pynvml) -> Iterator[Any | None]:
    """NVML, ready to be asked; None where there is no NVIDIA driver."""
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        yield None
        return
    try:
        yield nvml
    finally:
        nvml.nvmlShutdown()


def _ask(nvml: Any, question: str, *arguments: Any) -> Any | None:
    """The library's answer; None where this GPU, driver or library has none."""
    function = getattr(nvml, question, None)
    if function is None:
        return None
    try:
        return function(*arguments)
    except nvml.NVMLError:
        return None


def versions(nvml: Any = pynvml) -> Versions:
    """Of the driver and its CUDA; empty without a driver."""
    with opened(nvml) as library:
        if library is None:
            return Versions()
        cuda = _ask(library, "nvmlSystemGetCudaDriverVersion_v2")
        return Versions(
            driver=_text(_ask(library, "nvmlSystemGetDriverVersion")),
            cuda=f"{cuda // 1000}.{cuda % 1000 // 10}" if cuda else None,
        )


def gpus(library: Any) -> list[Gpu]:
    """Every GPU that the driver lists."""
    count = _ask(library, "nvmlDeviceGetCount") or 0
    handles = [_ask(library, "nvmlDeviceGetHandleByIndex", index) for index in range(count)]
    return [_gpu(library, handle) for handle in handles if handle is not None]


def _gpu(library: Any, handle: Any) -> Gpu:
    memory = _ask(library, "nvmlDeviceGetMemoryInfo", handle)
    return Gpu(
        handle=handle,
        name=_text(_ask(library, "nvmlDeviceGetName", handle)) or "",
        memory_bytes=None if memory is None else int(memory.total),
        bandwidth_bytes_per_s=_bandwidth(library, handle),
        pids=_pids(library, handle),
    )


def _bandwidth(library: Any, handle: Any) -> float | None:
    """Bus width × memory clock × 2: all of these memories send on both edges of the clock."""
    bits = _ask(library, "nvmlDeviceGetMemoryBusWidth", handle)
    megahertz = _ask(library, "nvmlDeviceGetMaxClockInfo", handle, library.NVML_CLOCK_MEM)
    return bits / 8 * megahertz * 1e6 * 2 if bits and megahertz else None


def _pids(library: Any, handle: Any) -> frozenset[int]:
    processes = _ask(library, "nvmlDeviceGetComputeRunningProcesses", handle) or []
    return frozenset(process.pid for process in processes)


def _text(value: Any) -> str | None:
    """Older bindings answer bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def family(pid: int) -> frozenset[int]:
    """A process and its descendants; engines compute in children."""
    try:
        process = psutil.Process(pid)
        return frozenset({pid, *(child.pid for child in process.children(recursive=True))})
    except psutil.Error:
        return frozenset()


def used_by(pid: int, listed: Sequence[Gpu]) -> list[Gpu]:
    """The GPUs that a process and its descendants compute on. In a container the driver's pids may be others."""
    ours = family(pid)
    return [gpu for gpu in listed if gpu.pids & ours]


def linked(library: Any, used: Sequence[Gpu]) -> str | None:
    """What connects several GPUs: NVLink where each has a live link, PCIe where NVML finds a path, else unknown."""
    if all(_has_nvlink(library, gpu) for gpu in used):
        return "NVLink"
    paths = [
        _ask(library, "nvmlDeviceGetTopologyCommonAncestor", used[0].handle, other.handle)
        for other in used[1:]
    ]
    return None if any(path is None for path in paths) else "PCIe"


def _has_nvlink(library: Any, gpu: Gpu) -> bool:
    peers = {library.NVML_NVLINK_DEVICE_TYPE_GPU, library.NVML_NVLINK_DEVICE_TYPE_SWITCH}
    return any(
        _ask(library, "nvmlDeviceGetNvLinkState", gpu.handle, link) == library.NVML_FEATURE_ENABLED
        and _ask(library, "nvmlDeviceGetNvLinkRemoteDeviceType", gpu.handle, link) in peers
        for link in range(library.NVML_NVLINK_MAX_LINKS)
    )


class GpuWatch:
    """Watches the GPUs of a server's process while a load runs, twice a second; nothing where there are none."""

    def __init__(self, pid: int | None, *, nvml: Any = pynvml, interval_s: float = INTERVAL_S) -> None:
        self._pid = pid
        self._nvml = nvml
        self._interval_s = interval_s
        self._done = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gpu-watch", daemon=True)
        self._figures = GpuFigures()

    def __enter__(self) -> GpuWatch:
        if self._pid is not None:
            self._thread.start()
            self._ready.wait()  # so that energy is counted from here on
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._pid is not None:
            self._thread.join()

    def figures(self) -> GpuFigures:
        """What was seen, once the watch has ended; unknown where there was no GPU to watch."""
        return self._figures

    def _watch(self) -> None:
        assert self._pid is not None  # noqa: S101 - the thread is only started with one
        began = time.monotonic()
        try:
            with opened(self._nvml) as library:
                used = used_by(self._pid, gpus(library)) if library is not None else []
                if library is not None and used:
                    meters = [_Meter(library, gpu, self._pid) for gpu in used]
                    self._ready.set()
                    self._until_done(meters)
                    self._figures = _together(meters, time.monotonic() - began)
        finally:
            self._ready.set()

    def _until_done(self, meters: Sequence[_Meter]) -> None:
        while not self._done.wait(self._interval_s):
            for meter in meters:
                meter.sample()
        for meter in meters:
            meter.end()


class _Meter:
    """One GPU's readings."""

    def __init__(self, library: Any, gpu: Gpu, pid: int) -> None:
        self._library, self._gpu, self._pid = library, gpu, pid
        self._began = self._ask("nvmlDeviceGetTotalEnergyConsumption")
        self.energy_j: float | None = None
        self.power_w: list[float] = []
        self.clocks_mhz: list[int] = []
        self.reasons: list[int] = []
        self.others: set[int] = set()
        self.limit_w = self._watts("nvmlDeviceGetEnforcedPowerLimit")
        self.sample()

    def _ask(self, question: str, *arguments: Any) -> Any | None:
        return _ask(self._library, question, self._gpu.handle, *arguments)

    def _watts(self, question: str) -> float | None:
        milliwatts = self._ask(question)
        return None if milliwatts is None else milliwatts / 1e3

    def sample(self) -> None:
        """Read everything that has only a value of the moment."""
        power = self._watts("nvmlDeviceGetPowerUsage")
        clock = self._ask("nvmlDeviceGetClockInfo", self._library.NVML_CLOCK_SM)
        reasons = self._ask("nvmlDeviceGetCurrentClocksEventReasons")
        self.power_w += [] if power is None else [power]
        self.clocks_mhz += [] if clock is None else [clock]
        self.reasons += [] if reasons is None else [reasons]
        self.others |= _pids(self._library, self._gpu.handle) - family(self._pid)

    def end(self) -> None:
        """Read the counters once more."""
        self.sample()
        ended = self._ask("nvmlDeviceGetTotalEnergyConsumption")
        if self._began is not None and ended is not None:
            self.energy_j = (ended - self._began) / 1e3

    def slowdowns(self) -> set[str]:
        """The names of the slowdowns that were seen."""
        seen = 0
        for reasons in self.reasons:
            seen |= reasons
        return {name for name, bit in _SLOWDOWNS.items() if seen & getattr(self._library, bit)}

    def capped_share(self) -> float | None:
        """The part of the readings at which the power limit held the clock down."""
        bit = self._library.nvmlClocksEventReasonSwPowerCap
        return (
            sum(bool(reasons & bit) for reasons in self.reasons) / len(self.reasons) if self.reasons else None
        )


def _together(meters: Sequence[_Meter], watched_s: float) -> GpuFigures:
    """Sums over the GPUs where all of them tell, extremes where any does."""
    shares = [share for meter in meters if (share := meter.capped_share()) is not None]
    energy_j = _sum([meter.energy_j for meter in meters])
    return GpuFigures(
        energy_j=energy_j,
        watched_s=None if energy_j is None else watched_s,
        power_w=_sum([_mean(meter.power_w) for meter in meters]),
        power_limit_w=_sum([meter.limit_w for meter in meters]),
        sm_clock_min_mhz=min((clock for meter in meters for clock in meter.clocks_mhz), default=None),
        power_capped_share=max(shares, default=None),
        throttled=tuple(sorted(set().union(*(meter.slowdowns() for meter in meters)))),
        other_processes=tuple(sorted(set().union(*(meter.others for meter in meters)))),
    )


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
