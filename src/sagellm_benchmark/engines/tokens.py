"""How many tokens a prompt has on the server that is measured, by the server's own tokenizer or its own count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.api import PATHS, Api
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.capability import PROBE_TEXT, PROBE_TIMEOUT_S, Capabilities
from sagellm_benchmark.engines.prompt import prompt_fields
from sagellm_benchmark.errors import RemoteError

_LONGER_TEXT = "Once upon a time there was a server, and it counted every word that it was given."


class TokenCounter(Protocol):
    """Counts the tokens that `text` makes as the one prompt of a request, a chat template's own included."""

    @property
    def cheap(self) -> bool:
        """Whether a count costs about a millisecond; otherwise it costs a request to the model."""
        ...

    def count(self, text: str) -> int:
        """Return the prompt tokens of a request whose prompt is `text`. Raise RemoteError."""
        ...


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Counts through the server's tokenizer endpoint."""

    ask: Callable[[str], int]
    cheap: bool = True

    def count(self, text: str) -> int:
        """Return what the endpoint counts for a request whose prompt is `text`. Raise RemoteError."""
        return self.ask(text)


@dataclass(frozen=True, slots=True)
class Templated:
    """Counts a text by itself, and adds what the server's template adds to every prompt."""

    ask: Callable[[str], int]
    overhead: int
    cheap: bool = True

    def count(self, text: str) -> int:
        """Return the count of `text` with the template's tokens added. Raise RemoteError."""
        return self.ask(text) + self.overhead


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts by asking for one token, not streamed, and reading what the server charges for the prompt."""

    server: Server
    api: Api
    system: str | None = None  # the message before each prompt of a chat
    cheap: bool = False

    def count(self, text: str) -> int:
        """Return the prompt tokens that the server charges; the model reads `text`: it must be no prompt of the run."""
        fields = prompt_fields(self.api, text, self.system)
        body = {"model": self.server.served_model, **fields, "max_tokens": 1}
        answer = said.post(self.server, PATHS[self.api], body, timeout_s=PROBE_TIMEOUT_S)
        return said.tokens(answer, "usage", "prompt_tokens")


def find_counter(
    server: Server, capabilities: Capabilities, text_tokens: Callable[[str], int] | None = None
) -> TokenCounter | None:
    """Return the cheapest way to count that agrees with the server's own usage; None where nothing counts.

    A tokenizer that gives PROBE_TEXT another length than the server charged for it does not see the whole prompt.
    `text_tokens` is a tokenizer of our own; what the template adds to its count, the server's charge tells.
    """
    usage = Usage(server, capabilities.api, capabilities.system)
    charged = capabilities.prompt_tokens if capabilities.usage else attempt(usage.count, PROBE_TEXT)
    ask = server.engine.tokenize
    if ask is not None and capabilities.system is None:
        tokenizer = Tokenizer(lambda text: ask(server, capabilities.api, text))
        counted = attempt(tokenizer.count, PROBE_TEXT)
        if counted is not None and charged in {None, counted}:
            return tokenizer
    if charged is None:
        return None
    if text_tokens is not None:
        templated = Templated(text_tokens, charged - text_tokens(PROBE_TEXT))
        if templated.overhead >= 0 and templated.count(_LONGER_TEXT) == attempt(usage.count, _LONGER_TEXT):
            return templated
    return usage


def attempt(count: Callable[[str], int], text: str) -> int | None:
    """Return a count; None if the server gives none."""
    try:
        return count(text)
    except RemoteError:
        return None
