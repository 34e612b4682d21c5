"""A record of how random prompts were made, so that anybody can make them again without the server. Pure.

A prompt follows from the workload, the seed, the index, and the prices of words on the server. A few prompts were then
mended to have the right length by the server's own count; they differ in their ends, and only those ends are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.workload.lexicon import Lexicon
from sagellm_benchmark.workload.prompts import CLOSINGS, Prompts
from sagellm_benchmark.workload.sources import Random, Source
from sagellm_benchmark.workload.traces import TraceSource
from sagellm_benchmark.workload.workloads import Conversation, Turn, Workload

_Length = Annotated[int, Meta(ge=1, le=1 << 24)]  # tokens; the longest contexts have 2**24
_Number = Annotated[int, Meta(ge=0, le=1 << 40)]
_Price = Annotated[int, Meta(ge=1, le=1_000)]
_Word = Annotated[str, Meta(min_length=1, max_length=64)]
_Words = tuple[_Price, Annotated[tuple[_Word, ...], Meta(min_length=1)]]
_Prices = Annotated[tuple[_Words, ...], Meta(min_length=1, max_length=100)]
End = tuple[int, str]
"""How many characters of a built prompt were kept, and the text that follows them."""


class StatedWorkload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The workload that a recipe states. Anybody may have written it, so its numbers are limited to possible ones."""

    name: str
    requests: _Number
    input_tokens: _Length
    output_tokens: _Number
    concurrency: _Number
    turns: Annotated[int, Meta(ge=1, le=10_000)] = 1


class Recipe(msgspec.Struct, frozen=True):
    """How random prompts were made.

    Somebody else may have written it, so it is parsed within bounds: with a price of 0 or a word of a megabyte, making
    the prompts would never end.
    """

    workload: StatedWorkload
    first: _Prices
    later: _Prices
    overhead: Annotated[int, Meta(ge=0, le=1 << 24)]
    tokens_per_word: Annotated[float, Meta(ge=0.01, le=1_000)]
    mended: Mapping[int, tuple[End, ...]]  # the end of each turn, by conversation
    closing: Literal["", *CLOSINGS] = ""  # type: ignore[valid-type]
    closing_tokens: Annotated[int, Meta(ge=0, le=1_000)] = 0


@dataclass(frozen=True, slots=True)
class Again:
    """A run's prompts, made again."""

    prompts: Prompts
    mended: Mapping[int, tuple[End, ...]]  # the end of each turn, by conversation

    def text(self, index: int, turn: int, input_tokens: int, output_tokens: int) -> str:
        """Return the text of one request. Raise IndexError if the conversation has no such turn."""
        return self._mended(index, turn, self.prompts.build(index, input_tokens, output_tokens)[turn])

    def texts(self, index: int) -> list[str]:
        """Return every turn of a conversation whose requests have the workload's lengths."""
        asked = self.prompts.workload.input_tokens, self.prompts.workload.output_tokens
        return [self._mended(index, *turn) for turn in enumerate(self.prompts.build(index, *asked))]

    def _mended(self, index: int, turn: int, built: Turn) -> str:
        if index not in self.mended:
            return built.text
        kept, end = self.mended[index][turn]
        return built.text[:kept] + end

    @property
    def unmade_share(self) -> float:
        """The part of the mended conversations' text that does not follow from the seed."""
        ends = [(kept, len(end)) for turns in self.mended.values() for kept, end in turns]
        whole = sum(kept + more for kept, more in ends)
        return sum(more for _, more in ends) / whole if whole else 0.0


def written(source: Source) -> Recipe | None:
    """Return the recipe of a source; None if its prompts also depend on a file: texts, or a trace's shared blocks."""
    if not isinstance(source, Random | TraceSource) or source.shares_beginnings:
        return None
    prompts = source.prompts
    lexicon = prompts.lexicon
    return Recipe(
        workload=StatedWorkload(**asdict(prompts.workload)),
        first=tuple((price, tuple(words)) for price, words in lexicon.first.items()),
        later=tuple((price, tuple(words)) for price, words in lexicon.later.items()),
        overhead=lexicon.overhead,
        tokens_per_word=lexicon.tokens_per_word,
        closing=prompts.closing,
        closing_tokens=prompts.closing_tokens,
        mended={index: tuple(_ends(prompts, index)) for index in sorted(prompts.fitted)},
    )


def made_again(recipe: Recipe, seed: int) -> Again:
    """Return the prompts that a recipe gives. Raise DataError if there can be no such workload."""
    try:
        workload = Workload(**msgspec.structs.asdict(recipe.workload))
        lexicon = Lexicon.of(
            dict(recipe.first),
            dict(recipe.later),
            overhead=recipe.overhead,
            tokens_per_word=recipe.tokens_per_word,
        )
        closing = recipe.closing, recipe.closing_tokens
        return Again(Prompts(workload, seed, None, lexicon, closing=closing), recipe.mended)
    except UsageError as error:
        raise DataError(f"the recipe of the prompts is damaged: {error}") from error


def _ends(prompts: Prompts, index: int) -> Iterator[End]:
    """Yield, for each turn, how much of it is as it was built, and the text that follows."""
    fitted = prompts.fitted[index]
    first: Turn = fitted[0]
    built: Conversation = prompts.build(index, first.input_tokens, first.output_tokens)
    for mended, before in zip(fitted, built, strict=True):
        kept = _shared(mended.text, before.text)
        yield kept, mended.text[kept:]


def _shared(one: str, other: str) -> int:
    """Return how many characters at the beginning the two have in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
