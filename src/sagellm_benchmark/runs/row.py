"""Turn a run's record into its row of the leaderboard. Pure; what was neither measured nor stated gets no value."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sagellm_benchmark.board.identity import Row, entry_id
from sagellm_benchmark.board.scenarios import CUSTOM, DOCUMENTED, rightful_name, scenario
from sagellm_benchmark.board.schema import SCHEMA_VERSION, problems
from sagellm_benchmark.engines.base import ModelFacts
from sagellm_benchmark.engines.registry import UNKNOWN, named
from sagellm_benchmark.machine.hardware import Hardware, same_chip
from sagellm_benchmark.runs.record import Config, Record, Summary
from sagellm_benchmark.verdict.figures import Metric
from sagellm_benchmark.verdict.metrics import (
    ERRORS,
    LATENCIES,
    METRICS,
    OUTPUT_TOKENS,
    PEAK_MEMORY,
    PROMPT_TOKENS,
    REQUESTS,
    THROUGHPUT,
    TTFT,
)
from sagellm_benchmark.verdict.stats import PERCENTILES

# the folders of a path that begins at the root, here or at home
_FOLDERS = re.compile(r"(?<![\w/])(?:~|\.{1,2})?/(?:[^/:=]*/)*")
VERSION = re.compile(r"\d+\.\d+\.\d+(\.\d+)?")
COMPONENTS = ("protocol", "backend", "core", "control_plane", "gateway", "kv_cache", "comm", "compression")
SPLITS = ("tensor_parallel", "pipeline_parallel", "data_parallel")
MOST_CONTENTION = 0.25
"""The part of the processors that others may use; llama.cpp slows down by more, as its threads wait for each other."""
CHANGELOG = "https://github.com/intellistream/sagellm-benchmark/blob/main/CHANGELOG.md"


def build(record: Record, declared: Sequence[Metric] = METRICS) -> Row | None:
    """Return the row; None for a run without figures. A row that must not be published says why in `unpublishable`."""
    config, summary = record.config, record.summary
    if summary.value(THROUGHPUT) is None or summary.latency(TTFT).mean is None:
        return None
    workload = _workload(config, summary)
    row = {
        "schema_version": SCHEMA_VERSION,
        "engine": config.server.engine,
        "engine_version": config.server.engine_version or "",
        "sagellm_version": config.sagellm_version,
        "config_type": _config_type(config.hardware),
        "hardware": _hardware(config.hardware),
        "model": _model(config.model),
        "workload": workload,
        "metrics": _metrics(summary, declared),
        "cluster": _cluster(config.hardware),
        "versions": _versions(config),
        "environment": {name: value or "" for name, value in config.environment.items()},
        "kv_cache_config": None,
        "metadata": _metadata(config, summary, workload["name"]),
        "validity": {
            "valid": summary.valid,
            "reasons": list(summary.reasons),
            "not_checked": list(summary.not_checked),
        },
    }
    if split := _split(config.hardware):
        row["parallelism"] = split
    row = {"entry_id": entry_id(row), **row}
    if reasons := list(unpublishable(record)) or [str(problem) for problem in problems(row)]:
        row["unpublishable"] = reasons
        row["entry_id"] = entry_id(row)
    return row


def unpublishable(record: Record) -> Iterator[str]:
    """Yield the reasons why a row may not be published, each with its remedy."""
    config, summary = record.config, record.summary
    if not summary.valid:
        yield "the run is not valid: " + "; ".join(summary.reasons)
    share = summary.contention_share
    if share is not None and share > MOST_CONTENTION and _on_processors(config):
        yield f"other programs used {share:.0%} of the processors that were measured; stop them and measure again"
    server = config.server
    yield from lacking(config.model, config.hardware, server.engine, server.engine_version)
    if not VERSION.fullmatch(config.sagellm_version):
        yield f"sagellm_version {config.sagellm_version!r} is not X.Y.Z; state it with --sagellm-version"


def _on_processors(config: Config) -> bool:
    """Return whether the engine computes, or may compute, on this machine's processors."""
    chip, processor = config.hardware.chip_model, config.machine.cpu.model
    return chip is None or (processor is not None and same_chip(chip, processor))


