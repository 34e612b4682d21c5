"""sageLLM: a gateway that answers, engines behind it, and /info about all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.base import Ask, Card, Engine, Launch, Packages, SelfReport
from sagellm_benchmark.engines.prompt import tokenize
from sagellm_benchmark.machine.hardware import Hardware


def describe(ask: Ask, card: Card) -> SelfReport:
    """Return what /info reports of the engines behind the gateway; only their packages reveal their versions."""
    engines = [one for one in _engines(ask) if one.get("model_id") in {None, card.get("id")}]
    info = said.mapping(engines[0].get("info")) if engines else {}
    quantization, device = said.word(info.get("quantization")), said.word(info.get("device_type"))
    folder = info.get("model_path")
    return SelfReport(
        version=said.version(ask("/version").get("version")),
        precision=said.precision(_dtype(info.get("dtype"), device)),
        quantization=quantization.upper() if quantization else None,
        context_length=said.count(info.get("max_model_len")) or said.count(card.get("max_model_len")),
        parallelism=Hardware(
            tensor_parallel=said.count(info.get("tensor_parallel_size")),
            pipeline_parallel=said.count(info.get("pipeline_parallel_size")),
        ),
        device=device,
        model_folder=folder if isinstance(folder, str) else None,
        behind=tuple(filter(None, map(_address, engines))),
    )


def _dtype(dtype: object, device: str | None) -> object:
    """Return the type in which the engine computes; `auto` is float32 on processors, else float16 (0.5.4)."""
    if dtype != "auto" or device is None:
        return dtype
    return "float32" if device == "cpu" else "float16"


def _address(engine: Mapping[str, Any]) -> tuple[str, int] | None:
    host, port = engine.get("host"), said.count(engine.get("port"))
    if not isinstance(host, str) or port is None or engine.get("is_healthy") is False:
        return None
    return host, port


def last_stream(ask: Ask) -> int | None:
    """Return the tokens of the latest stream; with several engines it is unknown which one answered."""
    engines = _engines(ask)
    if len(engines) != 1:
        return None
    mainline = said.mapping(said.mapping(engines[0].get("info")).get("performance_mainline"))
    return said.count(said.mapping(mainline.get("latest_native_stream")).get("tokens_generated"))


def _engines(ask: Ask) -> list[Mapping[str, Any]]:
    listed = ask("/info").get("registered_engines")
    return [said.mapping(one) for one in listed] if isinstance(listed, list) else []


SAGELLM = Engine(
    name="sagellm",
    owners=("sagellm",),
    describe=describe,
    tokenize=tokenize,  # no release has it yet; without it, tokens are counted in another way
    last_stream=last_stream,
    to_length={},  # it accepts ignore_eos and min_tokens, as it does any field, but ignores both
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
            "--benchmark-mode",  # otherwise, it sends itself a request every five minutes
        ),
        packages=dict.fromkeys(("cpu", "cuda", "ascend"), Packages(install=("isagellm==0.5.4.70",))),
    ),
)
