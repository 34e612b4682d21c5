"""SGLang: it states its arguments, by which it can be recognised even behind a proxy."""

from __future__ import annotations

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.base import (
    Ask,
    Card,
    Engine,
    Launch,
    MetricNames,
    Packages,
    SelfReport,
)
from sagellm_benchmark.engines.prompt import tokenize
from sagellm_benchmark.machine.hardware import Hardware


def recognise(ask: Ask) -> bool:
    """Recognise the server by arguments that no other engine has."""
    info = _info(ask)
    return "tp_size" in info or "server_args" in info


def describe(ask: Ask, card: Card) -> SelfReport:
    """Return what the arguments say; newer versions nest them under `server_args`."""
    info = _info(ask)
    arguments = {**said.mapping(info.get("server_args")), **info}
    quantization = said.word(arguments.get("quantization"))
    folder = arguments.get("model_path")
    return SelfReport(
        version=said.version(arguments.get("version")),
        precision=said.precision(quantization or arguments.get("dtype")),
        quantization=quantization.upper() if quantization else None,
        weights=said.load_format(arguments.get("load_format")),
        context_length=said.count(card.get("max_model_len")) or said.count(arguments.get("context_length")),
        parallelism=Hardware(
            tensor_parallel=said.count(arguments.get("tp_size")),
            pipeline_parallel=said.count(arguments.get("pp_size")),
            data_parallel=said.count(arguments.get("dp_size")),
        ),
        model_folder=folder if isinstance(folder, str) else None,
    )


def _info(ask: Ask) -> dict[str, object]:
    return ask("/get_server_info") or ask("/server_info")


SGLANG = Engine(
    name="sglang",
    owners=("sglang",),
    recognise=recognise,
    describe=describe,
    tokenize=tokenize,
    metrics=MetricNames(
        prefix="sglang",
        hit_rate=(("sglang_cached_tokens", ("sglang_prompt_tokens",)),),
        acceptance="sglang_spec_accept_rate",
        evictions=("sglang_num_retracted_requests",),
        used_tokens=("sglang_num_used_tokens",),
        running="sglang_num_running_reqs",
        waiting="sglang_num_queue_reqs",
    ),
    distribution="sglang",
    launch=Launch(
        command=(
            *("{bin}/python", "-m", "sglang.launch_server", "--model-path", "{model}"),
            *("--host", "{host}", "--port", "{port}"),
        ),
        packages={"cuda": Packages(install=("sglang==0.5.23",))},
    ),
)
