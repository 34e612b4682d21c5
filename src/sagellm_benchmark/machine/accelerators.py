"""What the rest of the program knows of accelerators: chips, their driver, and what they did while a load ran.

A maker is one module of `makers/` and one line of `makers/registry.py`.
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
    """One accelerator. `None` is what its driver does not tell."""

    name: str
    memory_bytes: int | None = None
    bandwidth_bytes_per_s: float | None = None
    pids: frozenset[int] = frozenset()  # of the processes that compute on it
    handle: object = field(default=None, repr=False, compare=False)  # what its driver knows it by


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of a driver and of its toolkit, by the name of the row's environment field."""

    driver: str | None = None
    cuda: str | None = None
    cann: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A chip's readings at one moment. `None` is what its driver does not report."""

    energy_j: float | None = None  # a counter that only grows
    power_w: float | None = None
    power_limit_w: float | None = None
    clock_mhz: int | None = None
    capped: bool | None = None  # the power limit holds the clock down
    slowdowns: frozenset[str] = frozenset()  # why else the clock is held down, by name
    pids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class GpuFigures:
    """What a server's accelerators did over a run, summed or at their extremes; `None` is unknown."""

    energy_j: float | None = None
    watched_s: float | None = None  # the time over which energy was counted
    power_w: float | None = None
    power_limit_w: float | None = None
    sm_clock_min_mhz: int | None = None
    power_capped_share: float | None = None  # of the readings, with the clock held down by the power limit
    throttled: tuple[str, ...] = ()  # the slowdowns that were seen, by name
    other_processes: tuple[int, ...] = ()  # pids of others that computed on them
    energy_source: str | None = None  # whose counter it was; RAPL's counts the whole processors


class Driver(Protocol):
    """A maker's driver, open to be asked."""

    def chips(self) -> Sequence[Chip]:
        """List every chip."""
        ...

    def linked(self, used: Sequence[Chip]) -> str | None:
        """Say what connects two chips or more, such as NVLink; None if that is not known."""
        ...

    def versions(self) -> Versions:
        """Return the versions of driver and toolkit."""
        ...

    def read(self, chip: Chip) -> Reading:
        """Read everything that has a value of the moment."""
        ...


class Maker(Protocol):
    """A maker of accelerators."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def vendor(self) -> Vendor:
        """The row's word for it: its own, or Other."""
        ...

    @property
    def variant(self) -> Variant:
        """The build of an engine that its chips take."""
        ...

    def present(self) -> bool:
        """Return whether this machine has chips of this maker, even where their users cannot be listed."""
        ...

    def opened(self) -> AbstractContextManager[Driver | None]:
        """Open the driver; None if there is none."""
        ...


def used_by(pids: Pids, listed: Sequence[Chip]) -> list[Chip]:
    """Return the chips processes and their descendants compute on; in a container a driver's pids may be others."""
    ours = family(pids)
    return [chip for chip in listed if chip.pids & ours]
