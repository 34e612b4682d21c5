"""What the rest of the program knows about an engine: a context that serves a model over HTTP."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

Api = Literal["chat", "completions"]
Weights = Literal["real", "dummy"]

PATHS: dict[Api, str] = {"completions": "/v1/completions", "chat": "/v1/chat/completions"}
"""Where an API is, the one that is tried first first."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of the served model. `None` is not known; nothing here is guessed from a name."""

    name: str  # as the user named it, else as the server does
    parameters: str | None = None  # "7B", "135M"
    precision: str | None = None  # FP32, FP16, BF16, INT8, INT4, FP8
    quantization: str | None = None  # "Q4_0", "AWQ", …
    weights: Weights | None = None
    size_bytes: int | None = None  # of the weights, as they lie in memory
    context_length: int | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready to be measured."""

    base_url: str  # scheme://host:port[/prefix], without /v1 and without a trailing slash
    served_model: str  # the id that requests name
    engine: str  # "sagellm", "vllm", "sglang", "lmdeploy", "llama.cpp", or "openai" when it does not say
    engine_version: str | None
    model: ModelFacts
    local: bool  # it runs on this machine, so this machine's hardware is its hardware
    pid: int | None = None  # of the server's process, where we know it
    api_key: str | None = field(default=None, repr=False)  # a Server may end up in a log


class Engine(Protocol):
    """Starts or finds a server; leaving the context ends whatever it started."""

    def open(self) -> AbstractContextManager[Server]:
        """Yield a server that answers; raises UsageError, DataError or RemoteError otherwise."""
        ...
