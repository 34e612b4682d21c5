"""Boards as the page's tests show them: published long ago, fresh, hostile, and large."""

from __future__ import annotations

from itertools import product
from typing import Any

import orjson

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import Row, entry_id
from sagellm_benchmark.site.gather import Board
from tests.board.boards import published_rows
from tests.fakes.rows import new_row

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "\u2028alert(1)\u2029",
    "javascript:alert(1)",
    '"><svg onload=alert(1)>',
    "{{ 7*7 }}",
    "__proto__",
    "a\u202eb",
    "w" * 300,
)


def of(*rows: Any) -> Board:
    return Board.of(map(Entry.of, rows))


def published() -> Board:
    return of(*published_rows())


def fresh_rows() -> list[Row]:
    """Three engines under five loads on one kind of chip, each with an interval of ±3 %, and a board of two nodes."""
    engines = (("sagellm", "0.6.0", 88.0), ("sglang", "0.4.2", 97.0), ("vllm", "0.9.2", 95.0))
    rows = [
        fresh_row(engine, version, rate * load**0.8, load)
        for (engine, version, rate), load in product(engines, (1, 2, 4, 8, 16))
    ]
    cluster = dict.fromkeys(("comm_backend", "topology_type", "interconnect", "topology"), "ring")
    two = {"node_count": 2, **cluster}
    multi = fresh_row("vllm", "0.9.2", 90.0, 1, cluster=two, config_type="multi_node", hardware__chip_count=2)
    return [*rows, multi]


def fresh_row(engine: str, version: str, rate: float, load: int, **changes: Any) -> Row:
    gap, name = 950 * load / rate, "Q1" if load == 1 else "custom"
    return new_row(
        **{
            "engine": engine,
            "engine_version": version,
            "workload__name": name,
            "metadata__notes": f"Benchmark run: {name}",
            "workload__concurrent_requests": load,
            "metrics__throughput_tps": round(rate, 2),
            "metrics__throughput_tps_ci95_low": round(rate * 0.97, 2),
            "metrics__throughput_tps_ci95_high": round(rate * 1.03, 2),
            "metrics__tpot_ms": round(gap, 3),
            "metrics__tbt_ms": round(gap, 3),
            "metrics__ttft_ms": 20.0 + 4 * load,
            **changes,
        }
    )


def fresh() -> Board:
    return of(*fresh_rows())


def hostile() -> Board:
    """Rows that hold what should harm a page, in every place that it shows, beside things that are no rows."""
    rows: list[Any] = [hostile_row(text) for text in HOSTILE]
    return of(*rows, {}, [], "a text", {"metrics": []}, *fresh_rows()[:1])


def hostile_row(text: str) -> Row:
    row = new_row(
        engine=text,
        engine_version=text,
        hardware__chip_model=text,
        model__name=text,
        model__precision=text,
        model__weights=text,
        workload__name=text,
        workload__concurrent_requests=text,
        workload__dataset=text,
        metadata__submitter=text,
        metadata__reproducible_cmd=text,
        metadata__changelog_url=text,
        validity__reasons=[text],
        validity__not_checked=[text],
    )
    return {**row, "entry_id": text, "evidence": {"sha256": text, text: text}, text: text}


def large(count: int = 5_000) -> Board:
    """Many configurations that differ in what a table is sorted and filtered by; one in seven fails today's checks."""
    kinds = [orjson.dumps(row) for row in fresh_rows()]
    rows = []
    for at in range(count):
        row = orjson.loads(kinds[at % len(kinds)])
        row["model"]["name"] = f"model-{at % 200:03}"
        row["workload"] |= {"name": "custom", "input_length": 32 + at}
        row["metadata"]["notes"] = "Benchmark run: custom"
        row["metrics"]["throughput_tps"] += at % 97 / 100
        row["entry_id"] = f"row-{at:05}" if at % 7 == 0 else entry_id(row)
        rows.append(row)
    return of(*rows)
