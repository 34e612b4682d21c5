"""How the events of answers lie in time: the longest wait, and how many events came together. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sagellm_benchmark.verdict.columns import Columns, Floats

Places = npt.NDArray[np.intp]

TOGETHER_S = 0.0001  # between events that were let go together; no decode step is as short
ENOUGH_EVENTS = 16  # of an answer whose shape is looked at


@dataclass(frozen=True, slots=True)
class Shapes:
    """One entry for each answer that has events enough; seconds."""

    ttft_s: Floats
    wait_s: Floats  # the longest gap in the first half
    before_s: Floats  # request start to where that gap begins
    other_s: Floats  # mean of the other gaps
    largest: Floats  # the longest gap of all ÷ from first to last event
    together: Places  # events that came at once, at most

    @classmethod
    def of(cls, columns: Columns) -> Shapes | None:
        """Return those of a run's answers; None where all are too short."""
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
    """Return for each answer the place of the first value that is the one wanted."""
    places = np.flatnonzero(values == np.repeat(wanted, counts))
    return places[np.searchsorted(places, begins)]


def _runs(flags: npt.NDArray[np.bool_], begins: Places) -> Places:
    """Tell how many flags in a row are up, at each place; a run never goes on from one answer to the next."""
    up = np.cumsum(flags)
    floor = np.where(flags, 0, up)
    floor[begins] = np.maximum(floor[begins], up[begins] - flags[begins])
    return up - np.maximum.accumulate(floor)
