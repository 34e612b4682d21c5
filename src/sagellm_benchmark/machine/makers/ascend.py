"""Huawei's Ascend processors, as `npu-smi info` lists them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.chips import Vendor
from sagellm_benchmark.machine.accelerators import Chip, Reading, Variant, Versions

_TIMEOUT_S = 15.0
_MAX_CHARS = 1_000_000
_VERSION = re.compile(r"^\|\s*npu-smi\s+\S+\s+Version:\s*(\S+)")
_NUMBER_PAIR = re.compile(r"(\d+)\s*/\s*(\d+)")
_TOOLKIT = Path("/usr/local/Ascend/ascend-toolkit/latest")
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Ascend:
    """Huawei; `devices` is the folder of device nodes, `toolkit` the folder where CANN is installed."""

    command: tuple[str, ...] = ("npu-smi", "info")
    devices: Path = Path("/dev")
    toolkit: Path = _TOOLKIT
    name: str = "Huawei"
    vendor: Vendor = "Huawei"
    variant: Variant = "ascend"

    def present(self) -> bool:
        """Return whether the driver's device is there."""
        return (self.devices / "davinci_manager").exists()

    @contextmanager
    def opened(self) -> Iterator[Listing | None]:
        """Ask the driver's tool; give None if there is no such tool, or it fails."""
        try:
            done = subprocess.run(self.command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            yield None
            return
        text = done.stdout[:_MAX_CHARS].decode("utf-8", "replace") if done.returncode == 0 else ""
        found = parse(text, cann=_cann(self.toolkit))
        yield found if found.listed else None


@dataclass(frozen=True, slots=True)
class Listing:
    """What npu-smi said at one moment."""

    driver: str | None = None
    cann: str | None = None
    listed: tuple[Chip, ...] = ()

    def chips(self) -> Sequence[Chip]:
        """List every chip, with its HBM or, if it has none, its DDR memory."""
        return self.listed

    def linked(self, used: Sequence[Chip]) -> str | None:  # noqa: ARG002 - other drivers need them
        """Return None: npu-smi does not say how chips are linked."""
        return None

    def versions(self) -> Versions:
        """Return the driver's version and CANN's."""
        return Versions(driver=self.driver, cann=self.cann)

    def read(self, chip: Chip) -> Reading:  # noqa: ARG002 - other drivers need it
        """Return nothing known: npu-smi takes a second of processor time, too much during a load."""
        return Reading()


def _cann(toolkit: Path) -> str | None:
    """Return the toolkit's version, which its installer writes into a folder named after the processor."""
    for path in sorted(toolkit.glob("*/ascend_toolkit_install.info")):
        if found := re.search(
            r"^version=(\S{1,40})$", path.read_text("utf-8", "replace")[:10_000], re.MULTILINE
        ):
            return found.group(1)
    return None


def parse(text: str, *, cann: str | None = None) -> Listing:
    """Read the table: each chip takes two rows of three cells, and a second table lists the processes.

    | 0     910B3    | OK           | 90.4   37     0 / 0              |
    | 0              | 0000:C1:00.0 | 0      0 / 0  4153 / 65536       |
    """
    version: str | None = None
    chips: list[tuple[int, Chip]] = []  # with the number of its card
    pids: dict[int, set[int]] = {}
    card: tuple[int, str] | None = None
    for line in text.splitlines():
        if found := _VERSION.match(line):
            version = found.group(1)
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if len(cells) == 4 and (process := _process(cells)):
            pids.setdefault(process[0], set()).add(process[1])
        elif len(cells) == 3:
            chip = _chip(cells, card)
            if chip is not None and card is not None:
                chips.append((card[0], chip))
            card = _card(cells) or card
    used = [
        Chip(chip.name, chip.memory_bytes, pids=frozenset(pids.get(number, ()))) for number, chip in chips
    ]
    return Listing(version, cann, tuple(used))


def _card(cells: list[str]) -> tuple[int, str] | None:
    """Return number and name in the first of a chip's two rows, which has no bus in its second cell."""
    words = cells[0].split()
    named = len(words) == 2 and words[0].isdigit() and ":" not in cells[1]
    return (int(words[0]), words[1]) if named else None


def _chip(cells: list[str], card: tuple[int, str] | None) -> Chip | None:
    """Return the chip by the second of its rows, known by its bus; of two kinds of memory, the larger one counts."""
    if card is None or not re.fullmatch(r"[0-9A-Fa-f]{4}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.\d", cells[1]):
        return None
    totals = [int(total) for _, total in _NUMBER_PAIR.findall(cells[2])]
    memory = max(totals, default=0)
    return Chip(f"Ascend {card[1]}", memory * _MIB or None)


def _process(cells: list[str]) -> tuple[int, int] | None:
    """Return the number of the card that a process uses, and its pid."""
    words = cells[0].split()
    if words and words[0].isdigit() and cells[1].isdigit():
        return int(words[0]), int(cells[1])
    return None
