"""`transformers serve`: it refuses unknown fields, and states a model's makers where others state their own name.

Its API does not state the precision, but its command does, or without --dtype the model's config.json.
"""

from __future__ import annotations

from collections.abc import Sequence

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.base import Ask, Card, Engine, Launch, Packages, SelfReport

_PATHS = {"/v1/chat/completions", "/load_model", "/reset"}


def recognise(ask: Ask) -> bool:
    """Recognise the server by its API's description: it can be told to load models."""
    return said.mapping(ask("/openapi.json").get("paths")).keys() >= _PATHS


def describe(_ask: Ask, card: Card) -> SelfReport:
    """Return the model's folder if its id is one; otherwise, the id is a repository."""
    name = card.get("id")
    return SelfReport(model_folder=name if isinstance(name, str) and name.startswith("/") else None)


def precision(words: Sequence[str], stored: str | None) -> str | None:
    """Return the precision: without --quantization, it is --dtype, by default that of the model."""
    if "serve" not in words or said.options(words, "--quantization"):
        return None
    asked = set(said.options(words, "--dtype")) - {"auto"}
    return said.precision(*asked) if len(asked) == 1 else None if asked else stored


TRANSFORMERS = Engine(
    name="transformers",
    recognise=recognise,
    describe=describe,
    precision=precision,
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
