"""Requests as the bytes that are sent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from sagellm_benchmark._version import __version__
from sagellm_benchmark.address import Address
from sagellm_benchmark.engines.api import PATHS
from sagellm_benchmark.errors import UsageError

if TYPE_CHECKING:
    from sagellm_benchmark.client.terms import Target


def head(target: Target, where: Address) -> bytes:
    """Return a request's head up to, but without, the value of Content-Length.

    Raise UsageError if the API key could not stand in a header.
    """
    lines = [
        f"POST {where.prefix}{PATHS[target.api]} HTTP/1.1",
        f"Host: {where.authority}",
        f"User-Agent: sagellm-benchmark/{__version__}",
        "Accept: text/event-stream, application/json",
        "Content-Type: application/json",
    ]
    if target.api_key:
        lines.append(f"Authorization: Bearer {_visible(target.api_key, 'API key', secret=True)}")
    lines.append("Content-Length: ")
    return "\r\n".join(lines).encode()


def body(target: Target, texts: Sequence[str], answers: Sequence[str], output_tokens: int) -> bytes:
    """Return the JSON of one request: the turns so far with the answers between them.

    `target.extra` overrides the other fields; a field that is None there is left out.
    """
    asked: dict[str, Any] = {
        "model": target.model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": output_tokens,
    }
    if target.min_tokens:
        asked["min_tokens"] = output_tokens
    if target.api == "chat":
        before = [] if target.system is None else [{"role": "system", "content": target.system}]
        asked["messages"] = before + _messages(texts, answers)
    else:
        asked["prompt"] = _prompt(texts, answers)
    return orjson.dumps(
        {name: value for name, value in {**asked, **target.extra}.items() if value is not None}
    )


def request(prepared_head: bytes, content: bytes) -> bytes:
    """Return a whole request, so that it can be written at once."""
    return b"%b%d\r\n\r\n%b" % (prepared_head, len(content), content)


def _messages(texts: Sequence[str], answers: Sequence[str]) -> list[dict[str, str]]:
    messages = []
    for position, text in enumerate(texts):
        messages.append({"role": "user", "content": text})
        if position < len(answers):
            messages.append({"role": "assistant", "content": answers[position]})
    return messages


def _prompt(texts: Sequence[str], answers: Sequence[str]) -> str:
    return "".join(text + (answers[i] if i < len(answers) else "") for i, text in enumerate(texts))


def _visible(text: str, what: str, *, secret: bool = False) -> str:
    """Return `text`. Raise UsageError if it cannot stand in a request head, where it could forge headers."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    raise UsageError(
        f"the {what} has a character that is not allowed in a request"
        + ("" if secret else f": {text.encode('unicode_escape').decode()}"),
        hint="look for a stray line break or space",
    )
