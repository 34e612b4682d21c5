"""A run's record with ordinary contents, for what comes after a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.verdict.summarize import numbers
from tests.fakes.samples import closed_loop, columns

HARDWARE = {
    "vendor": "NVIDIA",
    "chip_model": "NVIDIA H100 80GB HBM3",
    "chip_count": 1,
    "node_count": 1,
    "chips_per_node": None,
    "interconnect": "None",
    "intra_node_interconnect": None,
    "memory_per_chip_gb": 79.6,
    "total_memory_gb": None,
    "comm_backend": None,
    "topology_type": None,
    "topology": None,
    "inter_node_network": None,
    "network_bandwidth_gbps": None,
    "tensor_parallel": None,
    "pipeline_parallel": None,
    "data_parallel": None,
}


def config(**changes: Any) -> dict[str, Any]:
    """config.json of a Q1 run of Qwen2-7B on vLLM; `changes` replace top-level entries."""
    return {
        "record_version": 1,
        "description": "Q1 5×(32→64), one at a time",
        "load_description": "one at a time",
        "tool": {
            "name": "sagellm-benchmark",
            "version": "0.6.0",
            "git_commit": None,
            "command": "sagellm-benchmark run --base-url http://127.0.0.1:8000",
            "python_version": "3.12.1",
        },
        "sagellm_version": "0.6.0",
        "started_at": "2026-03-09T10:00:00.000+00:00",
        "submitter": "someone",
        "workload": {
            "name": "Q1",
            "requests": 5,
            "input_tokens": 32,
            "output_tokens": 64,
            "concurrency": 1,
            "turns": 1,
        },
        "dataset": {"name": "random", "sha256": "0" * 64, "uniform": True, "exact": True},
        "load": {"rate_rps": None, "arrival": "poisson", "burstiness": 1.0},
        "seed": 7,
        "warmup": 1,
        "server": {
            "base_url": "http://127.0.0.1:8000",
            "served_model": "Qwen/Qwen2-7B",
            "engine": "vllm",
            "engine_version": "0.11.0",
            "local": True,
            "api": "completions",
        },
        "model": {
            "name": "Qwen2-7B",
            "parameters": "7.6B",
            "precision": "BF16",
            "quantization": None,
            "weights": "real",
        },
        "hardware": HARDWARE,
        "machine": {
            "cpu": {"vendor": "AMD", "model": "AMD EPYC", "sockets": 1, "cores": 2, "threads": 4},
            "memory_bytes": 2**34,
        },
        "environment": {"os": "Linux", "python_version": "3.12.1", "cuda_version": None},
        **changes,
    }


def summary(samples: Sequence[Sample] | None = None, **changes: Any) -> dict[str, Any]:
    """summary.json of `samples` (by default five ordinary requests)."""
    repeats = [columns(closed_loop(5) if samples is None else samples)]
    return {
        "record_version": 1,
        "status": "complete",
        "valid": True,
        "reasons": [],
        "not_checked": [],
        "finished_at": "2026-03-09T10:00:09.000+00:00",
        "weights": "real",
        "token_source": "server's usage",
        "asked_rate_rps": None,
        **numbers(repeats, {}),
        "recounted_ratio": 1.0,
        "neighbours_share": 0.01,
        "peak_mem_mb": 312.4,
        "peak_mem_source": "server process",
        "client": {
            "loop_lag_p99_s": 0.0004,
            "loop_lag_max_s": 0.001,
            "cpu_share": 0.02,
            "cpu_s": 0.1,
            "calibrated_ttft_bias_s": 0.0002,
            "calibration": {"ttft_bias_s_p50": 0.0002, "clean_tokens_per_s": 61_000.0},
        },
        **changes,
    }


def a_record(**changes: Any) -> Record:
    """Both parts; `changes` replace entries of the summary, or of the config where only that has them."""
    in_config = {name: value for name, value in changes.items() if name in config()}
    in_summary = {name: value for name, value in changes.items() if name not in in_config}
    return Record(config(**in_config), summary(**in_summary))
