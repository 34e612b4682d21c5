"""AMD's accelerators, as shown by their Linux driver under /sys.

Layout: https://docs.kernel.org/gpu/amdgpu/driver-misc.html (memory, names), https://docs.kernel.org/hwmon/sysfs-interface.html
(energy, power, clock), https://docs.kernel.org/gpu/amdgpu/thermal.html (gpu_metrics, data center GPUs' energy) and, for
who computes on what, the driver's /sys/class/kfd.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.chips import Vendor, bandwidth_gb_s
from sagellm_benchmark.machine.accelerators import Chip, Reading, Variant, Versions

_MICRO = 1e-6
_MAX_CHARS = 10_000
_HEADER = struct.Struct("<HBB")  # size, format, content
_ENERGY_AT = {1: 24, 2: 24, 3: 24, 4: 24, 5: 88, 6: 16, 7: 24, 8: 24}
"""The offset of the 64-bit energy counter in each version of format 1 (the kernel's kgd_pp_interface.h)."""
_ENERGY_UNIT_J = 15.259e-6
_UNKNOWN = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Amd:
    """AMD; `root` is the file system."""

    root: Path = Path("/")
    name: str = "AMD"
    vendor: Vendor = "AMD"
    variant: Variant = "rocm"

    def present(self) -> bool:
        """Return whether the compute driver's device is there."""
        return (self.root / "dev/kfd").exists()

    @contextmanager
    def opened(self) -> Iterator[Kfd | None]:
        """Look for the compute driver's tree; None if there is none."""
        kfd = Kfd(self.root)
        yield kfd if kfd.nodes.is_dir() else None


@dataclass(frozen=True, slots=True)
class Kfd:
    """The compute driver's tree."""

    root: Path

    @property
    def nodes(self) -> Path:
        """A folder for each processor and accelerator."""
        return self.root / "sys/class/kfd/kfd/topology/nodes"

    def chips(self) -> list[Chip]:
        """List every accelerator; nodes without the number of a GPU are processors."""
        chips = [self._chip(node) for node in sorted(self.nodes.iterdir())]
        return [chip for chip in chips if chip is not None]

    def _chip(self, node: Path) -> Chip | None:
        number, properties = _text(node / "gpu_id"), _text(node / "properties") or ""
        minor = re.search(r"^drm_render_minor (\d+)$", properties, re.MULTILINE)
        if number in {None, "", "0"} or minor is None:
            return None
        device = self.root / "sys/class/drm" / f"renderD{minor.group(1)}" / "device"
        name = _text(device / "product_name") or ""
        bandwidth = bandwidth_gb_s(name)
        return Chip(
            name=name,
            memory_bytes=_number(device / "mem_info_vram_total"),
            bandwidth_bytes_per_s=None if bandwidth is None else bandwidth * 1e9,
            pids=self._users(str(number)),
            handle=device,
        )

    def _users(self, number: str) -> frozenset[int]:
        """Return the processes that hold memory of a GPU: each has a folder in the tree, with a file for each GPU."""
        held = (self.root / "sys/class/kfd/kfd/proc").glob(f"*/vram_{number}")
        return frozenset(
            int(path.parent.name) for path in held if path.parent.name.isdigit() and _number(path)
        )

    def linked(self, used: Sequence[Chip]) -> str | None:  # noqa: ARG002 - other drivers need them
        """Return None: the driver's tree is not asked for links."""
        return None

    def versions(self) -> Versions:
        """Return the driver's version; a driver that came with the kernel has none."""
        return Versions(driver=_text(self.root / "sys/module/amdgpu/version"))

    def read(self, chip: Chip) -> Reading:
        """Read the chip's sensors."""
        device = Path(str(chip.handle))
        sensors = next(iter(sorted(device.glob("hwmon/hwmon*"))), device)
        clock_hz = _number(sensors / "freq1_input")
        return Reading(
            energy_j=_micro(sensors / "energy1_input") or _accumulated_j(device / "gpu_metrics"),
            power_w=_micro(sensors / "power1_average") or _micro(sensors / "power1_input"),
            power_limit_w=_micro(sensors / "power1_cap"),
            clock_mhz=None if clock_hz is None else round(clock_hz * _MICRO),
        )


def _accumulated_j(path: Path) -> float | None:
    """Return the energy counter, in joules, in the driver's gpu_metrics; None if we know of none in its version."""
    try:
        content = path.read_bytes()
        _, kind, version = _HEADER.unpack_from(content)
        if kind != 1 or version not in _ENERGY_AT:
            return None
        (count,) = struct.unpack_from("<Q", content, _ENERGY_AT[version])
    except (OSError, struct.error):
        return None
    return None if count == _UNKNOWN else float(count * _ENERGY_UNIT_J)


def _text(path: Path) -> str | None:
    """Return a small file's text; None if there is no such file, or it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_CHARS).strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text is not None and text.isdigit() else None


def _micro(path: Path) -> float | None:
    value = _number(path)
    return None if value is None else value * _MICRO
