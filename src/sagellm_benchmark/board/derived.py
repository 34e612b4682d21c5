"""The dataset's two derived files. Pure: the same rows always give the same bytes, with no clock involved."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import Row

SCHEMA = "leaderboard-compare-snapshot/v1"
SCENARIOS = {
    "short": "Q1",
    "long": "Q2",
    "code": "Q3",
    "multi_turn": "Q4",
    "stress": "Q5",
    "stress_long": "Q6",
    "cot": "Q7",
    "mixed": "Q8",
}
"""Older names of the documented workloads, as the leaderboard page maps them."""

METRICS = ("ttft_ms", "tbt_ms", "tpot_ms", "throughput_tps", "peak_mem_mb", "error_rate")
_FIRST = ("sagellm", "vllm")  # the pair that readers look for
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_S = 253_402_300_799.0  # the last second of the year 9999, behind which no date can be written


class Scope(NamedTuple):
    """What rows must share to be compared."""

    model: str
    chip: str
    precision: str
    workload: str
    config_type: str
    chips: str
    nodes: str


def last_updated(board: Iterable[Entry]) -> dict[str, str]:
    """`last_updated.json`: when the newest row of the board was submitted, in UTC; the epoch for none."""
    moments = [entry.submitted_at for entry in board]
    newest = max((min(moment, _LATEST_S) for moment in moments if moment is not None), default=0.0)
    return {"last_updated": f"{_EPOCH + timedelta(seconds=math.floor(newest)):%Y-%m-%dT%H:%M:%SZ}"}


def compare(board: Iterable[Entry]) -> dict[str, Any]:
    """`leaderboard_compare.json`: the best row of each engine wherever engines measured the same."""
    rows = list(board)
    groups: defaultdict[Scope, dict[str, Entry]] = defaultdict(dict)
    for entry in rows:
        best = groups[_scope(entry)]
        held = best.get(entry.identity.engine)
        if held is None or entry.beats(held):
            best[entry.identity.engine] = entry
    shown = [_group(scope, best) for scope, best in sorted(groups.items())]
    return {
        "schema_version": SCHEMA,
        "generated_at": last_updated(rows)["last_updated"],
        "group_count": len(shown),
        "preferred_pair_count": sum(group["preferred_pair"] is not None for group in shown),
        "groups": shown,
    }


def _scope(entry: Entry) -> Scope:
    identity, config_type = entry.identity, entry.row_or_nothing.get("config_type")
    return Scope(
        identity.model,
        identity.chip_model,
        identity.precision,
        SCENARIOS.get(identity.workload, identity.workload),
        config_type if isinstance(config_type, str) else "",
        identity.chip_count,
        identity.node_count,
    )


def _group(scope: Scope, best: dict[str, Entry]) -> dict[str, Any]:
    """One group; its engines in the order in which readers look for them, and the first two of them as the pair."""
    order = sorted(
        best, key=lambda engine: (_FIRST.index(engine) if engine in _FIRST else len(_FIRST), engine)
    )
    engines = [_engine(best[engine]) for engine in order]
    return {
        "scope_key": "|".join(scope),
        "scope": scope._asdict(),
        "engines": engines,
        "preferred_pair": _pair(*engines[:2]) if len(engines) > 1 else None,
    }


def _engine(entry: Entry) -> dict[str, Any]:
    row = entry.row_or_nothing
    metadata, metrics = row.get("metadata"), row.get("metrics")
    return {
        "engine": entry.identity.engine,
        "engine_version": entry.identity.engine_version,
        "entry_id": entry.entry_id,
        "submitted_at": metadata.get("submitted_at") if isinstance(metadata, dict) else None,
        "metrics": {name: _number(metrics, name) for name in METRICS},
    }


def _pair(left: Row, right: Row) -> dict[str, Any]:
    """Two engines by name, and for each metric how far the left one is from the right one."""
    deltas = {name: _delta(left["metrics"][name], right["metrics"][name]) for name in METRICS}
    return {"left": left["engine"], "right": right["engine"], "deltas": deltas}


def _delta(left: float | None, right: float | None) -> dict[str, float | None]:
    if left is None or right is None:
        return {"absolute": None, "percent": None}
    return {"absolute": left - right, "percent": (left - right) / right * 100 if right else None}


def _number(metrics: Any, name: str) -> float | None:
    value = metrics.get(name) if isinstance(metrics, dict) else None
    return value if type(value) in (int, float) else None
