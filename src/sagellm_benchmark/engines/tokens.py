"""How many tokens a prompt has on the server that is measured, by the server's own tokenizer or its own count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.base import PATHS, Api, Server
from sagellm_benchmark.engines.capability import PROBE_TEXT, PROBE_TIMEOUT_S, Capabilities
from sagellm_benchmark.engines.prompt import prompt_fields
from sagellm_benchmark.errors import RemoteError


class TokenCounter(Protocol):
    """Counts the tokens that `text` makes as the one prompt of a request, a chat template's own included."""

    @property
    def cheap(self) -> bool:
        """Whether a count costs about a millisecond; otherwise it costs a request to the model."""
        ...

    def count(self, text: str) -> int:
        """The prompt tokens of a request whose prompt is `text`. Raises RemoteError."""
        ...


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Counts through the server's tokenizer endpoint."""

    ask: Callable[[str], int]
    cheap: bool = True

    def count(self, text: str) -> int:
        """As TokenCounter says."""
        return self.ask(text)


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts by asking for one token and reading what the server charges for the prompt."""

    server: Server
    api: Api
    cheap: bool = False

    def count(self, text: str) -> int:
        """As TokenCounter says; `text` passes through the model, so it must be no prompt of the run."""
        body = {"model": self.server.served_model, **prompt_fields(self.api, text), "max_tokens": 1}
        answer = said.post(self.server, PATHS[self.api], body, timeout_s=PROBE_TIMEOUT_S)
        return said.tokens(answer, "usage", "prompt_tokens")


def find_counter(server: Server, capabilities: Capabilities) -> TokenCounter | None:
    """The cheapest way to count that agrees with the server's own usage; None where nothing counts.

    A tokenizer that gives PROBE_TEXT another length than the server charged for it does not see the whole prompt.
    """
    ask = server.engine.tokenize
    if ask is not None:
        tokenizer = Tokenizer(lambda text: ask(server, capabilities.api, text))
        try:
            counted = tokenizer.count(PROBE_TEXT)
        except RemoteError:
            counted = None
        if counted is not None and capabilities.prompt_tokens in {None, counted}:
            return tokenizer
    return Usage(server, capabilities.api) if capabilities.usage else None
