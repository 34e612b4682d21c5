"""llama.cpp's own server: it says everything about its weights, and can be recognised even behind a proxy."""

from __future__ import annotations

import re

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import Ask, Card, Engine, MetricNames, SelfReport, Server
from sagellm_benchmark.engines.gguf_facts import human_count, precision_of
from sagellm_benchmark.engines.prompt import prompt_fields
from sagellm_benchmark.errors import RemoteError

_GGML_TYPE = re.compile(r"\b(I?Q\d\w*|BF16|F16|F32)\b", re.IGNORECASE)


def recognise(ask: Ask) -> bool:
    """Recognise the server by a property that no other has."""
    return "default_generation_settings" in ask("/props")


def describe(ask: Ask, card: Card) -> SelfReport:
    """Read the number of parameters, the size in bytes and the type of the weights from the model's `meta`."""
    props, meta = ask("/props"), said.mapping(card.get("meta"))
    parameters = said.count(meta.get("n_params"))
    found = _GGML_TYPE.search(str(meta.get("ftype") or props.get("model_ftype") or ""))
    kind = found.group(1).upper() if found else None
    return SelfReport(
        version=said.version(props.get("build_info")),
        parameters=human_count(parameters) if parameters else None,
        precision=precision_of(kind) if kind else None,
        quantization=kind if kind and "Q" in kind else None,
        size_bytes=said.count(meta.get("size")),
        context_length=said.count(meta.get("n_ctx")),
    )


def tokenize(server: Server, api: Api, text: str) -> int:
    """Return a prompt's tokens: one call renders the template, another tokenizes it as in a request.

    Raise RemoteError if the server does not answer as expected.
    """
    if api == "chat":
        rendered = said.mapping(said.post(server, "/apply-template", prompt_fields(api, text)))
        if not isinstance(rendered.get("prompt"), str):
            raise RemoteError(f"{server.base_url}/apply-template answers without a prompt")
        text = rendered["prompt"]
    answer = said.post(server, "/tokenize", {"content": text, "add_special": True, "parse_special": True})
    tokens = said.mapping(answer).get("tokens")
    if not isinstance(tokens, list):
        raise RemoteError(f"{server.base_url}/tokenize answers without tokens")
    return len(tokens)


LLAMACPP = Engine(
    name="llama.cpp",
    owners=("llamacpp", "llama.cpp"),
    recognise=recognise,
    describe=describe,
    tokenize=tokenize,
    metrics=MetricNames(
        prefix="llamacpp",
        hit_rate=(
            ("llamacpp_prompt_tokens_cached", ("llamacpp_prompt_tokens", "llamacpp_prompt_tokens_cached")),
        ),
        accept_rate=(
            ("llamacpp_spec_decode_num_accepted_tokens", ("llamacpp_spec_decode_num_draft_tokens",)),
        ),
        used_tokens=("llamacpp_kv_cache_tokens",),
        running="llamacpp_requests_processing",
        waiting="llamacpp_requests_deferred",
    ),
    single_turns={"cache_prompt": False},  # it then does not look for a common beginning in its slots
)
