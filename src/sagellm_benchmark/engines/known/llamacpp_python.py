"""The server of llama-cpp-python: llama.cpp inside, with an API and habits of its own."""

from __future__ import annotations

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import Ask, Card, Engine, Launch, Packages, SelfReport, Server
from sagellm_benchmark.errors import RemoteError


def recognise(ask: Ask) -> bool:
    """Recognise the server by the title of its API's description."""
    return "llama.cpp Python API" in str(said.mapping(ask("/openapi.json").get("info")).get("title"))


def describe(ask: Ask, _card: Card) -> SelfReport:
    """Return the version, which its API's description carries."""
    return SelfReport(version=said.version(said.mapping(ask("/openapi.json").get("info")).get("version")))


def tokenize(server: Server, api: Api, text: str) -> int:
    """Count a text as a completion's prompt; the server does not reveal how it renders a chat."""
    if api == "chat":
        raise RemoteError("it counts no chats")
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
            *("--host", "{host}", "--port", "{port}", "--n_ctx", "0"),  # 0: as long as the model's own
            *("--interrupt_requests", "false"),  # else each request cuts off the answer to the one before
        ),
        packages={"cpu": Packages(install=("llama-cpp-python[server]==0.3.36",))},
    ),
)
