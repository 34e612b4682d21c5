"""Random prompts that have exactly the asked length on the measured server, no two with the same beginning."""

from __future__ import annotations

import hashlib
import random
import string
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from sagellm_benchmark.engines.tokens import TokenCounter
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.workload.lexicon import Lexicon, Priced, survey
from sagellm_benchmark.workload.workloads import Conversation, Turn, Workload

_CHECKED = 32  # prompts that the server counts first; if all are right, so are the prices
_MOST_FITTED = 2_000
_HASHED = 1_000
_MOST_LETTERS = 9  # up to so many letters, less one, are tried at the end of a prompt that words cannot fill
CLOSINGS = (" Count from 1 to 1000.", " Count up.")
"""Requests that make a model go on talking, the longest first."""
BLOCK_TOKENS = 512  # the size of a numbered block in Mooncake's traces
_HEAD = 3  # words that spell the prompt's number, so (size of the lexicon)³ prompts begin differently


class Prompts:
    """A workload's conversations by index. The server is asked only in the constructor; the result can be pickled.

    The same workload, seed, server and index give the same conversation, and every index gives another prompt: use
    different indices for the warm-up and for each repeat. `exact` says whether the first `count` have the asked length
    by the server's own count. `talkative` ends prompts with a request that makes the model go on, for servers that
    cannot be told to; `closing` is that request and its tokens, if it was chosen before.

    The constructor raises UsageError if the prompt has no room besides the chat template, RemoteError if the server
    stops answering.
    """

    def __init__(
        self,
        workload: Workload,
        seed: int,
        counter: TokenCounter | None,
        lexicon: Lexicon | None = None,
        *,
        talkative: bool = False,
        closing: tuple[str, int] = ("", 0),
    ) -> None:
        self._workload = workload
        self._key = f"{seed}/{workload.name}/{workload.input_tokens}"
        self._lexicon = lexicon or survey(counter)
        self._fitted: dict[int, Conversation] = {}
        self.count = workload.conversations
        self.exact = self._lexicon.known
        _check_room(self._lexicon, workload.input_tokens)
        self._first = _shuffled(self._lexicon.first, self._key)
        self._dearest_first = max(self._lexicon.first)
        self._later = _shuffled(self._lexicon.later, f"{self._key}/later")
        self.closing, self.closing_tokens = closing
        if talkative:
            self._close(counter)
        if counter is not None and counter.cheap:
            self.exact = self._fit(counter.count)

    @property
    def workload(self) -> Workload:
        """The workload of the prompts; for a trace, one with the length of its longest prompt."""
        return self._workload

    @property
    def lexicon(self) -> Lexicon:
        """The words, and how many tokens they cost on the server."""
        return self._lexicon

    @property
    def fitted(self) -> Mapping[int, Conversation]:
        """The conversations that were mended to have the right length by the server's own count, by index."""
        return self._fitted

    @property
    def overhead_tokens(self) -> int:
        """Tokens in every prompt besides its text, which a prefix cache may rightly hold."""
        return self._lexicon.overhead

    @property
    def content_hash(self) -> str:
        """The SHA-256 of the prompts of the first thousand conversations."""
        digest = hashlib.sha256()
        for index in range(min(self.count, _HASHED)):
            for turn in self.conversation(index):
                digest.update(turn.text.encode() + b"\0")
        return digest.hexdigest()

    def conversation(self, index: int) -> Conversation:
        """Return the conversation at any `index` from 0 on; it takes about 0.1 ms for 500 tokens."""
        fitted = self._fitted.get(index)
        return fitted or self.build(index, self._workload.input_tokens, self._workload.output_tokens)

    def build(self, index: int, input_tokens: int, output_tokens: int) -> Conversation:
        """Return the conversation at `index` with the given lengths, by the lexicon's prices alone."""
        rng = random.Random(f"{self._key}/{index}")  # noqa: S311 - it must be reproducible
        taken = self._lexicon.overhead + self.closing_tokens
        texts = [self._opening(rng, index, max(1, input_tokens - taken))]
        texts += [
            self._reply(rng, max(1, input_tokens - self.closing_tokens)) for _ in range(1, self._turns(index))
        ]
        return tuple(Turn(text + self.closing, input_tokens, output_tokens) for text in texts)

    def of_blocks(
        self, rounds: int, index: int, blocks: Sequence[int], input_tokens: int, output_tokens: int
    ) -> Conversation:
        """Return a conversation of one prompt made of numbered blocks.

        In a round, blocks with equal numbers have equal text, so that prompts begin alike; `index` decides the rest.
        """
        left = max(1, input_tokens - self._lexicon.overhead - self.closing_tokens)
        texts: list[str] = []
        for place, number in enumerate(blocks):
            before = 0 if place else input_tokens - self.closing_tokens - left  # the template's tokens
            budget = min(left, BLOCK_TOKENS - before)
            rng = random.Random(f"{self._key}/{rounds}/block/{number}")  # noqa: S311 - see build
            texts.append(self._reply(rng, budget) if place else self._opening(rng, number, budget))
            left -= budget
        if left:
            rng = random.Random(f"{self._key}/{index}/rest")  # noqa: S311 - see build
            texts.append(self._reply(rng, left))
        return (Turn("".join(texts) + self.closing, input_tokens, output_tokens),)

    def _close(self, counter: TokenCounter | None) -> None:
        """Choose the longest closing that leaves room for the words in which the beginnings of prompts differ."""
        word = self._first[0][0]
        alone = None if counter is None else counter.count(word)
        for closing in CLOSINGS:
            words = len(closing.split())
            price = words if counter is None or alone is None else counter.count(word + closing) - alone
            if self._lexicon.overhead + price + _HEAD <= self._workload.input_tokens:
                self.closing, self.closing_tokens = closing, price
                return

    def _turns(self, index: int) -> int:
        """Return how many turns a conversation has; the workload's last one has those that are left."""
        left = self._workload.requests - index * self._workload.turns
        return left if 0 < left < self._workload.turns else self._workload.turns

    def _opening(self, rng: random.Random, index: int, budget: int) -> str:
        """Return a first turn: words that spell the index, then random words."""
        words, left = [], budget
        for word, price in self._head(index, budget):
            if price > left:
                break
            words.append(word)
            left -= price
        filling, rest = self._lexicon.fill(rng, left)
        return " ".join([*words, *filling]) + _letters(rng, rest)

    def _head(self, index: int, budget: int) -> list[tuple[str, int]]:
        """Return words with their prices that spell the index.

        Each word also depends on the one before it, so that neighbouring indices differ in every word.
        """
        affordable = self._first
        if budget < self._dearest_first:
            affordable = [pair for pair in self._first if pair[1] <= budget] or self._first[:1]
        rest, digit = divmod(index, len(affordable))
        head = [affordable[digit]]
        for _ in range(1, _HEAD):
            rest, turned = divmod(rest, len(self._later))
            digit = (turned + 7 * digit + 3) % len(self._later)
            head.append(self._later[digit])
        return head

    def _reply(self, rng: random.Random, budget: int) -> str:
        """Return a later turn; it begins with a blank, which separates it from the answer before it."""
        words, rest = self._lexicon.fill(rng, budget)
        return "".join(f" {word}" for word in words) + _letters(rng, rest)

    def _fit(self, count: Callable[[str], int]) -> bool:
        """Have the server count the run's prompts, and mend those that are off; return whether all are exact then."""
        exact = True
        for index in range(min(self.count, _MOST_FITTED)):
            built = self.build(index, self._workload.input_tokens, self._workload.output_tokens)
            fitted, good = self._fit_one(built, count)
            exact = exact and good
            if fitted != built:
                self._fitted[index] = fitted
            if index + 1 == _CHECKED and not self._fitted:
                return exact
        return exact and self.count <= _MOST_FITTED

    def _fit_one(self, built: Conversation, count: Callable[[str], int]) -> tuple[Conversation, bool]:
        """Mend a conversation: its first turn gets its length, and each later turn adds its own length to the first.

        Also return whether all of them are exact.
        """
        rng = random.Random(f"{self._key}/{built[0].text}")  # noqa: S311 - see build
        turns: list[Turn] = []
        good = True

        @cache  # otherwise a text that already fits would be counted twice
        def closed(text: str) -> int:
            return count(text + self.closing)

        for turn in built:
            before = turns[0].text if turns else ""
            asked = turn.input_tokens + (count(before) if before else 0)
            body = turn.text.removesuffix(self.closing)
            text, found = self._grow(before, _shrink(before, body, asked, closed), asked, rng, closed)
            good = good and found == asked
            turns.append(Turn(text + self.closing, turn.input_tokens, turn.output_tokens))
        return tuple(turns), good

    def _grow(
        self, before: str, text: str, asked: int, rng: random.Random, count: Callable[[str], int]
    ) -> tuple[str, int]:
        """Add words, then single words, then letters, as long as the prompt does not become too long.

        Return the text and the tokens of `before` and it together.
        """
        found = count(before + text)
        while found < asked:
            many, _ = self._lexicon.fill(rng, asked - found)
            several = [" ".join([text, *many])] if len(many) > 1 else []
            single = [f"{text} {word}" for word, _ in rng.sample(self._later, min(8, len(self._later)))]
            tails = [_letters(rng, length) for length in (*range(1, _MOST_LETTERS), *range(1, _MOST_LETTERS))]
            for longer in (*several, *single, *(text + tail for tail in tails)):
                if found < (now := count(before + longer)) <= asked:
                    text, found = longer, now
                    break
            else:
                return text, found
        return text, found


def _shuffled(priced: Priced, key: str) -> list[tuple[str, int]]:
    """Return words with their prices, in an order that the key decides, so that another seed gives other beginnings."""
    pairs = [(word, price) for price, words in priced.items() for word in words]
    random.Random(key).shuffle(pairs)  # noqa: S311 - it must be reproducible
    return pairs


def _letters(rng: random.Random, number: int) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=number))


def _shrink(before: str, text: str, asked: int, count: Callable[[str], int]) -> str:
    """Drop words from the end, and letters from the last one left, until the prompt is not too long."""
    while len(text) > 1 and count(before + text) > asked:
        kept, blank, _ = text.rpartition(" ")
        text = kept if blank and kept else text[:-1]
    return text


def _check_room(lexicon: Lexicon, input_tokens: int) -> None:
    """Raise UsageError if the chat template alone is as long as the whole prompt should be."""
    if lexicon.overhead >= input_tokens:
        raise UsageError(
            f"a prompt of {input_tokens} tokens has no room: the server's chat template alone takes {lexicon.overhead}",
            hint="use --api completions, or a workload with longer prompts",
        )
