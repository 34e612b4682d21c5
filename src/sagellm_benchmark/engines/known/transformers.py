"""`transformers serve`: refuses fields that it does not know, and says `local` or an organisation for its name."""

from __future__ import annotations

from sagellm_benchmark.engines.base import Engine

TRANSFORMERS = Engine(
    name="transformers",
    to_length={},
    distribution="transformers",
)
