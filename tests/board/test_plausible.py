from __future__ import annotations

from typing import Any

import pytest

from sagellm_benchmark.board.plausible import implausible
from tests.board.boards import published_rows
from tests.fakes.rows import new_row


def test_an_honest_row_is_plausible() -> None:
    assert implausible(new_row()) == []


def test_every_row_published_long_ago_is_refused_with_its_reason() -> None:
    assert all(implausible(row) for row in published_rows())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrics__throughput_tps": 0.0}, "zero throughput with zero errors"),
        ({"metrics__error_rate": 0.02}, "2.0% of the requests failed"),
        ({"metrics__ttft_ms": 800.0, "metrics__tbt_ms": 0.01, "metrics__tpot_ms": 0.01}, "not streamed"),
        ({"metrics__ttft_ms": 0.0}, "TTFT of 0 ms"),
        ({"metrics__throughput_tps": 200.0}, "more than 1 streams"),
        ({"metrics__throughput_tps": 200.0}, "Little's law: rate and latency imply"),
        ({"metrics__throughput_tps": 7.7}, "Little's law: one request after another"),
        ({"metrics__tbt_ms": 5.0}, "TPOT 12.5 ms is more than twice"),
        ({"metrics__tpot_ms": 0.5, "metrics__tbt_ms": 0.5}, "faster than memory can deliver the weights"),
        ({"model__parameters": "235B-A22B", "metrics__tpot_ms": 2.0}, "faster than memory"),
        (
            {"model__parameters": "8x7B", "metrics__tpot_ms": 0.5, "metrics__tbt_ms": 0.5},
            "faster than memory",
        ),
        (
            {"hardware__chip_model": "X1", "metrics__tpot_ms": 0.1, "metrics__tbt_ms": 0.1},
            "faster than memory",
        ),
        ({"metrics__throughput_tps": 9.9e11}, "than these chips can compute"),
        (
            {"hardware__chip_model": "X1", "metrics__throughput_tps": 9.9e11},
            "than these chips can compute",
        ),
        (
            {"workload__concurrent_requests": 10**9, "metrics__throughput_tps": 9.9e11},
            "than these chips can compute",
        ),
        (
            {"workload__request_rate": "2..4", "metrics__throughput_tps": 2000.0},
            "more than 4 requests/s of 64 tokens",
        ),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    reasons = implausible(new_row(**changes))
    assert any(words in reason for reason in reasons), reasons
    assert all(";" in reason or ":" in reason for reason in reasons)  # what to do follows


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics__throughput_tps": 0.0, "metrics__error_rate": 1.0},
        {"metrics__tbt_ms": None, "metrics__tpot_ms": None},
        {"metrics__tbt_ms": 50.0},  # four tokens an event
        {"workload__concurrent_requests": 10, "metrics__throughput_tps": 600.0},
        {"workload__batch_size": 8, "metrics__throughput_tps": 500.0},
        {"workload__concurrent_requests": None, "metrics__throughput_tps": 4000.0},
        {"workload__request_rate": 8.0, "metrics__throughput_tps": 500.0},
        {"workload__dataset": "ShareGPT", "metrics__throughput_tps": 7.7},
        {"metrics__ttft_ms": 30000.0, "metrics__throughput_tps": 2.1},  # a long wait, then a steady stream
        {"model__parameters": "unknown", "metrics__tpot_ms": 0.5, "metrics__throughput_tps": 900.0},
        {"hardware__chip_model": "A100X1", "hardware__chip_count": 8},
        {"model__parameters": "8x7B"},
        {
            "model__parameters": "135M",
            "metrics__tpot_ms": 1.0,
            "metrics__tbt_ms": 1.0,
            "metrics__throughput_tps": 600.0,
        },
    ],
)
def test_what_is_only_rare_is_not(changes: dict[str, Any]) -> None:
    reasons = implausible(new_row(**changes))
    assert [reason for reason in reasons if "2.0%" not in reason and "100.0%" not in reason] == []


@pytest.mark.parametrize(
    "row", [None, [], {}, {"metrics": [], "workload": 3}, {"metrics": {"tpot_ms": True}}]
)
def test_nothing_is_said_of_what_states_nothing(row: Any) -> None:
    assert implausible(row) == []
