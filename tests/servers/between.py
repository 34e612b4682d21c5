"""What may stand between an engine and the wire: proxies that hold back, servers that make something up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tests.servers.engine import Tokens
from tests.servers.stream import Between


def joined(size: int) -> Between:
    """Send every `size` tokens as one event, as an engine's stream interval does."""

    async def between(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
        held: Tokens = []
        async for made in tokens:
            held += made
            if len(held) >= size:
                yield held
                held = []
        if held:
            yield held

    return between


async def apart(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
    """Send each token of a step as an event of its own."""
    async for made in tokens:
        for token in made:
            yield [token]


async def letters(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
    """Send every letter as an event of its own; only the first one of a token counts as it."""
    async for made in tokens:
        for token in made:
            yield [token[0]]
            for letter in token[1:]:
                yield Letter(letter)


class Letter(list[str]):
    """An event that holds less than a token."""

    def __init__(self, *text: str) -> None:
        super().__init__(text)

    def __len__(self) -> int:
        return 0


def begins_with(*words: str) -> Between:
    """Say something at once, before there is anything to say; the server does not charge for it."""

    async def between(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
        for word in words:
            yield Letter(word)
        async for made in tokens:
            yield made

    return between


def guesses(count: int, wait_s: float = 0.003) -> Between:
    """Say the first words at once and charge for them; the engine's own first ones are dropped in their place."""

    async def between(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
        await asyncio.sleep(wait_s)
        for number in range(count):
            yield [f"well{number} "]
        left = count
        async for made in tokens:
            if left:
                left -= len(made)
            else:
                yield made

    return between


def held(seconds: float) -> Between:
    """Let go of what has come since, every so many seconds."""

    async def between(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
        now, waiting = asyncio.get_running_loop().time, list[Tokens]()
        since = 0.0
        async for made in tokens:
            since = since if waiting else now()
            waiting.append(made)
            if now() - since >= seconds:
                for one in waiting:
                    yield one
                waiting.clear()
        for one in waiting:
            yield one

    return between


def whole(tokens_first: int = 0, gap_s: float = 0.0) -> Between:
    """Let the first tokens through, and the others when all of them are there, `gap_s` apart."""

    async def between(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
        seen, waiting = 0, list[Tokens]()
        async for made in tokens:
            seen += 1
            if seen <= tokens_first:
                yield made
            else:
                waiting.append(made)
        for one in waiting:
            yield one
            if gap_s:
                await asyncio.sleep(gap_s)

    return between


def fillers(count: int, gap_s: float, asked: int) -> Between:
    """Say filler words at the pace of decoding while the prompt is being read; as many are left out at the end."""

    async def between(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
        for number in range(count):
            await asyncio.sleep(gap_s)
            yield [f"hm{number} "]
        left = asked - count
        async for made in tokens:
            if left > 0:
                yield made
            left -= len(made)

    return between


def for_some(share: float, held_: Between) -> Between:
    """Do that to a share of the answers, spread evenly; let the others through."""
    asked = 0

    async def between(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
        nonlocal asked
        asked += 1
        chosen = asked * 0.618 % 1 < share
        async for made in held_(tokens) if chosen else tokens:
            yield made

    return between


def padded(real: int, asked: int, gap_s: float = 0.0) -> Between:
    """Stop after the first tokens, and fill up with blanks that cost nothing."""

    async def between(tokens: AsyncIterator[Tokens]) -> AsyncIterator[Tokens]:
        left = real
        async for made in tokens:
            if left <= 0:
                break
            left -= len(made)
            yield made
        for _ in range(asked - real):
            await asyncio.sleep(gap_s)
            yield [" "]

    return between
