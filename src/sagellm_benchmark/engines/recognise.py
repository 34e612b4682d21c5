"""Which engine a server is, and what it says of its model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagellm_benchmark.engines.gguf_facts import human_count, precision_of
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net import StatusError, get_json

UNKNOWN_ENGINE = "openai"
_PROBE_TIMEOUT_S = 5.0
_OWNERS = {
    "vllm": "vllm",
    "sglang": "sglang",
    "lmdeploy": "lmdeploy",
    "llamacpp": "llama.cpp",
    "llama.cpp": "llama.cpp",
    "sagellm": "sagellm",
}
_DTYPES = {
    "bfloat16": "BF16",
    "float16": "FP16",
    "half": "FP16",
    "float32": "FP32",
    "float": "FP32",
    "fp8": "FP8",
    "w8a8_fp8": "FP8",
    "w8a8_int8": "INT8",
}
_VERSION = re.compile(r"v?\d+(\.\d+)+[-+.\w]{0,60}|b\d{2,7}(-[0-9a-f]{6,40})?")
_GGML_TYPE = re.compile(r"\b(I?Q\d\w*|BF16|F16|F32)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server says of itself; `None` where it says nothing."""

    engine: str
    version: str | None = None
    parameters: str | None = None
    precision: str | None = None
    quantization: str | None = None
    size_bytes: int | None = None
    context_length: int | None = None


def identify(base_url: str, card: Mapping[str, Any], *, api_key: str | None = None) -> Identity:
    """Who serves the model that `card` (its entry in /v1/models) describes: by its word, else by its own endpoints."""
    engine = _OWNERS.get(str(card.get("owned_by", "")).strip().lower())

    def ask(path: str) -> dict[str, Any]:
        return _object(f"{base_url}{path}", api_key)

    if engine in {"sglang", None}:
        info = ask("/get_server_info") or ask("/server_info")
        if engine == "sglang" or "tp_size" in info or "server_args" in info:
            return _sglang(card, info)
    if engine in {"llama.cpp", None}:
        props = ask("/props")
        if engine == "llama.cpp" or "default_generation_settings" in props:
            return _llamacpp(card, props)
    if engine is None:
        return Identity(UNKNOWN_ENGINE, context_length=_count(card.get("max_model_len")))
    return Identity(
        engine,
        version=_version(ask("/version").get("version")),
        context_length=_count(card.get("max_model_len")),
    )


def _object(url: str, api_key: str | None) -> dict[str, Any]:
    """The JSON object at `url`; empty where there is none, since not every engine has every endpoint."""
    try:
        value = get_json(url, timeout_s=_PROBE_TIMEOUT_S, api_key=api_key)
    except (StatusError, RemoteError):
        return {}
    return value if isinstance(value, dict) else {}


def _sglang(card: Mapping[str, Any], info: Mapping[str, Any]) -> Identity:
    """SGLang tells its arguments; newer versions nest them under `server_args`."""
    nested = info.get("server_args")
    arguments = {**(nested if isinstance(nested, dict) else {}), **info}
    quantization = _word(arguments.get("quantization"))
    dtype = _DTYPES.get(str(quantization or arguments.get("dtype")).lower())
    return Identity(
        "sglang",
        version=_version(arguments.get("version")),
        precision=dtype,
        quantization=quantization.upper() if quantization else None,
        context_length=_count(card.get("max_model_len")) or _count(arguments.get("context_length")),
    )


def _llamacpp(card: Mapping[str, Any], props: Mapping[str, Any]) -> Identity:
    """llama.cpp tells the parameter count, the bytes and the type of the weights in the model's `meta`."""
    meta = card.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    parameters = _count(meta.get("n_params"))
    found = _GGML_TYPE.search(str(meta.get("ftype") or props.get("model_ftype") or ""))
    kind = found.group(1).upper() if found else None
    return Identity(
        "llama.cpp",
        version=_version(props.get("build_info")),
        parameters=human_count(parameters) if parameters else None,
        precision=precision_of(kind) if kind else None,
        quantization=kind if kind and "Q" in kind else None,
        size_bytes=_count(meta.get("size")),
        context_length=_count(meta.get("n_ctx")),
    )


def _version(value: object) -> str | None:
    """A version as engines write them (0.11.0rc2, b6500-abc123); anything else is not one."""
    text = str(value or "").strip()
    return text.removeprefix("v") if _VERSION.fullmatch(text) and not text.startswith("b0-") else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**60 else None


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(r"[\w.+-]{1,40}", value) else None
