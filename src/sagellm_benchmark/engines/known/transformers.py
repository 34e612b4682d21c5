"""`transformers serve`: refuses fields that it does not know, and gives its models' makers for its own name."""

from __future__ import annotations

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.base import Ask, Engine, Launch, Packages

_PATHS = {"/v1/chat/completions", "/load_model", "/reset"}


def recognise(ask: Ask) -> bool:
    """By what its API's description lists: it loads models when it is told to."""
    return said.mapping(ask("/openapi.json").get("paths")).keys() >= _PATHS


TRANSFORMERS = Engine(
    name="transformers",
    recognise=recognise,
    to_length={},
    distribution="transformers",
    launch=Launch(
        command=("{bin}/transformers", "serve", "{model}", "--host", "{host}", "--port", "{port}"),
        packages=dict.fromkeys(
            ("cpu", "cuda"),
            Packages(install=("transformers[serving]==5.24.0", "torch==2.13.0", "accelerate")),
        ),
    ),
)
