"""What another machine's monotonic clock shows, by exchanges with it. Pure.

The difference of two steady clocks is a straight line, because each quartz has its own pace. A clock that is put
forward or back, or whose pace changes, leaves the line; exchanges during the load show by how much.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

MAX_BOUND_S = 0.001
"""The most by which the time of one machine may differ from the others' in a valid run."""
MAX_DRIFT = 500e-6
"""The most seconds per second that a clock may gain or lose: more than a quartz does, and as much as Linux corrects."""
WANDER = 100e-6
"""The most by which its pace may differ for a moment from its pace over the whole load, in seconds per second."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question for the time: when it was sent and answered by our clock, and what the other clock showed."""

    sent_s: float
    theirs_s: float
    received_s: float

    @property
    def round_trip_s(self) -> float:
        """How long the answer took, in seconds."""
        return self.received_s - self.sent_s

    @property
    def middle_s(self) -> float:
        """When the other clock was read, by ours, to within half the round trip."""
        return (self.sent_s + self.received_s) / 2


@dataclass(frozen=True, slots=True)
class Line:
    """The other clock by ours: at our `at_s`, it was ahead by `offset_s`, and it gains `drift` seconds per second.

    At `at_s`, this is wrong by at most `bound_s`, and by `drift_bound` more with each second from there.
    """

    at_s: float
    offset_s: float
    bound_s: float
    drift: float = 0.0
    drift_bound: float = MAX_DRIFT

    @property
    def pace(self) -> float:
        """How many seconds of the other clock pass in one of ours."""
        return 1.0 + self.drift

    def theirs(self, ours_s: float) -> float:
        """Return what the other clock shows at a moment of ours."""
        return ours_s + self.offset_s + self.drift * (ours_s - self.at_s)


def quickest(exchanges: Iterable[Exchange]) -> Exchange:
    """Return the quickest exchange, which tells most, as in NTP (RFC 5905, section 8, with one time stamp there)."""
    return min(exchanges, key=lambda one: one.round_trip_s)


def line(seen: Exchange) -> Line:
    """Return the line that one exchange tells: wrong by at most half the round trip, and without a drift."""
    return Line(seen.middle_s, seen.theirs_s - seen.middle_s, seen.round_trip_s / 2)


def learned(known: Line, seen: Exchange) -> Line:
    """Return the line with the drift that a later exchange shows, if it tells the drift better than earlier ones."""
    apart_s = seen.middle_s - known.at_s
    if apart_s <= 0 or (bound := (known.bound_s + seen.round_trip_s / 2) / apart_s) >= known.drift_bound:
        return known
    return replace(known, drift=_drift(known, seen), drift_bound=bound)


def moved_s(known: Line, seen: Exchange) -> float:
    """Return by how many seconds, at least, the other clock has left the line; 0 if `seen` does not show it.

    However slow the exchange was, the other clock was read between its two moments.
    """
    unknown_s = known.bound_s + known.drift_bound * abs(seen.received_s - known.at_s)
    ahead_s = seen.theirs_s - known.theirs(seen.received_s)
    behind_s = known.theirs(seen.sent_s) - seen.theirs_s
    return max(0.0, ahead_s - unknown_s, behind_s - unknown_s)


def straight(seen: Sequence[Exchange]) -> Line:
    """Return the line through the first and the last exchange, with a bound for all the time between them.

    The bound allows the other clock to have been put forward or back once between two quick exchanges. A change that
    was undone between them is not seen.
    """
    first = line(seen[0])
    through = replace(first, drift=_drift(first, seen[-1]), drift_bound=0.0)
    return replace(through, bound_s=max(_most_s(through, seen), _most_s(through, seen[::-1])))


def _drift(known: Line, seen: Exchange) -> float:
    gained_s = seen.theirs_s - seen.middle_s - known.offset_s
    apart_s = seen.middle_s - known.at_s
    return max(-MAX_DRIFT, min(MAX_DRIFT, gained_s / apart_s)) if apart_s > 0 else 0.0


def _most_s(through: Line, seen: Sequence[Exchange]) -> float:
    """Return by how many seconds a line may be wrong at any time, by the exchanges on one side of that time.

    A slow exchange is left out if an earlier, quicker one still tells more.
    """
    told_s, wrong_s = seen[0].round_trip_s / 2, _wrong_s(through, seen[0])
    most_s = wrong_s
    for before, one in pairwise(seen):
        past_s = WANDER * abs(one.middle_s - before.middle_s)
        told_s, wrong_s = told_s + past_s, wrong_s + past_s
        most_s = max(most_s, wrong_s)
        if one.round_trip_s / 2 <= told_s:
            told_s, wrong_s = one.round_trip_s / 2, _wrong_s(through, one)
    return most_s


def _wrong_s(through: Line, seen: Exchange) -> float:
    """Return by how many seconds a line may be wrong at the moment when the other clock was read."""
    return max(through.theirs(seen.received_s) - seen.theirs_s, seen.theirs_s - through.theirs(seen.sent_s))
