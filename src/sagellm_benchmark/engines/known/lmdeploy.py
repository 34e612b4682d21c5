"""LMDeploy: it says its name, and encodes a prompt with or without the chat template."""

from __future__ import annotations

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import Ask, Card, Engine, Launch, Packages, SelfReport, Server


def describe(ask: Ask, card: Card) -> SelfReport:
    """Return the version, if the build reports it."""
    return SelfReport(
        version=said.version(ask("/version").get("version")),
        context_length=said.count(card.get("max_model_len")),
    )


def tokenize(server: Server, api: Api, text: str) -> int:
    """Return a prompt's tokens; `do_preprocess` applies the chat template."""
    body = {"input": text, "do_preprocess": api == "chat", "add_bos": True}
    return said.tokens(said.post(server, "/v1/encode", body), "length")


LMDEPLOY = Engine(
    name="lmdeploy",
    owners=("lmdeploy",),
    describe=describe,
    tokenize=tokenize,
    distribution="lmdeploy",
    launch=Launch(
        command=(
            *("{bin}/lmdeploy", "serve", "api_server", "{model}"),
            *("--server-name", "{host}", "--server-port", "{port}"),
        ),
        packages={"cuda": Packages(install=("lmdeploy==0.18.0",))},
    ),
)
