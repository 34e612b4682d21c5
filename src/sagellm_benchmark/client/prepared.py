"""The requests of one load as bytes: built before the clock starts as far as memory allows, the rest when needed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from sagellm_benchmark.client import wire

if TYPE_CHECKING:
    from sagellm_benchmark.address import Address
    from sagellm_benchmark.client.connection import Clock
    from sagellm_benchmark.client.terms import Conversations, Target
    from sagellm_benchmark.workload.workloads import Conversation

_PREPARED_BYTES = 32 * 1024 * 1024  # of requests built before the clock starts
_PREPARED = 4096  # conversations, if nobody knows how many will be needed
_PREPARED_S = 1.0  # the time spent on them, likewise


@dataclass(slots=True)
class Job:
    """A conversation and the bytes of its first request."""

    index: int
    conversation: Conversation
    first: bytes


class Prepared:
    """The conversations at `indices`, in that order."""

    def __init__(
        self,
        conversations: Conversations,
        indices: Iterator[int],
        target: Target,
        where: Address,
        clock: Clock = monotonic,
    ) -> None:
        self._conversations = conversations
        self._indices = indices
        self._target = target
        self._clock = clock
        self._head = wire.head(target, where)
        self._jobs: deque[Job] = deque()

    def prepare(self, *, endless: bool) -> int | None:
        """Build the conversations' first requests ahead, up to a fixed amount of memory.

        If they are `endless`, stop also after a second or some thousands. Return the number of all requests, later
        turns included, if every conversation was prepared; else None.
        """
        room, requests = _PREPARED_BYTES, 0
        enough = self._clock() + _PREPARED_S
        for index in self._indices:
            job = self._job(index)
            self._jobs.append(job)
            requests += len(job.conversation)
            room -= len(job.first)
            if room < 0 or (endless and (len(self._jobs) >= _PREPARED or self._clock() > enough)):
                return None
        return requests

    def take(self) -> Job | None:
        """Return the next conversation; None if there is none left."""
        if self._jobs:
            return self._jobs.popleft()
        index = next(self._indices, None)
        return None if index is None else self._job(index)

    def request(self, turns: Conversation, answers: list[str]) -> bytes:
        """Return the request of the last of these turns, which repeats the earlier turns and their answers."""
        texts = [turn.text for turn in turns]
        return wire.request(self._head, wire.body(self._target, texts, answers, turns[-1].output_tokens))

    def _job(self, index: int) -> Job:
        conversation = self._conversations(index)
        return Job(index, conversation, self.request(conversation[:1], []))
