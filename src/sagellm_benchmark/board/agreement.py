"""Decide whether two measurements of one configuration agree. Pure."""

from __future__ import annotations

from dataclasses import dataclass

TOLERANCE = 0.05  # of the larger value: how much one machine differs from day to day
WIDEST = 0.2  # of the value: an interval is cut here, so that no measurement agrees with everything

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure, and its 95 % interval where there is one."""

    value: float
    interval: Interval | None = None

    @property
    def bounds(self) -> Interval:
        """The interval of the true value, cut at WIDEST on either side of the measured one."""
        low, high = self.interval or (self.value, self.value)
        most = WIDEST * abs(self.value)
        return max(low, self.value - most), min(high, self.value + most)


def agree(one: Measured, other: Measured) -> bool:
    """Return whether two figures are within TOLERANCE of each other, or their intervals overlap."""
    if abs(one.value - other.value) <= TOLERANCE * max(abs(one.value), abs(other.value)):
        return True
    (low, high), (other_low, other_high) = one.bounds, other.bounds
    return low <= other_high and other_low <= high
