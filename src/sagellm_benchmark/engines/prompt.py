"""A prompt in the form of each API, and its tokens by the /tokenize that several engines have."""

from __future__ import annotations

from typing import Any

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import Server


def prompt_fields(api: Api, text: str, system: str | None = None) -> dict[str, Any]:
    """Return the part of a request's body with the prompt; in a chat, `system` is the message before it."""
    if api == "chat":
        before = [] if system is None else [{"role": "system", "content": system}]
        return {"messages": [*before, {"role": "user", "content": text}]}
    return {"prompt": text}


def tokenize(server: Server, api: Api, text: str) -> int:
    """Return a prompt's tokens by a /tokenize that takes the fields of a request, and renders the template itself."""
    answer = said.post(server, "/tokenize", {"model": server.served_model, **prompt_fields(api, text)})
    return said.tokens(answer, "count")
