"""Where a run's conversations come from: random words of exact length, or a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sagellm_benchmark.engines.tokens import TokenCounter
from sagellm_benchmark.workload.datasets import WARMUP_INDEX, open_file
from sagellm_benchmark.workload.lexicon import Lexicon
from sagellm_benchmark.workload.prompts import Prompts
from sagellm_benchmark.workload.traces import WHOLE, Cut, is_trace
from sagellm_benchmark.workload.workloads import Conversation, Workload

__all__ = ["RANDOM", "WARMUP_INDEX", "Cut", "Random", "Source", "is_trace", "open_source"]

RANDOM = "random"


class Source(Protocol):
    """Makes the conversation at any index, always the same one; picklable, for client processes."""

    @property
    def name(self) -> str:
        """The name in the row: `random`, or the kind and the file's name."""
        ...

    @property
    def content_hash(self) -> str:
        """The SHA-256 of the prompts, or of the file that they come from."""
        ...

    @property
    def count(self) -> int:
        """How many conversations a run sends, unless a duration ends it."""
        ...

    @property
    def overhead_tokens(self) -> int:
        """Tokens in every prompt besides its text, such as a chat template's."""
        ...

    @property
    def uniform(self) -> bool:
        """Whether all prompts and answers are asked to have the workload's lengths."""
        ...

    @property
    def exact(self) -> bool | None:
        """Whether prompts have the asked length by the server's own count; None if lengths vary."""
        ...

    @property
    def distinct(self) -> int | None:
        """How many different conversations there are; None if their number is unlimited."""
        ...

    @property
    def due_s(self) -> tuple[float, ...] | None:
        """When a trace's requests are due, in seconds; None for other sources."""
        ...

    @property
    def shares_beginnings(self) -> bool:
        """Whether prompts begin alike on purpose, so that a server may answer from its cache."""
        ...

    def conversation(self, index: int) -> Conversation:
        """Return the conversation at `index`; those of the warm-up begin at WARMUP_INDEX."""
        ...


@dataclass(frozen=True, slots=True)
class Random:
    """Random words, of exactly the workload's lengths."""

    prompts: Prompts
    content_hash: str
    name: str = RANDOM
    uniform: bool = True
    distinct: int | None = None
    due_s: tuple[float, ...] | None = None
    shares_beginnings: bool = False

    @property
    def exact(self) -> bool:
        """Whether every prompt has the asked length by the server's own count."""
        return self.prompts.exact

    @property
    def count(self) -> int:
        """How many conversations a run sends, unless a duration ends it."""
        return self.prompts.count

    @property
    def overhead_tokens(self) -> int:
        """Tokens that the server adds to each prompt, such as a chat template's."""
        return self.prompts.overhead_tokens

    def conversation(self, index: int) -> Conversation:
        """Return the conversation at `index`."""
        return self.prompts.conversation(index)


def open_source(
    dataset: str,
    workload: Workload,
    seed: int,
    counter: TokenCounter | None,
    *,
    talkative: bool = False,
    cut: Cut = WHOLE,
    lexicon: Lexicon | None = None,
) -> Source:
    """Return the source that `random` or `kind:FILE` names. Raise UsageError or DataError if there is none.

    `talkative` ends random prompts with a request that makes the model go on; `cut` is for traces. With a `lexicon`,
    the server is not asked again how many tokens words cost.
    """
    if dataset != RANDOM:
        return open_file(dataset, workload, seed, counter, cut)
    prompts = Prompts(workload, seed, counter, lexicon, talkative=talkative)
    return Random(prompts, prompts.content_hash)
