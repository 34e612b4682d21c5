"""Boards as hypothesis draws them: few configurations and ids, so that rows meet, and shapes no tool should write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

PUBLISHED = Path(__file__).parents[1] / "data/published_rows.json"

IDS = ("30d76796-ef21-4b53-8e6f-96d21fdafd9f", "e177f318-a7ae-4c47-813b-113d727d429d", "", " x ")
NUMBERS = st.sampled_from([0, 0.0, 1, 1.0, -0.0, 2.5, 1e308, -3, 2**63, None, True, "7"])
TEXTS = st.sampled_from(["a", "b", " a", "", "None", "é", None, 3, 3.0, ["x"], {"y": 1}])
TIMES = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "2025-01-01", "soon", None, 5])
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def _object(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=fields)


ROWS = _object(
    entry_id=st.sampled_from(IDS) | TEXTS,
    engine=TEXTS,
    model=_object(name=TEXTS, precision=TEXTS, quantization=TEXTS) | ANYTHING,
    hardware=_object(chip_model=TEXTS, chip_count=NUMBERS) | ANYTHING,
    workload=_object(name=TEXTS, concurrent_requests=NUMBERS, request_rate=NUMBERS),
    metrics=_object(throughput_tps=NUMBERS, ttft_ms=NUMBERS, error_rate=NUMBERS) | ANYTHING,
    cluster=_object(node_count=NUMBERS, parallelism=ANYTHING) | st.none(),
    metadata=_object(submitted_at=TIMES, verified=st.booleans(), notes=TEXTS | st.just("Benchmark run: Q3")),
)
"""Rows that often share a configuration, an id, or every number, and sometimes are hardly rows at all."""

BOARDS = st.lists(ROWS | ANYTHING, max_size=8)


def published_rows() -> list[dict[str, Any]]:
    """The 23 real rows that were on the board long ago."""
    rows: list[dict[str, Any]] = json.loads(PUBLISHED.read_bytes())
    return rows
