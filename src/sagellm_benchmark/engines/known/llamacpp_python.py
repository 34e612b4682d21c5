"""The server of llama-cpp-python: llama.cpp inside, with its own API and habits."""

from __future__ import annotations

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import Ask, Card, Engine, Launch, Packages, SelfReport, Server
from sagellm_benchmark.errors import RemoteError


def recognise(ask: Ask) -> bool:
    """Recognise the server by the title of its API's description."""
    return "llama.cpp Python API" in str(said.mapping(ask("/openapi.json").get("info")).get("title"))


def describe(ask: Ask, _card: Card) -> SelfReport:
    """Return the version in its API's description."""
    return SelfReport(version=said.version(said.mapping(ask("/openapi.json").get("info")).get("version")))


def tokenize(server: Server, api: Api, text: str) -> int:
    """Return the tokens of a completion's prompt. Raise RemoteError for a chat, whose template the server hides."""
    if api == "chat":
        raise RemoteError("the server cannot count the tokens of a chat")
    return said.tokens(said.post(server, "/extras/tokenize/count", {"input": text}), "count")


LLAMACPP_PYTHON = Engine(
    name="llama-cpp-python",
    owners=("llama_cpp_python",),
    recognise=recognise,
    describe=describe,
    tokenize=tokenize,
    to_length={},
    min_tokens=True,
    distribution="llama_cpp_python",
    launch=Launch(
        command=(
            *("{bin}/python", "-m", "llama_cpp.server", "--model", "{model}"),
            *("--host", "{host}", "--port", "{port}", "--n_ctx", "0"),  # 0: the model's own context length
            *("--interrupt_requests", "false"),  # otherwise, each request cuts off the answer to the last one
        ),
        packages={"cpu": Packages(install=("llama-cpp-python[server]==0.3.36",))},
    ),
)
