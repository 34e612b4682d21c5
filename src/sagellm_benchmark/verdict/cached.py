"""Whether a server answers prompts from a cache, judged by how soon it answers prompts that it has seen. Pure.

There are two questions, each answered by ranks or counts, because TTFT is often skewed or has two peaks. Are repeated
prompts answered sooner than new ones? If so, there is a cache. Are more of the run's prompts than of the new ones
answered as soon as that? If so, the cache answered them. A false alarm needs a yes to both by chance, each at LEVEL.

A server can also know a run's prompts and keep no others. Then repeated prompts are not answered sooner, but many of
the run's prompts were answered much sooner than any new one. A machine that was slower after the run would look the
same, so these prompts are sent again, in turn with new ones: only a server that knows them answers them sooner again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sagellm_benchmark.machine.contention import Contended

Floats = npt.NDArray[np.float64]

LEVEL = 0.01  # the significance level of each test
FEWEST = 8  # prompts; no share of fewer proves anything
_VISIBLE = 0.6  # of a new prompt's TTFT; a cache makes at least a sixth of the repeated prompts this quick
_VISIBLE_S = 0.002  # by which they must also be quicker; less is noise
_SHARE = 0.1  # of a run's prompts; fewer hardly change any figure


@dataclass(frozen=True, slots=True)
class Recall:
    """TTFT, in seconds, of prompts of the run that are sent again one at a time, in turn with new ones sent twice."""

    run_s: tuple[float, ...]
    new_s: tuple[float, ...]
    repeated_s: tuple[float, ...]

    @property
    def knew(self) -> bool:
        """Whether the server answers the run's prompts sooner than both new ones and others that it has seen."""
        return all(
            _much_sooner(_quick_s(self.run_s), float(np.median(others)))
            and sooner(self.run_s, others) < LEVEL
            for others in (self.new_s, self.repeated_s)
        )


@dataclass(frozen=True, slots=True)
class RepeatTest:
    """TTFT, in seconds, of prompts that nobody can have sent before, and of the same prompts sent once more."""

    new_ttft_s: float  # the median, like the next
    repeated_ttft_s: float
    new_s: tuple[float, ...] = ()
    repeated_s: tuple[float, ...] = ()
    shorter_answers: bool = False  # whether answers were shorter than the run's: then more prompts coincide
    recall: Recall | None = None  # only if the server seems to have known the run's prompts
    contention: Contended | None = None  # on the machine while these prompts were sent

    @classmethod
    def of(
        cls,
        new_s: Sequence[float] | Floats,
        repeated_s: Sequence[float] | Floats,
        *,
        shorter_answers: bool = False,
    ) -> RepeatTest:
        """Return the test of two series of TTFTs in seconds, neither of them empty."""
        new, repeated = (tuple(float(one) for one in times) for times in (new_s, repeated_s))
        return cls(float(np.median(new)), float(np.median(repeated)), new, repeated, shorter_answers)

    @property
    def quick_s(self) -> float:
        """The TTFT of a prompt that is answered from the cache: a sixth of the repeated ones are below it."""
        return _quick_s(self.repeated_s) if self.repeated_s else self.repeated_ttft_s

    @property
    def tells(self) -> bool:
        """Whether enough prompts were answered."""
        return min(len(self.new_s), len(self.repeated_s)) >= FEWEST

    @property
    def much_sooner(self) -> bool:
        """Whether a sixth of the repeated prompts were answered much sooner than new ones, perhaps by chance."""
        return _much_sooner(self.quick_s, self.new_ttft_s)

    @property
    def shows_cache(self) -> bool:
        """Whether the server answers a prompt much sooner if it has seen it, beyond chance."""
        return self.tells and self.much_sooner and sooner(self.repeated_s, self.new_s) < LEVEL

    def answered(self, ttfts_s: Sequence[float] | Floats, slowed: float = 1.0) -> float:
        """Return the share of a run's TTFTs that only a cache explains.

        0 if they can be explained by chance, or by a server that was `slowed` times slower during the test.
        """
        if not self.shows_cache or not len(ttfts_s):
            return 0.0
        as_quick_s = float(np.percentile(self.new_s, 10)) / slowed
        return _beyond(ttfts_s, self.new_s, min(self._limit_s, as_quick_s))

    @property
    def _limit_s(self) -> float:
        return (float(np.percentile(self.new_s, 10)) + self.quick_s) / 2

    def too_few(self, ttfts_s: Sequence[float] | Floats) -> int:
        """Return how many of a run's TTFTs a cache would explain, if chance explains them as well; else 0."""
        return (
            0
            if not self.shows_cache or self.answered(ttfts_s)
            else sum(one < self._limit_s for one in ttfts_s)
        )

    def known(self, ttfts_s: Sequence[float] | Floats, streams: int) -> float:
        """Return the share of a run's TTFTs that are much shorter than those of the test's prompts, repeated or not.

        0 if a cache or chance explains them. If more prompts were in flight together in the test than in the run, which
        had `streams` streams, only the quickest of the test's prompts is compared.
        """
        if not self.tells or self.shows_cache or not len(ttfts_s):
            return 0.0
        quickest = 10 if streams == 1 or not self.shorter_answers else 0
        least = min(float(np.percentile(times, quickest)) for times in (self.new_s, self.repeated_s))
        return _beyond(ttfts_s, self.new_s, _visible_s(least))


