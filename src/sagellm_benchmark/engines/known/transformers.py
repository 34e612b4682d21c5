"""`transformers serve`: refuses fields that it does not know, and says `local` or an organisation for its name."""

from __future__ import annotations

from sagellm_benchmark.engines.base import Engine, Launch, Packages

TRANSFORMERS = Engine(
    name="transformers",
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
