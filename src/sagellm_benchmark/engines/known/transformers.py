"""`transformers serve`: refuses fields that it does not know, and gives its models' makers for its own name.

Its API says nothing of the precision, but its command does: without --dtype, it is that of the model's config.json.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.base import Ask, Card, Engine, Launch, Packages, SelfReport

_PATHS = {"/v1/chat/completions", "/load_model", "/reset"}


def recognise(ask: Ask) -> bool:
    """By what its API's description lists: it loads models when it is told to."""
    return said.mapping(ask("/openapi.json").get("paths")).keys() >= _PATHS


def describe(_ask: Ask, card: Card) -> SelfReport:
    """A model's id is its repository, or the folder that it was started with."""
    name = card.get("id")
    return SelfReport(model_folder=name if isinstance(name, str) and name.startswith("/") else None)


def keeps_precision(words: Sequence[str]) -> bool:
    """Its default is --dtype auto, and no --quantization."""
    given = {*words, *map("=".join, pairwise(words))}  # --dtype=auto and --dtype auto are the same
    asked = {word for word in given if word.startswith(("--dtype=", "--quantization="))}
    return "serve" in words and asked <= {"--dtype=auto"}


TRANSFORMERS = Engine(
    name="transformers",
    recognise=recognise,
    describe=describe,
    keeps_precision=keeps_precision,
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
