"""Latencies as servers make them, whose true mean is known: what intervals and the test for drift are held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sagellm_benchmark.verdict.columns import Floats

Rng = np.random.Generator
WAVE = 8


@dataclass(frozen=True, slots=True)
class Series:
    """Stationary latencies; `draw(n, rng)` gives n of them in a row, from the middle of an endless run."""

    name: str
    mean: float
    draw: Callable[[int, Rng], Floats]
    streams: int = 1  # of a closed loop


def lognormal(n: int, rng: Rng) -> Floats:
    """Independent and skewed, with a standard deviation of 1 in the logarithm."""
    return rng.lognormal(0.0, 1.0, n)


def steady(n: int, rng: Rng, spread: float = 0.1) -> Floats:
    """Independent and a little skewed, as of a server that is not loaded."""
    return rng.lognormal(0.0, spread, n)


def autoregressive(n: int, rng: Rng, correlation: float = 0.6) -> Floats:
    """Each value remembers the one before it."""
    values = np.empty(n)
    last = rng.normal() / np.sqrt(1 - correlation**2)
    for i, shock in enumerate(rng.normal(0.0, 1.0, n)):
        last = values[i] = correlation * last + shock
    return 10.0 + values


def waves(n: int, rng: Rng) -> Floats:
    """A closed loop whose streams go together: one batch of the server answers all of a wave, some quicker."""
    shared = np.repeat(rng.normal(0.0, 1.0, -(-n // WAVE)), WAVE)[:n]
    return 10.0 + shared + rng.normal(0.0, 0.3, n)


def batches(n: int, rng: Rng) -> Floats:
    """A closed loop whose streams begin together and are taken in one after the other, in the same order each time."""
    turns = np.tile(np.arange(WAVE), -(-n // WAVE))[:n]
    shared = np.repeat(rng.normal(0.0, 0.5, -(-n // WAVE)), WAVE)[:n]
    return 10.0 + 2.0 * turns + shared + rng.normal(0.0, 0.3, n)


def circle(n: int, rng: Rng) -> Floats:
    """A closed loop in front of one server that answers one after the other, each in an exponential time: who has an
    answer stands at the end of the line again.
    """
    ends = np.cumsum(rng.exponential(1.0, n + WAVE))
    return np.asarray(ends[WAVE:] - ends[:-WAVE])


def slow_rounds(n: int, rng: Rng) -> Floats:
    """A closed loop taken in one after the other, whose rounds each remember the one before."""
    rounds = autoregressive(-(-n // WAVE), rng)
    return np.repeat(rounds, WAVE)[:n] + 2.0 * np.tile(np.arange(WAVE), len(rounds))[:n]


def queue(n: int, rng: Rng, load: float) -> Floats:
    """Time in the system of an M/D/1 queue whose service takes 1, after a long warm-up (Lindley's recursion)."""
    warm_up = int(40 / (1 - load) ** 2)
    steps = 1 - rng.exponential(1 / load, n + warm_up)
    level = np.concatenate([[0.0], np.cumsum(steps)[:-1]])
    return np.asarray(1 + (level - np.minimum.accumulate(level))[warm_up:])


def overloaded(n: int, rng: Rng) -> Floats:
    """The same queue if requests arrive a fifth more often than they are answered, from the start."""
    level = np.cumsum(1 - rng.exponential(1 / 1.2, n))
    return np.asarray(1 + level - np.minimum.accumulate(level))


def md1(load: float) -> Series:
    """An M/D/1 queue; its mean is Pollaczek and Khinchine's."""
    return Series(f"M/D/1 ρ {load:g}", 1 + load / (2 * (1 - load)), lambda n, rng: queue(n, rng, load))


LOGNORMAL = Series("lognormal", float(np.exp(0.5)), lognormal)
AUTOREGRESSIVE = Series("AR(1) 0.6", 10.0, autoregressive)
WAVES = Series(f"waves of {WAVE}", 10.0, waves)
BATCHES = Series(f"{WAVE} one after the other", 10.0 + WAVE - 1, batches, WAVE)
CIRCLE = Series(f"{WAVE} around one server", float(WAVE), circle, WAVE)
SLOW_ROUNDS = Series(f"{WAVE} one after the other, rounds AR(1) 0.6", 10.0 + WAVE - 1, slow_rounds, WAVE)
COVERED = (LOGNORMAL, AUTOREGRESSIVE, WAVES, BATCHES, CIRCLE, SLOW_ROUNDS, md1(0.5), md1(0.8), md1(0.9))


TTFTS: dict[str, Callable[[int, Rng], Floats]] = {
    "steady": lambda n, rng: 0.05 * steady(n, rng),
    "bimodal": lambda n, rng: 0.05 * np.where(rng.random(n) < 0.5, 1.0, 4.0) * steady(n, rng, 0.05),
    "exponential": lambda n, rng: 0.01 + rng.exponential(0.1, n),
}
"""Times to first token, seconds, of servers that cache nothing."""


def cached_share(values: Floats, share: float, rng: Rng) -> Floats:
    """The same with some of the prompts answered from a cache, in a tenth of the quickest time."""
    return np.where(rng.random(len(values)) < share, 0.1 * values.min(), values)


def drifting(values: Floats, change: float) -> Floats:
    """The same, growing by `change` of its mean over the series."""
    return values * (1 + change * np.linspace(-0.5, 0.5, len(values)))


def coverage(
    series: Series, interval: Callable[[Floats, int], object], n: int, times: int, seed: int
) -> float:
    """The share of experiments whose interval holds the true mean; one that is refused holds nothing."""
    rng = np.random.default_rng(seed)
    found = [interval(series.draw(n, rng), series.streams) for _ in range(times)]
    held = [one for one in found if isinstance(one, tuple) and one[0] <= series.mean <= one[1]]
    return len(held) / times


def half_width(
    series: Series, interval: Callable[[Floats, int], object], n: int, times: int, seed: int
) -> float:
    """Half of the median interval's width, as a share of the true mean; one that is refused is endless."""
    rng = np.random.default_rng(seed)
    found = [interval(series.draw(n, rng), series.streams) for _ in range(times)]
    ends = [one if isinstance(one, tuple) else (0.0, np.inf) for one in found]
    return float(np.median([high - low for low, high in ends])) / 2 / series.mean
