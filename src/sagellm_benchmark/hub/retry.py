"""Try again: at random intervals, within limits, as the server asked, and never without saying so."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sagellm_benchmark.errors import BenchmarkError, ConflictError, RemoteError
from sagellm_benchmark.hub.store import Ambiguous, Busy, Stale

T = TypeVar("T")

STALE_CAP_S = 6.0  # a conflict means that somebody else got through: the next turn is soon
TROUBLE_CAP_S = 60.0


def silent(_: str) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Up to `attempts` tries within `patience_s`, but only `unanswered` ones as long as nobody has answered.

    `first_s` is the upper end of the first wait. `say` is called with a message before each wait. Tests pass a clock
    that is not real.
    """

    attempts: int = 60
    unanswered: int = 5
    patience_s: float = 900.0
    first_s: float = 0.2
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    random: random.Random = field(default_factory=random.SystemRandom)
    say: Callable[[str], None] = silent


class Tries:
    """Counts the tries of one publish, or of one read, and waits between them."""

    def __init__(self, pace: Pace, *, writes: bool = True) -> None:
        self._pace = pace
        self._writes = writes
        self._end = pace.clock() + pace.patience_s
        self.made = 0

    def wait(self, error: BenchmarkError, *, answered: bool) -> None:
        """Sleep until it is time to try again.

        If that would be once too often, or too late, raise ConflictError for a Stale error, else RemoteError.
        """
        self.made += 1
        delay = self._delay(error)
        silent = isinstance(error, Ambiguous) and not answered
        most = self._pace.unanswered if silent else self._pace.attempts
        if self.made >= most or self._pace.clock() + delay > self._end:
            raise self._given_up(error, delay) from error
        self._pace.say(f"{error.message}; trying again in {delay:.1f} s ({self.made} of {most})")
        self._pace.sleep(delay)

    def _delay(self, error: BenchmarkError) -> float:
        """Return the seconds to wait: what the server asked for, and a random part of a window that doubles."""
        cap = STALE_CAP_S if isinstance(error, Stale) else TROUBLE_CAP_S
        window = min(cap, self._pace.first_s * 2.0 ** min(self.made, 20))
        asked = error.retry_after_s or 0.0 if isinstance(error, Busy) else 0.0
        return asked + self._pace.random.uniform(window / 4, window)

    def _given_up(self, error: BenchmarkError, delay: float) -> BenchmarkError:
        said = f"gave up after {self.made} tries: {error.message}"
        if isinstance(error, Stale):
            return ConflictError(said, hint=error.hint)
        if isinstance(error, Busy) and error.retry_after_s:
            return RemoteError(said, hint=f"it asks to wait {delay:.0f} s: try again after that")
        advice = error.hint or "try again later"
        more = "; what has arrived in the meantime is not sent twice" if self._writes else ""
        return RemoteError(said, hint=f"{advice}{more}")


def retrying(read: Callable[[], T], pace: Pace | None = None) -> T:
    """Return what `read` returns; try again while it raises Stale, Busy or Ambiguous. Raise what Tries.wait raises."""
    tries = Tries(pace or Pace(), writes=False)
    while True:
        try:
            return read()
        except (Stale, Busy, Ambiguous) as error:
            tries.wait(error, answered=False)
