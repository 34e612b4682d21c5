"""The hardware that a server runs on: as seen if it is this machine's, as stated by the user if it is not."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from sagellm_benchmark.chips import VENDORS, Vendor
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import read_toml
from sagellm_benchmark.machine.accelerators import Chip, Maker, used_by
from sagellm_benchmark.machine.host import host
from sagellm_benchmark.machine.makers.registry import MAKERS
from sagellm_benchmark.machine.processes import Pids, family

CPU = "cpu"
MAX_TEXT = 120
OF_THE_CHIPS = (
    *("vendor", "chip_model", "chip_count", "node_count", "chips_per_node"),
    *("memory_per_chip_gb", "total_memory_gb"),
)
UNNAMED = ("Unknown", "Other")  # makers that the system does not name
MEMORY_TOLERANCE = 0.2  # relative: an 80 GB chip has 79.2 GiB, of which some is the driver's
_GIB = 2**30

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hardware:
    """The fields of a row's `hardware` and `cluster`. `None`: not known; that may keep a row from being published."""

    vendor: str | None = None
    chip_model: str | None = None
    chip_count: int | None = None  # over all nodes
    node_count: int | None = None
    chips_per_node: int | None = None
    interconnect: str | None = None
    intra_node_interconnect: str | None = None
    memory_per_chip_gb: float | None = None
    total_memory_gb: float | None = None
    memory_bandwidth_gb_s: float | None = None  # of one chip
    comm_backend: str | None = None
    topology_type: str | None = None
    topology: str | None = None
    inter_node_network: str | None = None
    network_bandwidth_gbps: float | None = None
    tensor_parallel: int | None = None
    pipeline_parallel: int | None = None
    data_parallel: int | None = None

    @property
    def memory_bytes_per_s(self) -> float | None:
        """How many bytes all chips together can read from their memory in a second."""
        if self.memory_bandwidth_gb_s is None:
            return None
        return self.memory_bandwidth_gb_s * 1e9 * (self.chip_count or 1)

    def completed(self, other: Hardware) -> Hardware:
        """Return this hardware, with the fields that only the other one knows."""
        return Hardware(**{**_known(other), **_known(self)})

    @property
    def names_chips(self) -> bool:
        """Whether anything is known about the chips themselves."""
        return not _known(self).keys().isdisjoint(OF_THE_CHIPS)

    def confirms(self, stated: Hardware) -> bool:
        """Return whether these are the stated chips: something is known about these, and nothing differs."""
        said = _known(stated)
        return self.vendor is not None and all(
            getattr(self, name) in {None, *UNNAMED} or _agree(name, getattr(self, name), said[name])
            for name in OF_THE_CHIPS
            if name in said
        )


@dataclass(frozen=True, slots=True)
class Behind:
    """What computes the answers of an address, and whether that is the process that listens there."""

    hardware: Hardware
    here: bool  # False: the server runs elsewhere; if anything listens on this machine, it is a gateway to it


def behind(
    pids: Pids,
    *,
    here: bool,
    stated: Hardware | None = None,
    told: Hardware | None = None,
    computes_on: str | None = None,
) -> Behind:
    """Return what a server runs on: by what is said about it and, if it is `here`, by what its processes use.

    `stated` is the user's word, `told` the server's own; `computes_on` is "cpu" if the server is known to use no
    accelerator. If the stated chips are not those that were seen, the latter belong to a gateway and are left out.
    """
    stated = stated or Hardware()
    said = stated.completed(told or Hardware())
    seen = local(pids, computes_on=computes_on) if here else Hardware()
    if seen.confirms(stated) or not stated.names_chips:
        return Behind(said.completed(seen), here)
    return Behind(said, here and _are_ours(pids))


def _known(hardware: Hardware) -> dict[str, Any]:
    return {name: value for name, value in asdict(hardware).items() if value is not None}


def _agree(name: str, one: Any, other: Any) -> bool:
    """Return whether two values of a field agree; sizes of memory, which people round, need only be close."""
    if name.endswith("_gb"):
        return bool(abs(one - other) <= MEMORY_TOLERANCE * one)
    return same_chip(one, other) if name == "chip_model" else bool(one == other)


def same_chip(one: str, other: str) -> bool:
    """Return whether two names can mean the same chip: people leave out parts of names."""
    one, other = one.casefold(), other.casefold()
    return one in other or other in one


