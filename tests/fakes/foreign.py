"""Result files of other load clients, in the shape that their documentation and their sources describe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EPOCH_S = 1_780_000_000.0
REQUESTS, TOKENS, TTFT_S, ITL_S = 40, 20, 0.1, 0.01


def _starts(ttft_s: float) -> Iterator[float]:
    for index in range(REQUESTS):
        yield EPOCH_S + index * (ttft_s + 0.2)


def _wobble(index: int) -> float:
    return 1 + 0.01 * ((index * 7) % 5 - 2)


def guidellm_request(index: int, start: float, ttft_s: float, **changes: Any) -> dict[str, Any]:
    """One of guidellm's requests; its moments are seconds since 1970."""
    first = start + ttft_s * _wobble(index)
    last = first + (TOKENS - 1) * ITL_S * _wobble(index + 1)
    return {
        "type_": "generative_request_stats",
        "request_id": f"r{index}",
        "output": "text",
        "info": {
            "status": "completed",
            "timings": {
                "targeted_start": start,
                "request_start": start,
                "first_token_iteration": first,
                "last_token_iteration": last,
                "token_iterations": TOKENS,
                "request_end": last + 0.001,
            },
            "error": None,
        },
        "input_metrics": {"text_tokens": 32},
        "output_metrics": {"text_tokens": TOKENS},
        "prompt_tokens": 32,
        "output_tokens": TOKENS,
        "time_to_first_token_ms": 1e3 * (first - start),
        **changes,
    }


def guidellm(ttft_s: float = TTFT_S, *, errored: int = 0, successful: int = REQUESTS) -> dict[str, Any]:
    """A benchmark of guidellm's, one request at a time."""
    starts = list(_starts(ttft_s))
    requests = [guidellm_request(i, start, ttft_s) for i, start in enumerate(starts)]
    failed = [
        {**one, "info": {**one["info"], "status": "errored", "error": "HTTP 500"}}
        for one in requests[:errored]
    ]
    return {
        "type_": "generative_benchmark",
        "config": {"strategy": {"type_": "concurrent", "streams": 1}},
        "metrics": {"request_totals": {"successful": successful, "errored": errored, "incomplete": 0}},
        "requests": {"successful": requests[errored:], "errored": failed, "incomplete": []},
    }


def write_guidellm(path: Path, *benchmarks: dict[str, Any]) -> Path:
    """A benchmarks.json."""
    path.write_text(json.dumps({"metadata": {"version": 1}, "args": {}, "benchmarks": benchmarks}))
    return path


def aiperf_record(index: int, start: float, ttft_s: float) -> dict[str, Any]:
    """One of aiperf's records; its moments are nanoseconds since 1970, its metrics milliseconds."""
    gaps = [1e3 * ITL_S * _wobble(index + at) for at in range(TOKENS - 1)]
    ttft_ms = 1e3 * ttft_s * _wobble(index)
    latency_ms = ttft_ms + sum(gaps)
    return {
        "metadata": {
            "session_num": index,
            "turn_index": 0,
            "request_start_ns": int(start * 1e9),
            "request_end_ns": int((start + latency_ms / 1e3) * 1e9),
            "benchmark_phase": "profiling",
            "was_cancelled": False,
        },
        "metrics": {
            "input_sequence_length": {"value": 32, "unit": "tokens"},
            "time_to_first_token": {"value": ttft_ms, "unit": "ms"},
            "inter_chunk_latency": {"value": gaps, "unit": "ms"},
            "request_latency": {"value": latency_ms, "unit": "ms"},
            "output_sequence_length": {"value": TOKENS + 1, "unit": "tokens"},  # by its own tokenizer
            "usage_completion_tokens": {"value": TOKENS, "unit": "tokens"},
        },
        "error": None,
    }


def write_aiperf(folder: Path, ttft_s: float = TTFT_S, *, failed: int = 0) -> Path:
    """A folder of aiperf's artifacts."""
    folder.mkdir()
    records = [aiperf_record(i, start, ttft_s) for i, start in enumerate(_starts(ttft_s))]
    for one in records[:failed]:
        one["error"] = {"code": 500, "type": "HTTPError", "message": "no can do"}
        one["metrics"] = {"error_isl": {"value": 32, "unit": "tokens"}}
    warm_up = aiperf_record(0, EPOCH_S - 1, 9 * ttft_s)
    warm_up["metadata"]["benchmark_phase"] = "warmup"
    lines = "".join(json.dumps(one) + "\n" for one in (warm_up, *records))
    (folder / "profile_export.jsonl").write_text(lines)
    summary = {
        "schema_version": "1.5",
        "aiperf_version": "0.13.0",
        "input_config": {"phases": [{"name": "profiling", "type": "concurrency", "concurrency": 1}]},
        "time_to_first_token": {"unit": "ms", "avg": 100.0, "p99": 102.0},
    }
    (folder / "profile_export_aiperf.json").write_text(json.dumps(summary))
    return folder / "profile_export.jsonl"
