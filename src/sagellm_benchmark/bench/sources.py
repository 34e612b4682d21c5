"""Where a run's conversations come from: random prompts, real texts, or a recorded trace."""

from __future__ import annotations

from typing import Protocol

from sagellm_benchmark.bench.datasets import open_file
from sagellm_benchmark.bench.prompts import Prompts
from sagellm_benchmark.bench.workload import Conversation, Workload
from sagellm_benchmark.engines.tokens import TokenCounter


class Source(Protocol):
    """The conversations of a run by position, without HTTP, and what the record says of them."""

    @property
    def name(self) -> str:
        """`random`, or the kind and the name of the file."""
        ...

    @property
    def content_hash(self) -> str:
        """SHA-256 of what was sent, or of the file it was taken from."""
        ...

    @property
    def uniform(self) -> bool:
        """Whether every request has the workload's lengths."""
        ...

    @property
    def count(self) -> int:
        """How many conversations the run has, or a trace holds."""
        ...

    @property
    def overhead_tokens(self) -> int:
        """Tokens that all prompts share, such as a chat template's: a prefix cache may rightly hold them."""
        ...

    @property
    def due_s(self) -> tuple[float, ...] | None:
        """When each conversation of a trace starts, in seconds; None where the schedule says so."""
        ...

    def conversation(self, index: int) -> Conversation:
        """The conversation at `index`, from 0 on without end."""
        ...


def open_source(dataset: str, workload: Workload, seed: int, counter: TokenCounter | None) -> Source:
    """The source that `--dataset` names: `random`, or sharegpt:, jsonl:, text: or trace: and a file.

    Asks the server for the lengths of prompts where it counts them; raises UsageError or DataError for a file that
    is not what it is said to be.
    """
    if dataset == "random":
        return Prompts(workload, seed, counter)
    return open_file(dataset, workload, seed, counter)