def _quick_s(times: Sequence[float]) -> float:
    return float(np.percentile(times, 100 / 6))


def _much_sooner(quick_s: float, others_s: float) -> bool:
    return quick_s <= _visible_s(others_s)


def _visible_s(others_s: float) -> float:
    return min(_VISIBLE * others_s, others_s - _VISIBLE_S)


def sooner(values: Sequence[float] | Floats, others: Sequence[float] | Floats) -> float:
    """Return how likely chance alone makes values this much smaller than others: twice the better of two rank tests.

    Mann and Whitney's test (1947) detects a shift, Rosenbaum's (1954) some values that are below all of the others.
    """
    return min(1.0, 2 * min(_mann_whitney(values, others), _precedence(values, others)))


def more(hits: int, of: int, other_hits: int, of_others: int) -> float:
    """Return how likely chance gives the first group such a share of all hits (Fisher's exact test, one-sided)."""
    hits_of_all, all_of_them = hits + other_hits, of + of_others
    ways = math.comb(all_of_them, of_others)
    fewer = sum(
        math.comb(hits_of_all, k) * math.comb(all_of_them - hits_of_all, of_others - k)
        for k in range(other_hits + 1)
    )
    return fewer / ways


def _beyond(values: Sequence[float] | Floats, others: Sequence[float] | Floats, limit: float) -> float:
    """Return by how much the share below a limit is larger among the values than among the others.

    0 if chance explains it, or if it is small.
    """
    quick, other_quick = (sum(one < limit for one in series) for series in (values, others))
    beyond = quick / len(values) - other_quick / len(others)
    return beyond if beyond >= _SHARE and more(quick, len(values), other_quick, len(others)) < LEVEL else 0.0


def _mann_whitney(values: Sequence[float] | Floats, others: Sequence[float] | Floats) -> float:
    ours, theirs = np.asarray(values), np.asarray(others)
    n, m = len(ours), len(theirs)
    both = np.concatenate([ours, theirs])
    smaller = float((ours[:, None] < theirs).sum() + 0.5 * (ours[:, None] == theirs).sum())
    _, ties = np.unique(both, return_counts=True)
    tied = float((ties.astype(float) ** 3 - ties).sum()) / ((n + m) * (n + m - 1))
    spread = math.sqrt(n * m / 12 * (n + m + 1 - tied))
    z = (smaller - n * m / 2 - 0.5) / spread if spread else 0.0
    return math.erfc(z / math.sqrt(2)) / 2


def _precedence(values: Sequence[float] | Floats, others: Sequence[float] | Floats) -> float:
    n, m, least = len(values), len(others), min(others)
    below = sum(value < least for value in values)
    return math.comb(n + m - below, m) / math.comb(n + m, m)
