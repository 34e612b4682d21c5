"""How many tokens each word costs on the measured server, so that prompts can be built without asking it."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sagellm_benchmark.engines.common_words import COMMON_WORDS
from sagellm_benchmark.engines.tokens import TokenCounter

# One token each in every vocabulary that we know, both after a blank and at the beginning of a text.
_CORE = tuple(
    """
    also away back base best body book both call came case city come cost data days deep does done down draw each easy
    else even face fact fall feel fill find fire food form four free from full game give good half hand hard have head
    help here high home idea into just keep kind know last late left less life
    """.split()  # noqa: SIM905 - as in COMMON_WORDS
)
_ENOUGH = len(_CORE) // 4
_LARGE, _GROUP = 64, 8  # words in one request for a count
_SAMPLED = 64  # words that are priced one by one if few of them are one token
_ASSUMED = {1: _CORE}

Priced = Mapping[int, tuple[str, ...]]
"""Words, by the number of tokens that each adds to a prompt."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and their prices in tokens: `first` at the beginning of a prompt, `later` after a blank."""

    first: Priced
    later: Priced
    overhead: int  # tokens in every prompt besides its text, such as a chat template's
    known: bool  # whether the server confirmed the prices; otherwise each word is assumed to be one token
    tokens_per_word: float = 1.0  # the average, if the server was not asked for each word
    _sums: frozenset[int] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, first: Priced, later: Priced, *, overhead: int, tokens_per_word: float) -> Lexicon:
        """Return a lexicon with prices that were written down earlier."""
        sums = frozenset[int]() if set(later) == {1} else _sums(later)
        return cls(first, later, overhead, known=True, tokens_per_word=tokens_per_word, _sums=sums)

    def fill(self, rng: random.Random, budget: int) -> tuple[list[str], int]:
        """Return `budget` tokens of words to put after others, and the tokens left if no prices add up to it."""
        if len(self.later) == 1 and 1 in self.later:
            return rng.choices(self.later[1], k=max(0, round(budget / self.tokens_per_word))), 0
        chosen: list[str] = []
        while fitting := [price for price in self.later if self._payable(budget - price)]:
            price = rng.choice(fitting)
            chosen.append(rng.choice(self.later[price]))
            budget -= price
        return chosen, budget

    def _payable(self, budget: int) -> bool:
        """Return whether words can cost exactly `budget`; assume so for a large one, which shrinks word by word."""
        return budget >= 4 * max(self.later) or budget in self._sums


def survey(counter: TokenCounter | None) -> Lexicon:
    """Price the common words by the server's own count: each word if counting is cheap, else all with three requests.

    No prompt that is counted is measured later. Raise RemoteError if the server stops answering.
    """
    if counter is None:
        return Lexicon(_ASSUMED, _ASSUMED, overhead=0, known=False)
    return _by_word(counter.count) if counter.cheap else _by_line(counter.count)


def _by_line(count: Callable[[str], int]) -> Lexicon:
    """Return a lexicon from three counts.

    Two of them give the tokens per word, as a straight line; the third, words after line breaks, shows whether a word
    costs the same at the beginning.
    """
    pair = count(f"{_CORE[0]} {_CORE[0]}")
    all_later = count(" ".join(_CORE))
    all_first = count("\n".join(_CORE))
    rate = (all_later - pair) / (len(_CORE) - 2)
    overhead = max(0, round(pair - 2 * rate))
    return Lexicon(
        _ASSUMED,
        _ASSUMED,
        overhead=overhead,
        known=rate == 1
        and all_first - overhead in {len(_CORE), 2 * len(_CORE) - 1},  # a line break has 0 tokens or 1
        tokens_per_word=rate if rate > 0 else 1.0,
    )


def _by_word(count: Callable[[str], int]) -> Lexicon:
    overhead = max(0, count("a") - 1)

    def later_singles(words: Sequence[str]) -> list[str]:
        return _singles(words, lambda group: count(f"a {' '.join(group)}") == overhead + 1 + len(group))

    later = later_singles(_CORE)
    if len(later) >= _ENOUGH:
        later += later_singles([word for word in COMMON_WORDS if word not in _CORE])
        line_break = count("a\na") - overhead - 2
        first = _singles(
            later,
            lambda group: count("\n".join(group)) == overhead + len(group) + line_break * (len(group) - 1),
        )
        if len(first) >= _ENOUGH:
            return Lexicon({1: tuple(first)}, {1: tuple(later)}, overhead, known=True)
    return _priced(count, overhead)


def _singles(words: Sequence[str], all_single: Callable[[Sequence[str]], bool]) -> list[str]:
    """Return the words of those groups in which every word is one token; the rest can be spared.

    Large groups are tried first, because most of them pass on most servers; those that fail are split into small ones.
    """
    return [
        word
        for large in _groups(words, _LARGE)
        for group in ([large] if all_single(large) else filter(all_single, _groups(large, _GROUP)))
        for word in group
    ]


def _groups(words: Sequence[str], size: int) -> list[Sequence[str]]:
    return [words[start : start + size] for start in range(0, len(words), size)]


def _priced(count: Callable[[str], int], overhead: int) -> Lexicon:
    """Price a few dozen words and every letter, one by one, for tokenizers in which few words are one token."""
    words = [*COMMON_WORDS[:: max(1, len(COMMON_WORDS) // _SAMPLED)], *string.ascii_lowercase]
    first = _by_price({word: count(word) - overhead for word in words})
    later = _by_price({word: count(f"a {word}") - overhead - 1 for word in words})
    if not first or not later:
        return Lexicon(_ASSUMED, _ASSUMED, overhead=0, known=False)  # the server does not count tokens
    return Lexicon(first, later, overhead, known=True, _sums=_sums(later))


def _by_price(prices: Mapping[str, int]) -> Priced:
    return {
        price: tuple(word for word in prices if prices[word] == price)
        for price in sorted(set(prices.values()))
        if price > 0
    }


def _sums(later: Priced) -> frozenset[int]:
    """Return every total, below four times the highest price, that words can add up to."""
    sums = {0}
    for total in range(1, 4 * max(later)):
        if any(total - price in sums for price in later):
            sums.add(total)
    return frozenset(sums)
