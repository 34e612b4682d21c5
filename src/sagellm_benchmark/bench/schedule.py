"""When requests are sent. Pure: numbers in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """When conversations start, in a closed or an open loop.

    Closed (`due_s` is None): `concurrency` streams, each starting its next conversation when its last one ends.
    Open (`due_s` given): conversation i starts at `due_s[i]` seconds, whether or not earlier ones have ended.
    """

    concurrency: int | None = None
    due_s: tuple[float, ...] | None = None
    duration_s: float | None = None  # stop starting new conversations after this long
    stagger_s: float = 0.0  # closed loop: gap between the first requests of neighbouring streams
