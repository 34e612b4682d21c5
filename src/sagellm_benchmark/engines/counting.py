"""How a run's tokens are counted, by the best evidence that the server offers, and what that was checked against.

The order is: usage in the stream; the server's tokenizer; our own tokenizer; the server's report of its latest stream;
and the same answer once more, not streamed, which can show that one event is one token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sagellm_benchmark.engines import said, tokenizer_file
from sagellm_benchmark.engines.api import PATHS
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.capability import PROBE_TEXT, PROBE_TIMEOUT_S, Capabilities, stream_events
from sagellm_benchmark.engines.prompt import prompt_fields
from sagellm_benchmark.engines.recognise import asking
from sagellm_benchmark.engines.tokens import TokenCounter, Usage, attempt, find_counter
from sagellm_benchmark.errors import RemoteError

PROOF_TEXT = "Count from 1 to 100."
PROOF_TOKENS = 24

TextTokens = Callable[[str], int]
"""Counts the tokens of a text by itself."""


@dataclass(frozen=True, slots=True)
class AnswerTokens:
    """The source of an answer's token count, and what it was checked against."""

    source: str
    check: str | None = None
    text_tokens: TextTokens | None = None  # None if the count does not come from the text
    by_events: bool = False  # whether one content event is one token

    @property
    def recounted(self) -> bool:
        """Whether an answer's tokens are those of its text, tokenized again."""
        return self.text_tokens is not None

    def count(self, text: str, events: int) -> int | None:
        """Return the tokens of an answer that came without usage; None if unknown."""
        if self.text_tokens is not None:
            return attempt(self.text_tokens, text)
        return events if self.by_events else None


USAGE = AnswerTokens("server's usage")
NOBODY = AnswerTokens("nobody")


@dataclass(frozen=True, slots=True)
class Counting:
    """How the tokens of prompts and answers are counted in one run."""

    prompts: TokenCounter | None  # used to build prompts
    answers: AnswerTokens
    charged: TokenCounter | None = None  # asks the server for a prompt's tokens, if its streams do not tell


@dataclass(frozen=True, slots=True)
class Proof:
    """One answer, first streamed and then not: what came, and how many tokens the server says it had."""

    text: str
    events: int
    tokens: int | None = None  # by the usage of the answer that was not streamed, if that is the same
    ended: bool = False  # whether it ended by itself: then the token that ends it is charged, but not seen
    reported: int | None = None  # tokens of the stream by the server's own report

    def agrees(self, counted: int) -> bool | None:
        """Return whether the server charged `counted` tokens; None if it did not say what it charged."""
        if self.tokens is None:
            return None
        return counted == self.tokens or (self.ended and counted == self.tokens - 1)


def plan(server: Server, capabilities: Capabilities, text_tokens: TextTokens | None = None) -> Counting:
    """Return how to count tokens; ask the server for two short answers if its streams carry no usage."""
    prompts = find_counter(server, capabilities, text_tokens)
    if capabilities.usage:
        return Counting(prompts, USAGE)
    usage = Usage(server, capabilities.api, capabilities.system)
    charged = usage if attempt(usage.count, "") is not None else None
    return Counting(prompts, _answers(server, capabilities, prompts, text_tokens), charged or prompts)


def lean(server: Server, capabilities: Capabilities, input_tokens: int) -> Capabilities:
    """Replace a template's own system message with an empty one if it takes more than half of the prompt."""
    if capabilities.api != "chat" or capabilities.usage:
        return capabilities
    usual, empty = (attempt(Usage(server, "chat", system).count, PROBE_TEXT) for system in (None, ""))
    if usual is None or empty is None or usual <= input_tokens / 2 or empty >= usual:
        return capabilities
    return replace(capabilities, system="")


def own_tokenizer(server: Server, named: str | None) -> TextTokens | None:
    """Return the tokenizer that the user names, else the one in the model folder that a server on this machine names.

    Raise UsageError or DataError if the user's cannot be read.
    """
    if named is not None:
        return tokenizer_file.load(named)
    found = tokenizer_file.beside(server.model_folder) if server.local else None
    return None if found is None else tokenizer_file.read(found)


def _answers(
    server: Server, capabilities: Capabilities, prompts: TokenCounter | None, text_tokens: TextTokens | None
) -> AnswerTokens:
    proof = _prove(server, capabilities)
    if proof is None:
        return NOBODY
    for source, count in _tokenizers(prompts, text_tokens):
        counted = attempt(count, proof.text)
        agrees = None if counted is None else proof.agrees(counted)
        if counted is not None and agrees is not False:
            held = "not checked" if agrees is None else _held(f"{counted} tokens counted", proof)
            return AnswerTokens(source, held, text_tokens=count)
    if proof.reported is not None and proof.reported == proof.events:
        said_so = f"{proof.events} events, {proof.reported} tokens by the server's report of the same stream"
        return AnswerTokens("events, by the server's report", said_so, by_events=True)
    if proof.agrees(proof.events):
        return AnswerTokens(
            "events, by an answer not streamed", _held(f"{proof.events} events", proof), by_events=True
        )
    return NOBODY


def _held(counted: str, proof: Proof) -> str:
    ended = ", one of them to end it" if proof.ended else ""
    return f"{counted}, {proof.tokens} charged for the same answer not streamed{ended}"


def _tokenizers(
    prompts: TokenCounter | None, text_tokens: TextTokens | None
) -> Iterator[tuple[str, TextTokens]]:
    """Yield ways to count a text by itself, the server's own first."""
    if prompts is not None and prompts.cheap:

        def without_template(text: str, counter: TokenCounter = prompts) -> int:
            return counter.count(text) - counter.count("")

        if text_tokens is None or not hasattr(prompts, "overhead"):
            yield "server's tokenizer", without_template
    if text_tokens is not None:
        yield "tokenizer file", text_tokens


def _prove(server: Server, capabilities: Capabilities) -> Proof | None:
    """Stream one answer, read the server's report of it, and ask for the same answer whole; None if that fails."""
    fields = {name: value for name, value in capabilities.extra.items() if value is not None}
    body = {
        "model": server.served_model,
        **prompt_fields(capabilities.api, PROOF_TEXT, capabilities.system),
        "max_tokens": PROOF_TOKENS,
        **fields,
    }
    try:
        pieces = [
            piece for event in stream_events(server, capabilities.api, body) if (piece := _content(event))
        ]
    except RemoteError:
        return None
    ask = asking(server.base_url, server.api_key, server.session)
    reported = None if server.engine.last_stream is None else server.engine.last_stream(ask)
    body.pop("stream_options", None)
    try:
        whole = said.post(server, PATHS[capabilities.api], body, timeout_s=PROBE_TIMEOUT_S)
        tokens: int | None = said.tokens(whole, "usage", "completion_tokens")
    except RemoteError:
        return Proof("".join(pieces), len(pieces), reported=reported)
    same = _content(whole) == "".join(pieces)
    ended = same and tokens is not None and tokens < PROOF_TOKENS
    return Proof("".join(pieces), len(pieces), tokens if same else None, ended, reported)


def _content(event: Mapping[str, Any]) -> str:
    """Return the generated text of an event, or of an answer that was not streamed."""
    choices = event.get("choices")
    choice = said.mapping(choices[0]) if isinstance(choices, list) and choices else {}
    part = (
        said.mapping(choice.get("delta"))
        or said.mapping(choice.get("message"))
        or {"content": choice.get("text")}
    )
    found = part.get("reasoning_content") or part.get("reasoning") or "", part.get("content") or ""
    return "".join(text for text in found if isinstance(text, str))
