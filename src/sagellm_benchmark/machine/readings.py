"""What is read again and again while a load runs, each value with its moment on the wall clock."""

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
        """Take moments with their values; what was not told at one of them is left out."""
        known = [(at, value) for at, value in readings if value is not None]
        return cls(name, tuple(at for at, _ in known), tuple(value for _, value in known))
