"""What is read repeatedly while a load runs, each value with its time on the wall clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Readings:
    """One quantity; its `name` ends in its unit, unless it is a count."""

    name: str
    at_s: tuple[float, ...]  # seconds since the epoch
    values: tuple[float, ...]

    @classmethod
    def of(cls, name: str, readings: Iterable[tuple[float, float | None]]) -> Readings:
        """Return the readings from times with their values; a time with the value None is left out."""
        known = [(at, value) for at, value in readings if value is not None]
        return cls(name, tuple(at for at, _ in known), tuple(value for _, value in known))
