"""How tokens are made: engines as pauses between steps, and the tokens that each step gives."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache

from tests.servers.clock import pause
from tests.servers.protocol import Asked

Step = tuple[float, int]
"""Seconds since the step before it (or since the engine began), and the tokens it gives."""

Pace = Callable[[Asked], Iterator[Step]]
"""The steps of one answer."""

Tokens = list[str]
"""What one step, or one event, holds."""

TTFT_S, ITL_S = 0.1, 0.01


def even(ttft_s: float = TTFT_S, itl_s: float = ITL_S) -> Pace:
    """A token a step, always as quickly."""
    return varying(lambda _: ttft_s, lambda _, __: itl_s)


def varying(ttft_s: Callable[[Asked], float], itl_s: Callable[[Asked, int], float]) -> Pace:
    """A token a step; prefill and each pause as they are given."""

    def pace(asked: Asked) -> Iterator[Step]:
        yield ttft_s(asked), 1
        for i in range(1, asked.tokens):
            yield itl_s(asked, i), 1

    return pace


EVEN = even()


def several(tokens: Callable[[Asked, int], int], step_s: float, ttft_s: float = TTFT_S) -> Pace:
    """Several tokens a step, as speculation gives them; the first comes alone, as a prefill gives it."""

    def pace(asked: Asked) -> Iterator[Step]:
        yield ttft_s, 1
        left, step = asked.tokens - 1, 0
        while left > 0:
            step += 1
            made = min(left, tokens(asked, step))
            left -= made
            yield step_s, made

    return pace


def dice(asked: Asked, salt: int = 0) -> random.Random:
    """Chance that is the same in every run of the same request."""
    return random.Random(asked.number * 1_009 + salt)  # noqa: S311 - reproducible is what it must be


class Engine:
    """Makes answers at a pace, `slots` of them at a time; who finds no slot waits for one."""

    def __init__(
        self, pace: Pace, slots: int | None = None, words: Callable[[Asked, int], str] | None = None
    ) -> None:
        self._pace = pace
        self._slots = slots
        self._gate: asyncio.Semaphore | None = None
        self._words = words or _word

    async def tokens(self, asked: Asked) -> AsyncIterator[Tokens]:
        """The tokens of an answer as they are made."""
        if self._slots is not None and self._gate is None:
            self._gate = asyncio.Semaphore(self._slots)
        async with self._gate or contextlib.nullcontext():
            made = 0
            for pause_s, count in self._pace(asked):
                if pause_s > 0:
                    await pause(pause_s)
                yield [self._words(asked, made + i) for i in range(count)]
                made += count


def _word(asked: Asked, position: int) -> str:
    """A token that depends on the prompt: another prompt has another answer."""
    return f"w{(hash_of(asked.prompt) + 7919 * position) % 9973:04d} "


@lru_cache(64)  # it is asked for each token of an answer
def hash_of(text: str) -> int:
    """The same number for the same text, in every process."""
    return int.from_bytes(text.encode()[-7:], "big") + len(text)


class Shared:
    """One accelerator: while it fills in a new prompt, or while it stalls, nobody's decoding goes on.

    Vllm's default before chunked prefill: new prompts go first, and every running answer waits for them.
    """

    def __init__(self, prefill_s: float, itl_s: float) -> None:
        self._prefill_s, self._itl_s = prefill_s, itl_s
        self._free_at = 0.0

    def pace(self, asked: Asked) -> Iterator[Step]:
        """Steps that wait for others' prefills."""
        loop = asyncio.get_running_loop()
        begin = max(loop.time(), self._free_at)
        self._free_at = begin + self._prefill_s
        yield self._free_at - loop.time(), 1
        for _ in range(1, asked.tokens):
            due = loop.time() + self._itl_s
            if self._free_at > loop.time():
                due += self._free_at - loop.time()
            yield due - loop.time(), 1
