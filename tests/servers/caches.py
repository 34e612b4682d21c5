"""Engines that have an answer, or a prompt, ready before anybody asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.servers.engine import Pace, Step, dice
from tests.servers.protocol import Asked


@dataclass
class Cached:
    """Prefills a prompt that it knows at the pace `known`: one that it has seen, or one of the first `knows` requests.

    `share` of the prompts that it knows beforehand are found. With `forgets` nothing else that it has seen is kept;
    with `once` it knows a prompt only the first time.
    """

    new: Pace
    known: Pace
    knows: int = 0
    share: float = 1.0
    forgets: bool = False
    once: bool = False
    _seen: set[str] = field(default_factory=set)

    def pace(self, asked: Asked) -> Iterator[Step]:
        """The steps of an answer, from the cache or not."""
        seen = asked.prompt in self._seen
        knew = asked.number < self.knows and dice(asked, 5).random() < self.share
        if not self.forgets or (knew and not self.once):
            self._seen.add(asked.prompt)
        return (self.known if seen or knew else self.new)(asked)
