"""The contents of answers as numbers, because their texts are not kept for ever. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ENOUGH_WORDS = 16  # an answer of fewer words is not called monotonous
_BEGINNING = 80  # characters of an answer that are looked for in its prompt
_SHORTEST = 20  # an answer of fewer characters is not called an echo


@dataclass(frozen=True, slots=True)
class Texts:
    """Numbers over all answers of a run; with several repeats, `distinct` is the highest of any repeat."""

    bytes: int = 0
    blank_ends: int = 0  # blanks at the ends of answers
    monotonous: int = 0  # answers that say one or two words over and over
    distinct: int = 0  # different answers


class Reader:
    """Reads answers one by one and keeps the numbers."""

    def __init__(self) -> None:
        self._bytes = self._blank_ends = self._monotonous = 0
        self._seen: set[int] = set()

    def note(self, text: str) -> None:
        """Count one more answer."""
        self._bytes += len(text.encode("utf-8", "replace"))
        self._blank_ends += len(text) - len(text.rstrip())
        self._monotonous += is_monotonous(text)
        self._seen.add(hash(text))

    @property
    def texts(self) -> Texts:
        """The numbers over all answers so far."""
        return Texts(self._bytes, self._blank_ends, self._monotonous, len(self._seen))


def join(repeats: Sequence[Texts]) -> Texts:
    """Return the numbers of several repeats of one load together."""
    return Texts(
        bytes=sum(one.bytes for one in repeats),
        blank_ends=sum(one.blank_ends for one in repeats),
        monotonous=sum(one.monotonous for one in repeats),
        distinct=max(one.distinct for one in repeats),
    )


def is_monotonous(text: str) -> bool:
    """Return whether an answer consists of one or two different words over and over."""
    words = text.split()
    return len(words) >= ENOUGH_WORDS and len(set(words)) <= 2


def echoes(text: str, prompt: str) -> bool:
    """Return whether an answer begins with a piece of its prompt."""
    beginning = text.strip()[:_BEGINNING]
    return len(beginning) >= _SHORTEST and beginning in prompt
