"""Runs of two servers whose true difference is known, on a machine that drifts: what comparisons are held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.runs.comparison import Comparison, compared
from sagellm_benchmark.runs.side import Side, of_run
from sagellm_benchmark.verdict.compare import DETECT, Speed
from sagellm_benchmark.verdict.metrics import ERROR_RATE, ERRORS, THROUGHPUT
from sagellm_benchmark.verdict.metrics import REQUESTS as REQUEST_COUNT
from tests.fakes.records import a_record
from tests.fakes.samples import sample

Rng = np.random.Generator
Drift = Callable[[float], float]  # how slow the machine is, by the share of the time that has gone
TOKENS = 6
DECIDING = (THROUGHPUT, REQUEST_COUNT, ERRORS, ERROR_RATE)


DRIFTS: dict[str, Drift] = {
    "none": lambda _: 1.0,
    "slower by 20 %, steadily": lambda share: 1 + 0.2 * share,
    "quicker by 20 %, at first": lambda share: 1 + 0.2 * np.exp(-6 * share),
    "waves of 20 %": lambda share: 1 + 0.1 * np.sin(4 * np.pi * share),
    "a neighbour in the second half, 20 %": lambda share: 1.2 if share > 0.5 else 1.0,
}


@dataclass(frozen=True, slots=True)
class Machine:
    """`noise` is by how much a repeat differs from the next, `spread` by how much a request within it from others."""

    noise: float = 0.01
    spread: float = 0.01
    drift: Drift = DRIFTS["none"]
    requests: int = 5  # of a repeat
    together: int = 1  # so many requests after each other are slow, or quick, for one reason

    def repeat(self, slowness: float, share: float, rng: Rng) -> list[Sample]:
        """One repeat of a server, `share` of the time into the measurement."""
        slow = slowness * self.drift(share) * np.exp(rng.normal(0, self.noise))
        start, samples = 0.0, []
        for number in range(self.requests):
            if number % self.together == 0:
                shared = np.exp(rng.normal(0, self.spread, 2))
            ttft, itl = slow * np.asarray((0.1, 0.01)) * shared
            samples.append(sample(start=start, ttft=float(ttft), itl=float(itl), tokens=TOKENS))
            start = samples[-1].end_s
        return samples

    def one_after_the_other(self, true: float, repeats: int, rng: Rng) -> Comparison:
        """All of A, then all of B, whose answers take `true` times as long."""
        shares = np.linspace(0, 1, 2 * repeats)
        a = side([self.repeat(1.0, share, rng) for share in shares[:repeats]])
        b = side([self.repeat(true, share, rng) for share in shares[repeats:]])
        return compared(a, b)

    def as_asked(self, true: float, have: int, rng: Rng) -> Comparison:
        """Repeated as often as a first comparison, with `have` repeats of each, asked for."""
        more = self.one_after_the_other(true, have, rng).more_repeats
        return self.one_after_the_other(true, have + (more or 0), rng)

    def in_turn_as_asked(self, true: float, rounds: int, rng: Rng, detect: float) -> Comparison:
        """In as many rounds as a first look of `rounds` asked for, to find `detect`."""
        more = self.in_turn(true, rounds, rng, detect).more_repeats or 0
        return self.in_turn(true, rounds + more + (rounds + more) % 2, rng, detect)

    def in_turn(self, true: float, rounds: int, rng: Rng, detect: float = DETECT) -> Comparison:
        """A B, B A, A B, …: as long as the other, and as many requests."""
        slots = iter(np.linspace(0, 1, 2 * rounds))
        a: list[list[Sample]] = []
        b: list[list[Sample]] = []
        for number in range(rounds):
            order = ((a, 1.0), (b, true)) if number % 2 == 0 else ((b, true), (a, 1.0))
            for into, slowness in order:
                into.append(self.repeat(slowness, next(slots), rng))
        return compared(side(a), side(b), in_turn=True, detect=detect)


def side(repeats: Sequence[Sequence[Sample]]) -> Side:
    """A run of these repeats."""
    return of_run("run", a_record(repeats=repeats, declared=DECIDING))


def shares(found: Sequence[Comparison]) -> tuple[float, float, float]:
    """How many comparisons, in percent, call B faster, slower, or cannot tell; the rest contradict themselves."""
    said = [one.verdict for one in found]
    faster, slower, neither = (100 * said.count(one) / len(said) for one in Speed)
    return faster, slower, neither
