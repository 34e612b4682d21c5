"""How many tokens a prompt has on the measured server, by its own tokenizer or its own usage."""

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
    """Counts the tokens of a request with one prompt, including those of a chat template."""

    @property
    def cheap(self) -> bool:
        """Whether a count takes about a millisecond, and not a request to the model."""
        ...

    def count(self, text: str) -> int:
        """Return the tokens of a request with the prompt `text`. Raise RemoteError if the server does not tell."""
        ...


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Counts by the server's tokenizer endpoint."""

    ask: Callable[[str], int]
    cheap: bool = True

    def count(self, text: str) -> int:
        """Return the endpoint's count for the prompt `text`. Raise RemoteError if it does not answer."""
        return self.ask(text)


@dataclass(frozen=True, slots=True)
class Templated:
    """Counts a text by itself, and adds the tokens of the server's template."""

    ask: Callable[[str], int]
    overhead: int
    cheap: bool = True

    def count(self, text: str) -> int:
        """Return the tokens of `text` and the template together."""
        return self.ask(text) + self.overhead


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts by a request for one token, not streamed, whose usage states the prompt's tokens."""

    server: Server
    api: Api
    system: str | None = None  # the system message before each prompt of a chat
    cheap: bool = False

    def count(self, text: str) -> int:
        """Return the prompt tokens that the server charges. Raise RemoteError if it does not tell.

        `text` must not be a prompt of the run, because the server may cache it.
        """
        fields = prompt_fields(self.api, text, self.system)
        body = {"model": self.server.served_model, **fields, "max_tokens": 1}
        answer = said.post(self.server, PATHS[self.api], body, timeout_s=PROBE_TIMEOUT_S)
        return said.tokens(answer, "usage", "prompt_tokens")


def find_counter(
    server: Server, capabilities: Capabilities, text_tokens: Callable[[str], int] | None = None
) -> TokenCounter | None:
    """Return the cheapest way to count that agrees with the server's own usage; None if there is none.

    A tokenizer is not used if its count of PROBE_TEXT differs from what the server charged, because then it does not
    see the whole prompt. `text_tokens` is our own tokenizer; the server's charge shows how much the template adds.
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
    """Return the count of a text; None if the server does not tell."""
    try:
        return count(text)
    except RemoteError:
        return None