def lacking(model: ModelFacts, hardware: Hardware, engine: str, engine_version: str | None) -> Iterator[str]:
    """Yield what a row still needs to be published, each with how to state it; known before anything is measured."""
    if model.weights == "dummy":
        yield "weights: dummy; measure the real weights to publish"
    if model.weights is None:
        yield "the weights are unknown: the server does not say whether they are real; state it with --weights"
    yield from _unknown_hardware(hardware)
    if model.parameters is None:
        yield "the model's size is not known; state it with --parameters"
    if model.precision is None:
        yield "precision is not known; state it with --precision"
    if named(engine) is UNKNOWN:
        yield "the server does not say which engine it is; state it with --engine"
    if engine_version is None:
        yield "the engine's version is not known; state it with --engine-version"


def _unknown_hardware(hardware: Hardware) -> Iterator[str]:
    needed = ("vendor", "chip_model", "chip_count", "interconnect")
    if missing := [name for name in needed if getattr(hardware, name) is None]:
        yield (
            f"hardware is not known ({', '.join(missing)}); "
            "state it with --hardware FILE.toml or flags such as --chip-model"
        )


def _config_type(hardware: Hardware) -> str:
    if (hardware.node_count or 1) > 1:
        return "multi_node"
    return "multi_gpu" if (hardware.chip_count or 1) > 1 else "single_gpu"


def _hardware(hardware: Hardware) -> dict[str, Any]:
    """Return the hardware; each field has one type in all rows, because the dataset's viewer needs Arrow tables."""
    chips, memory = hardware.chip_count or 0, hardware.memory_per_chip_gb or 0.0
    interconnect = hardware.interconnect or "Unknown"
    return {
        "vendor": hardware.vendor or "Unknown",
        "chip_model": hardware.chip_model or "Unknown",
        "chip_count": chips,
        "interconnect": interconnect,
        "chips_per_node": hardware.chips_per_node or chips // (hardware.node_count or 1),
        "intra_node_interconnect": hardware.intra_node_interconnect or interconnect,
        "memory_per_chip_gb": round(float(memory), 2),
        "total_memory_gb": round(float(hardware.total_memory_gb or memory * chips), 2),
    }


def _cluster(hardware: Hardware) -> dict[str, Any] | None:
    if (hardware.node_count or 1) < 2:
        return None
    known = {name: value for name, value in asdict(hardware).items() if value is not None}
    names = ("comm_backend", "topology_type", "topology", "inter_node_network", "network_bandwidth_gbps")
    return {
        "node_count": hardware.node_count,
        "interconnect": hardware.inter_node_network or "Unknown",
        **{name: known[name] for name in names if name in known},
        "parallelism": {name: known[name] for name in SPLITS if name in known},
    }


def _split(hardware: Hardware) -> dict[str, int]:
    """Return how the chips of one node share the model; empty if each has all of it, or for a cluster, which says so
    elsewhere in the row.
    """
    known = {name: getattr(hardware, name) for name in SPLITS}
    return {} if (hardware.node_count or 1) > 1 else {name: n for name, n in known.items() if n and n > 1}


def _model(model: ModelFacts) -> dict[str, Any]:
    return {
        "name": model.name,
        "parameters": model.parameters or "unknown",
        "precision": model.precision or "unknown",
        "quantization": model.quantization,
        "weights": model.weights or "unknown",
    }


def _workload(config: Config, summary: Summary) -> dict[str, Any]:
    """Return the load: an open loop's rate or a closed loop's streams, and the mean lengths of given texts."""
    workload, load = config.workload, config.load
    uniform = config.dataset.uniform
    asked = uniform and not summary.own_lengths
    row: dict[str, Any] = {
        "input_length": workload.input_tokens if uniform else _each(summary, PROMPT_TOKENS),
        "output_length": workload.output_tokens if asked else _each(summary, OUTPUT_TOKENS),
        "batch_size": 1,
        "dataset": config.dataset.name,
    }
    if load.rate_text is None:
        row["concurrent_requests"] = workload.concurrency
    else:
        row |= {"arrival": load.arrival, "burstiness": load.burstiness, "request_rate": load.rate_text}
    return {"name": _workload_name(config, summary, row), **row}