def local(pids: Pids, makers: Sequence[Maker] = MAKERS, *, computes_on: str | None = None) -> Hardware:
    """Return the hardware of this machine that processes compute on; unknown if an accelerator may be used unseen."""
    if not pids:
        return Hardware()
    listed = False
    for maker in makers:
        with maker.opened() as driver:
            chips = [] if driver is None else driver.chips()
            used = used_by(pids, chips)
            if driver is not None and used:
                return of_chips(maker.vendor, used, driver.linked(used) if len(used) > 1 else "None")
            listed = listed or bool(chips)
    if (listed or _unlisted(makers)) and computes_on != CPU:
        return Hardware()  # in a container, it may use a chip under a pid that we do not see
    return of_cpu()


def _unlisted(makers: Sequence[Maker]) -> bool:
    """Return whether there is an accelerator whose processes we cannot list."""
    return any(maker.present() for maker in makers) or Path("/dev/accel").exists()


def _are_ours(pids: Pids) -> bool:
    """Return whether we started the processes."""
    alive = family(pids)
    return bool(alive) and alive < family((os.getpid(),))


def of_cpu() -> Hardware:
    """Return this machine's processors; a chip is a socket."""
    here = host()
    sockets = here.cpu.sockets or 1
    memory = here.memory_bytes / _GIB
    alone = "None" if sockets == 1 else None
    return Hardware(
        vendor=here.cpu.vendor,
        chip_model=here.cpu.model,
        chip_count=sockets,
        node_count=1,
        chips_per_node=sockets,
        interconnect=alone,
        intra_node_interconnect=alone,
        memory_per_chip_gb=round(memory / sockets, 2),
        total_memory_gb=round(memory, 2),
    )


def of_chips(vendor: Vendor, used: Sequence[Chip], link: str | None) -> Hardware:
    """Return the hardware that these chips are; if they differ, model and memory are not stated."""
    name, memory, bandwidth = (
        _same([one.name for one in used]),
        _same([one.memory_bytes for one in used]),
        _same([one.bandwidth_bytes_per_s for one in used]),
    )
    return Hardware(
        vendor=vendor,
        chip_model=name or None,
        chip_count=len(used),
        node_count=1,
        chips_per_node=len(used),
        interconnect=link,
        intra_node_interconnect=link,
        memory_per_chip_gb=None if memory is None else round(memory / _GIB, 2),
        total_memory_gb=None if memory is None else round(memory * len(used) / _GIB, 2),
        memory_bandwidth_gb_s=None if bandwidth is None else round(bandwidth / 1e9, 1),
    )


def _same(values: Sequence[T]) -> T | None:
    """Return the value that all share; None if they differ."""
    return values[0] if len(set(values)) == 1 else None


def read(path: Path) -> Hardware:
    """Return what a TOML file states, under [hardware] and [cluster] or at the top level.

    Raise DataError if the file cannot be read, or for a value that is not allowed.
    """
    values = read_toml(path, example='vendor = "NVIDIA"')
    for name in ("hardware", "cluster"):
        if isinstance(values.get(name), dict):
            values.update(values.pop(name))
    return _checked(values, str(path))


def check(stated: Hardware, where: str) -> Hardware:
    """Return the same. Raise DataError, which names `where` the value is from, for one that is not allowed."""
    return _checked(_known(stated), where)


def _checked(values: Mapping[str, Any], where: str) -> Hardware:
    """Return these values as hardware. Raise DataError with the field, the value and what is allowed."""
    kinds = {one.name: str(one.type).removesuffix(" | None") for one in fields(Hardware)}
    return Hardware(**{name: _value(name, value, kinds, where) for name, value in values.items()})


def _value(name: str, value: Any, kinds: Mapping[str, str], where: str) -> Any:
    kind = kinds.get(name)
    if kind is None:
        raise DataError(f"{where}: there is no field {name!r}", hint=f"the fields are {', '.join(kinds)}")
    if name == "vendor":
        if value in VENDORS:
            return str(value)
        allowed = f"one of {', '.join(VENDORS)}"
    elif kind == "str":
        if isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= MAX_TEXT:
            return value
        allowed = f"a text of 1 to {MAX_TEXT} printable characters"
    elif kind == "int":
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000:
            return value
        allowed = "a whole number from 1 on"
    else:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9:
            return float(value)
        allowed = "a number above 0"
    raise DataError(f"{where}: {name} = {value!r} is not allowed", hint=f"it must be {allowed}")
