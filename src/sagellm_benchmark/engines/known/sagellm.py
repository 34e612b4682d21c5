"""sageLLM: a gateway that answers, an engine process behind it, and /info about both."""

from __future__ import annotations

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.base import Ask, Card, Engine, Launch, Packages, SelfReport
from sagellm_benchmark.engines.prompt import tokenize


def describe(ask: Ask, card: Card) -> SelfReport:
    """What /info tells of the engine behind the gateway; the versions are its packages' own."""
    return SelfReport(
        version=said.version(ask("/version").get("version")),
        context_length=said.count(card.get("max_model_len")),
    )


SAGELLM = Engine(
    name="sagellm",
    owners=("sagellm",),
    describe=describe,
    tokenize=tokenize,
    distribution="isagellm",
    components={
        "core": "isagellm-core",
        "backend": "isagellm-backend",
        "protocol": "isagellm-protocol",
        "control_plane": "isagellm-control-plane",
        "gateway": "isagellm-gateway",
        "kv_cache": "isagellm-kv-cache",
        "comm": "isagellm-comm",
        "compression": "isagellm-compression",
    },
    is_sagellm=True,
    launch=Launch(
        command=(
            *("{bin}/sagellm", "serve", "--backend", "{variant}", "--model", "{model}"),
            *("--host", "{host}", "--port", "{port}", "--engine-port", "{second_port}"),
            "--benchmark-mode",  # without it, it asks itself something every five minutes
        ),
        packages=dict.fromkeys(("cpu", "cuda", "ascend"), Packages(install=("isagellm==0.5.4.70",))),
    ),
)
