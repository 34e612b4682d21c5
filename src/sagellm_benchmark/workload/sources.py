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
        """As the row says it: `random`, or the kind and the file's name."""
        ...

    @property
    def content_hash(self) -> str:
        """SHA-256 of the prompts, or of the file they come from."""
        ...

    @property
    def count(self) -> int:
        """How many conversations a run has, where only their number ends it."""
        ...

    @property
    def overhead_tokens(self) -> int:
        """Tokens of a template, the same in every prompt."""
        ...

    @property
    def uniform(self) -> bool:
        """Whether all prompts and answers have the lengths of the workload."""
        ...

    @property
    def exact(self) -> bool | None:
        """Whether the server itself counts prompts as long as they are meant to be; None where lengths vary."""
        ...

    @property
    def distinct(self) -> int | None:
        """How many different conversations there are; None if there is no end to them."""
        ...

    @property
    def due_s(self) -> tuple[float, ...] | None:
        """When a trace's requests were sent; None for what has no times of its own."""
        ...

    @property
    def shares_beginnings(self) -> bool:
        """Whether prompts begin alike on purpose, so that a server may take them from its cache."""
        ...

    def conversation(self, index: int) -> Conversation:
        """Return the conversation at `index`; warm-up ones begin at WARMUP_INDEX."""
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
        """How many conversations there are."""
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
    """Return the source that `random` or `kind:FILE` names; UsageError or DataError where there is none.

    `talkative` has random prompts end with a request that has a model talk on; `cut` is for traces. With a `lexicon`
    the server is not asked again for what words cost.
    """
    if dataset != RANDOM:
        return open_file(dataset, workload, seed, counter, cut)
    prompts = Prompts(workload, seed, counter, lexicon, talkative=talkative)
    return Random(prompts, prompts.content_hash)
