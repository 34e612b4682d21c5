"""What random prompts were made of, written down, so that anybody can make them again without the server. Pure.

A prompt follows from workload, seed and index, by the prices that words have on the server. The few that the server's
own count then mended differ from that in their ends, and only those ends are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.workload.lexicon import Lexicon, Priced
from sagellm_benchmark.workload.prompts import Prompts
from sagellm_benchmark.workload.sources import Random, Source
from sagellm_benchmark.workload.traces import TraceSource
from sagellm_benchmark.workload.workloads import Conversation, Turn, Workload


@dataclass(frozen=True, slots=True)
class Again:
    """A run's prompts, made again."""

    prompts: Prompts
    mended: Mapping[
        int, tuple[tuple[int, str], ...]
    ]  # by index and turn: characters kept, and what follows them

    def text(self, index: int, turn: int, input_tokens: int, output_tokens: int) -> str:
        """Return the text of one request; IndexError where the conversation has no such turn."""
        built = self.prompts.build(index, input_tokens, output_tokens)[turn].text
        if index not in self.mended:
            return built
        kept, end = self.mended[index][turn]
        return built[:kept] + end

    def texts(self, index: int) -> list[str]:
        """Return every turn of a conversation whose requests have the workload's lengths."""
        asked = self.prompts.workload.input_tokens, self.prompts.workload.output_tokens
        return [self.text(index, turn, *asked) for turn in range(len(self.prompts.build(index, *asked)))]

    @property
    def unmade_share(self) -> float:
        """Of the mended conversations: the part of their text that does not follow from the seed."""
        ends = [(kept, len(end)) for turns in self.mended.values() for kept, end in turns]
        whole = sum(kept + more for kept, more in ends)
        return sum(more for _, more in ends) / whole if whole else 0.0


def written(source: Source) -> dict[str, Any] | None:
    """Return the recipe of a source as JSON; None where it takes a file as well: texts, or a trace's shared blocks."""
    if not isinstance(source, Random | TraceSource) or source.shares_beginnings:
        return None
    prompts = source.prompts
    lexicon = prompts.lexicon
    return {
        "workload": asdict(prompts.workload),
        "first": [[price, list(words)] for price, words in lexicon.first.items()],
        "later": [[price, list(words)] for price, words in lexicon.later.items()],
        "overhead": lexicon.overhead,
        "tokens_per_word": lexicon.tokens_per_word,
        "mended": {str(index): list(_ends(prompts, index)) for index in sorted(prompts.fitted)},
    }


def made_again(recipe: Mapping[str, Any], seed: int) -> Again:
    """Return the prompts that a recipe gives. Raises DataError where it is damaged."""
    try:
        workload = Workload(**recipe["workload"])
        lexicon = Lexicon.of(
            _priced(recipe["first"]),
            _priced(recipe["later"]),
            overhead=int(recipe["overhead"]),
            tokens_per_word=float(recipe["tokens_per_word"]),
        )
        mended = {
            int(index): tuple((int(kept), str(end)) for kept, end in ends)
            for index, ends in recipe["mended"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"what the prompts were made of is damaged: {error}") from error
    return Again(Prompts(workload, seed, None, lexicon), mended)


def _ends(prompts: Prompts, index: int) -> Iterator[list[Any]]:
    """Tell how much of each turn is as it was built, and what follows."""
    fitted = prompts.fitted[index]
    first: Turn = fitted[0]
    built: Conversation = prompts.build(index, first.input_tokens, first.output_tokens)
    for mended, before in zip(fitted, built, strict=True):
        kept = _shared(mended.text, before.text)
        yield [kept, mended.text[kept:]]


def _shared(one: str, other: str) -> int:
    """Characters that both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _priced(pairs: Any) -> Priced:
    return {int(price): tuple(map(str, words)) for price, words in pairs}
