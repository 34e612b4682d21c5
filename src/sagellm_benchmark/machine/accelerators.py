"""What the rest of the program knows about accelerators: chips, their driver, and what they did while a load ran.

To add a maker, write a module in `makers/` and add a line to `makers/registry.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sagellm_benchmark.chips import Vendor
from sagellm_benchmark.machine.processes import Pids, family

Variant = Literal["cpu", "cuda", "rocm", "ascend"]
"""The builds that engines come in."""


@dataclass(frozen=True, slots=True)
class Chip:
    """One accelerator. `None`: its driver does not tell."""

    name: str
    memory_bytes: int | None = None
    bandwidth_bytes_per_s: float | None = None
    pids: frozenset[int] = frozenset()  # of the processes that compute on it
    handle: object = field(default=None, repr=False, compare=False)  # by which its driver knows it


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of a driver and its toolkit; the fields of a row's `environment` add `_version` to these names."""

    driver: str | None = None
    cuda: str | None = None
    cann: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A chip's readings at one moment. `None`: its driver does not report it."""

    energy_j: float | None = None  # a counter that only grows
    power_w: float | None = None
    power_limit_w: float | None = None
    clock_mhz: int | None = None
    capped: bool | None = None  # the power limit holds the clock down
    slowdowns: frozenset[str] = frozenset()  # other reasons why the clock is held down, by name
    pids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class GpuFigures:
    """What a server's accelerators did during a run, as sums or extremes; `None`: unknown."""

    energy_j: float | None = None
    watched_s: float | None = None  # the time over which energy was counted
    power_w: float | None = None
    power_limit_w: float | None = None
    sm_clock_min_mhz: int | None = None
    power_capped_share: float | None = None  # of the readings, those slowed by the power limit
    throttled: tuple[str, ...] = ()  # the slowdowns that were seen, by name
    other_processes: tuple[int, ...] = ()  # pids of other programs that computed on them
    energy_source: str | None = None  # whose counter it was; RAPL's counts the whole processors


class Driver(Protocol):
    """A maker's driver, open to be asked."""

    def chips(self) -> Sequence[Chip]:
        """List every chip."""
        ...

    def linked(self, used: Sequence[Chip]) -> str | None:
        """Return what connects two or more chips, such as NVLink; None if that is not known."""
        ...

    def versions(self) -> Versions:
        """Return the versions of driver and toolkit."""
        ...

    def read(self, chip: Chip) -> Reading:
        """Return the chip's readings of this moment."""
        ...


class Maker(Protocol):
    """A maker of accelerators."""

    @property
    def name(self) -> str:
        """The maker's name, for messages."""
        ...

    @property
    def vendor(self) -> Vendor:
        """The maker's name in a row: its own, or Other."""
        ...

    @property
    def variant(self) -> Variant:
        """The build of an engine that its chips take."""
        ...

    def present(self) -> bool:
        """Return whether this machine has chips of this maker, even if the processes on them cannot be listed."""
        ...

    def opened(self) -> AbstractContextManager[Driver | None]:
        """Open the driver; None if there is none."""
        ...


def used_by(pids: Pids, listed: Sequence[Chip]) -> list[Chip]:
    """Return the chips that processes or their descendants compute on.

    In a container, a driver may report other pids than those seen there, and then no chip is found.
    """
    ours = family(pids)
    return [chip for chip in listed if chip.pids & ours]
