"""Where another machine's monotonic clock stands, by exchanges with it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MAX_BOUND_S = 0.001
"""By how much the time of one machine may differ from the others' in a run that counts."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question for the time: when it was sent and answered by our clock, and what the other one said."""

    sent_s: float
    theirs_s: float
    received_s: float

    @property
    def round_trip_s(self) -> float:
        """How long the answer took."""
        return self.received_s - self.sent_s


@dataclass(frozen=True, slots=True)
class Offset:
    """Their clock minus ours, and by how much that may be wrong; seconds."""

    offset_s: float
    bound_s: float


def offset(exchanges: Iterable[Exchange]) -> Offset:
    """By the quickest of several exchanges, as NTP does (RFC 5905, section 8, with one time stamp on their side).

    They read their clock at some moment between our two, so the middle is wrong by half the round trip at most.
    """
    best = min(exchanges, key=lambda one: one.round_trip_s)
    return Offset(best.theirs_s - (best.sent_s + best.received_s) / 2, best.round_trip_s / 2)


def held(before: Offset, after: Offset) -> Offset:
    """The offset at a load's start, with a bound for all of the load: by how much it was wrong at either end.

    What a clock has drifted meanwhile adds to what is not known of it afterwards.
    """
    drift_s = abs(after.offset_s - before.offset_s)
    return Offset(before.offset_s, max(before.bound_s, drift_s + after.bound_s))


def moved_s(before: Offset, seen: Exchange) -> float:
    """How far the two clocks have moved apart since `before`, at least; 0 where `seen` shows nothing of that.

    However slow the exchange was, its reading was taken between the two moments that it names.
    """
    least, most = seen.theirs_s - seen.received_s, seen.theirs_s - seen.sent_s
    ahead_s = least - (before.offset_s + before.bound_s)
    behind_s = before.offset_s - before.bound_s - most
    return max(0.0, ahead_s, behind_s)