def _workload_name(config: Config, summary: Summary, row: Mapping[str, Any]) -> str:
    """Return the workload's name; only exactly its documented load has a documented name."""
    workload, turns = config.workload, config.workload.turns
    if summary.own_lengths:
        return f"{workload.name} own lengths"
    name = rightful_name(
        workload.name, (row["input_length"], row["output_length"], row.get("concurrent_requests"))
    )
    return name if turns == 1 or name in DOCUMENTED else f"{name} {turns} turns"


def _each(summary: Summary, tokens: Metric) -> int:
    """Return the mean tokens of an answered request; 0, which no row may publish, if they were not counted."""
    counted = summary.value(tokens)
    answered = (summary.value(REQUESTS) or 0) - (summary.value(ERRORS) or 0)
    return round(counted / answered) if counted and answered else 0


def _metrics(summary: Summary, declared: Sequence[Metric]) -> dict[str, Any]:
    """Return every metric and latency that belongs in a row and was measured."""
    values: dict[str, Any] = {one.row: summary.value(one) for one in declared if one.row is not None}
    for one in LATENCIES:
        of_it = summary.latency(one)
        if one.row is not None:
            values[one.row] = of_it.mean
        if one.row_percentiles is not None:
            values |= {f"{one.row_percentiles}_p{q}": getattr(of_it, f"p{q}") for q in PERCENTILES}
    peak = summary.value(PEAK_MEMORY)
    return {
        **{name: value for name, value in values.items() if value is not None},
        "peak_mem_mb": 0 if peak is None else round(peak),  # the contract's name for MiB
        "peak_mem_source": "unknown" if peak is None else summary.peak_memory_source,
    }


def _versions(config: Config) -> dict[str, str]:
    """Return the versions of the engine's components as the contract wants them: without suffixes."""
    installed = dict(config.server.packages)
    if named(config.server.engine).is_sagellm:
        installed.setdefault("core", config.server.engine_version or "")
    found = {name: VERSION.match(installed.get(name, "")) for name in COMPONENTS}
    versions = {name: match[0] if match else "N/A" for name, match in found.items()}
    return {**versions, "benchmark": config.tool.version}


def _metadata(config: Config, summary: Summary, workload: str) -> dict[str, Any]:
    values = {
        "submitted_at": summary.finished_at,
        "submitter": config.submitter,
        "data_source": "sagellm-benchmark",
        "engine": config.server.engine,
        "engine_version": config.server.engine_version,
        "reproducible_cmd": for_others(config.tool.command),
        "git_commit": config.tool.git_commit,
        "release_date": summary.finished_at[:10],
        "changelog_url": CHANGELOG,
        "notes": f"Benchmark run: {_noted(workload)}",
        "verified": False,
    }
    return {name: value for name, value in values.items() if value is not None}


def _noted(workload: str) -> str:
    """Return the workload's name for the notes, in which readers may find no documented name but the right one."""
    return workload if scenario("", workload) == scenario(workload) else CUSTOM


def for_others(command: str) -> str:
    """Return the command without what concerns only this machine: the server's address and the folders of files."""
    words, shown = shlex.split(command), []
    for before, word in zip(["", *words], words, strict=False):
        option, is_joined, _ = word.partition("=")
        if before == "--base-url":
            shown.append("BASE_URL")
        elif option == "--base-url" and is_joined:
            shown.append("--base-url=BASE_URL")
        else:
            shown.append(without_folders(word))
    return shlex.join(shown)


def without_folders(text: str) -> str:
    """Return a text without the folders of the paths in it."""
    return _FOLDERS.sub("", text)
