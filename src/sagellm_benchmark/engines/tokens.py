"""How many tokens a prompt has on the server that is measured, by the server's own tokenizer or its own count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sagellm_benchmark.engines.base import PATHS, Api, Server
from sagellm_benchmark.engines.capability import (
    PROBE_TEXT,
    PROBE_TIMEOUT_S,
    Capabilities,
    prompt_fields,
)
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net import post_json


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
        answer = _post(self.server, PATHS[self.api], body, timeout_s=PROBE_TIMEOUT_S)
        return _number(answer, "usage", "prompt_tokens")


def find_counter(server: Server, capabilities: Capabilities) -> TokenCounter | None:
    """The cheapest way to count that agrees with the server's own usage; None where nothing counts.

    A tokenizer that gives PROBE_TEXT another length than the server charged for it does not see the whole prompt.
    """
    ask = _ENDPOINTS.get(server.engine)
    if ask is not None:
        tokenizer = Tokenizer(lambda text: ask(server, capabilities.api, text))
        try:
            counted = tokenizer.count(PROBE_TEXT)
        except RemoteError:
            counted = None
        if counted is not None and capabilities.prompt_tokens in {None, counted}:
            return tokenizer
    return Usage(server, capabilities.api) if capabilities.usage else None


def _llamacpp(server: Server, api: Api, text: str) -> int:
    """llama.cpp renders the template in one call and tokenizes in another, special tokens parsed as in a request."""
    if api == "chat":
        rendered = _post(server, "/apply-template", prompt_fields(api, text))
        prompt = rendered.get("prompt") if isinstance(rendered, dict) else None
        if not isinstance(prompt, str):
            raise RemoteError(f"{server.base_url}/apply-template answers without a prompt")
        text = prompt
    answer = _post(server, "/tokenize", {"content": text, "add_special": True, "parse_special": True})
    tokens = answer.get("tokens") if isinstance(answer, dict) else None
    if not isinstance(tokens, list):
        raise RemoteError(f"{server.base_url}/tokenize answers without tokens")
    return len(tokens)


def _vllm(server: Server, api: Api, text: str) -> int:
    """vLLM's /tokenize takes what a request takes; SGLang has the same one."""
    answer = _post(server, "/tokenize", {"model": server.served_model, **prompt_fields(api, text)})
    return _number(answer, "count")


def _lmdeploy(server: Server, api: Api, text: str) -> int:
    """LMDeploy applies its chat template when told to."""
    answer = _post(server, "/v1/encode", {"input": text, "do_preprocess": api == "chat", "add_bos": True})
    return _number(answer, "length")


_ENDPOINTS: dict[str, Callable[[Server, Api, str], int]] = {
    "llama.cpp": _llamacpp,
    "vllm": _vllm,
    "sglang": _vllm,
    "lmdeploy": _lmdeploy,
    "sagellm": _vllm,
}


def _post(server: Server, path: str, body: dict[str, Any], timeout_s: float = 10.0) -> Any:
    return post_json(f"{server.base_url}{path}", body, timeout_s=timeout_s, api_key=server.api_key)


def _number(answer: Any, *path: str) -> int:
    """The whole number at `path` of an answer that may be anything."""
    value = answer
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RemoteError(f"the server's answer holds no count at {'.'.join(path)}")
    return value
