"""Rows as a new submission would hold them."""

from __future__ import annotations

from typing import Any

from sagellm_benchmark.board.identity import Row, entry_id


def new_row(**changes: Any) -> Row:
    """A row that meets the contract. A change names a field by its path with `__`: `metrics__ttft_ms=5.0`.

    The entry_id is that of the content, unless a change gives another. To be accepted it must be believable, too:
    `metrics__throughput_tps` from 60 to 110 is.
    """
    row = {
        "schema_version": 1,
        "engine": "llama.cpp",
        "engine_version": "b6000",
        "sagellm_version": "0.6.0",
        "config_type": "single_gpu",
        "hardware": {
            "vendor": "NVIDIA",
            "chip_model": "NVIDIA A100 80GB PCIe",
            "chip_count": 1,
            "interconnect": "None",
            "chips_per_node": 1,
            "memory_per_chip_gb": 80.0,
            "total_memory_gb": 80.0,
        },
        "model": {
            "name": "Qwen/Qwen2-7B",
            "parameters": "7B",
            "precision": "FP16",
            "quantization": None,
            "weights": "real",
        },
        "workload": {
            "name": "Q1",
            "input_length": 32,
            "output_length": 64,
            "batch_size": 1,
            "concurrent_requests": 1,
            "dataset": "random",
        },
        "metrics": {
            "ttft_ms": 41.5,
            "tbt_ms": 12.5,
            "tpot_ms": 12.5,
            "throughput_tps": 77.0,
            "peak_mem_mb": 15400,
            "error_rate": 0.0,
        },
        "cluster": None,
        "versions": {"protocol": "N/A", "backend": "N/A", "core": "N/A", "benchmark": "0.6.0"},
        "environment": {"os": "Linux 6.2.0", "python_version": "3.12.1"},
        "kv_cache_config": None,
        "metadata": {
            "submitted_at": "2026-11-20T08:00:00Z",
            "submitter": "tester",
            "data_source": "sagellm-benchmark",
            "notes": "Benchmark run: Q1",
        },
        "validity": {"valid": True, "reasons": [], "not_checked": []},
    }
    for path, value in changes.items():
        *parents, name = path.split("__")
        place: Any = row
        for parent in parents:
            place = place[parent]
        place[name] = value
    return {"entry_id": entry_id(row), **row}


def new_rows(count: int, **changes: Any) -> list[Row]:
    """Rows of as many configurations: they differ in their prompts' length, so that they are none of Q1 to Q8."""
    return [custom_row(workload__input_length=32 + at, **changes) for at in range(count)]


def custom_row(**changes: Any) -> Row:
    """A row of a load of one's own, such as 64 requests at once."""
    return new_row(**{"workload__name": "custom", "metadata__notes": "Benchmark run: custom"} | changes)
