"""How an answer's events are spread over time: the longest wait, and how many events came together. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sagellm_benchmark.verdict.columns import Columns, Floats

Places = npt.NDArray[np.intp]

TOGETHER_S = 0.0001  # the longest gap between events that were sent together; no decode step is as short
ENOUGH_EVENTS = 16  # the fewest events of an answer whose shape is looked at


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of answers, in seconds: arrays with an entry for each answer that has enough events."""

    ttft_s: Floats
    wait_s: Floats  # the longest gap in the first half of the answer
    before_s: Floats  # from the start of the request to the beginning of that gap
    other_s: Floats  # the mean of the other gaps
    largest: Floats  # the longest gap of all / the time from the first to the last event
    together: Places  # the most events that came at once

    @classmethod
    def of(cls, columns: Columns) -> Shapes | None:
        """Return the shapes of a run's answers; None if all of them are too short."""
        enough = columns.events >= ENOUGH_EVENTS
        if not enough.any():
            return None
        counts = (columns.events[enough] - 1).astype(np.intp)
        begins = np.cumsum(counts) - counts
        gaps = columns.gap_s[np.repeat(enough, (columns.events - 1).astype(np.intp))]
        spans, ttft_s = (columns.last_s - columns.first_s)[enough], columns.ttft_s[enough]
        place = np.arange(len(gaps)) - np.repeat(begins, counts)
        early = np.where(place < np.repeat((counts + 1) // 2, counts), gaps, -np.inf)
        wait_s = np.maximum.reduceat(early, begins)
        at = _first_equal(early, wait_s, begins, counts)
        gone = np.concatenate([[0.0], np.cumsum(gaps)])
        return cls(
            ttft_s=ttft_s,
            wait_s=wait_s,
            before_s=ttft_s + gone[at] - gone[begins],
            other_s=(spans - wait_s) / (counts - 1),
            largest=np.maximum.reduceat(gaps, begins) / np.maximum(spans, 1e-9),
            together=1 + np.maximum.reduceat(_runs(gaps < TOGETHER_S, begins), begins),
        )


def _first_equal(values: Floats, wanted: Floats, begins: Places, counts: Places) -> Places:
    """Return, for each answer, the place of the first value that equals the wanted one."""
    places = np.flatnonzero(values == np.repeat(wanted, counts))
    return places[np.searchsorted(places, begins)]


def _runs(flags: npt.NDArray[np.bool_], begins: Places) -> Places:
    """Return, at each place, how many flags up to it are set in a row within one answer."""
    up = np.cumsum(flags)
    floor = np.where(flags, 0, up)
    floor[begins] = np.maximum(floor[begins], up[begins] - flags[begins])
    return up - np.maximum.accumulate(floor)
