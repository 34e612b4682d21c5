"""The processors' own energy counters (RAPL, by Intel and AMD), as Linux shows them to those who may read them.

https://docs.kernel.org/power/powercap/powercap.html. A package counts the energy of all programs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from sagellm_benchmark.chips import Vendor
from sagellm_benchmark.machine.accelerators import Chip, Reading, Variant, Versions


@dataclass(frozen=True, slots=True)
class Rapl:
    """Packages only, because cores and memory are parts of them; `root` is the file system."""

    root: Path = Path("/")
    name: str = "RAPL"
    vendor: Vendor = "Unknown"  # Intel or AMD: the counters do not say
    variant: Variant = "cpu"

    def present(self) -> bool:
        """Return whether packages can be read, which most systems allow only the administrator."""
        return bool(self._packages())

    @contextmanager
    def opened(self) -> Iterator[Packages | None]:
        """Open the counters; None if one of them cannot be read."""
        packages = self._packages()
        yield Packages(packages) if packages else None

    def _packages(self) -> list[Path]:
        found = [
            path
            for path in sorted((self.root / "sys/class/powercap").glob("intel-rapl:*"))
            if path.name.count(":") == 1 and _text(path / "name").startswith("package")
        ]
        return found if all(_number(path / "energy_uj") is not None for path in found) else []


@dataclass(slots=True)
class Packages:
    """The counters while they are read. Each starts again at 0 after its range, under load after a minute or so."""

    paths: Sequence[Path]
    _last_uj: dict[Path, int] = field(default_factory=dict)
    _wrapped_uj: dict[Path, int] = field(default_factory=dict)

    def chips(self) -> list[Chip]:
        """List every package; all processes compute on all of them."""
        everybody = frozenset(psutil.pids())
        return [Chip(name=_text(path / "name"), pids=everybody, handle=path) for path in self.paths]

    def linked(self, used: Sequence[Chip]) -> str | None:  # noqa: ARG002 - other drivers need them
        """Return None: RAPL does not say how packages are linked."""
        return None

    def versions(self) -> Versions:
        """Return none: RAPL has no versions."""
        return Versions()

    def read(self, chip: Chip) -> Reading:
        """Return the package's energy as a counter that only grows."""
        path = Path(str(chip.handle))
        now, last = _number(path / "energy_uj"), self._last_uj.get(path, 0)
        if now is None:
            return Reading()
        if now < last:
            limit = _number(path / "max_energy_range_uj")
            if limit is None:
                return Reading()
            self._wrapped_uj[path] = self._wrapped_uj.get(path, 0) + limit
        self._last_uj[path] = now
        return Reading(energy_j=(now + self._wrapped_uj.get(path, 0)) / 1e6)


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() and len(text) < 20 else None


def _text(path: Path) -> str:
    """Return a file's text; empty if there is no such file, or we may not read it."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
