"""`leaderboard_compare.json`: the best row of each engine wherever engines were under the same load. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import chain
from typing import Any, NamedTuple

from sagellm_benchmark.board import rules
from sagellm_benchmark.board.entry import MULTI, SINGLE, Entry
from sagellm_benchmark.board.identity import Row, entry_id, submission_path
from sagellm_benchmark.board.rules import Kind, Problem, choice, integer, nullable
from sagellm_benchmark.board.scenarios import scenario
from sagellm_benchmark.board.schema import Rule
from sagellm_benchmark.files import to_json

SCHEMA = "leaderboard-compare-snapshot/v1"
# the order in which readers look for a pair
_FIRST = ("sagellm", "vllm", "vllm-ascend", "sglang", "lmdeploy")
_HIGHER_WINS = {"throughput": True, "ttft": False, "tbt": False}
_METRIC = {"throughput": "throughput_tps", "ttft": "ttft_ms", "tbt": "tbt_ms"}
_METRICS = ("ttft_ms", "tbt_ms", "throughput_tps", "output_throughput_tps", "error_rate")
_PLACES = 4  # decimal places of a percentage


class Scope(NamedTuple):
    """The fields by which the page groups rows and names a group."""

    model: str
    hardware: str
    precision: str
    workload: str
    config_type: str
    chip_count: int
    node_count: int

    @property
    def key(self) -> str:
        """The text by which the page looks up a group; of several, it takes the first."""
        return "|".join(map(str, self))


class Load(NamedTuple):
    """What rows must share besides their scope to be compared: one stream against 64 is no comparison."""

    input_length: str
    output_length: str
    concurrency: str
    quantization: str
    weights: str
    unnamed: str


def compare_file(board: Iterable[Entry], generated_at: str) -> bytes:
    """Return the bytes of `leaderboard_compare.json`.

    Groups are written one by one, because all of them as objects would take six times the memory of the file.
    """
    groups = _groups(board)
    head = {
        "schema_version": SCHEMA,
        "generated_at": generated_at,
        "group_count": len(groups),
        "preferred_pair_count": sum(len(best) > 1 for _, best in groups),
    }
    file = BytesIO()
    file.write(to_json(head).removesuffix(b"\n}\n"))
    _append(file, "groups", (_group(scope, best) for scope, best in groups))
    _append(file, "preferred_pairs", (_group(scope, best) for scope, best in groups if len(best) > 1))
    file.write(b"\n}\n")
    return file.getvalue()


def _append(file: BytesIO, name: str, groups: Iterable[dict[str, Any]]) -> None:
    """Put a field with these groups into an object's text, indented as `files.to_json` does."""
    file.write(f',\n  "{name}": ['.encode())
    between = b"\n"
    for group in groups:
        file.write(between + b"    " + to_json(group).removesuffix(b"\n").replace(b"\n", b"\n    "))
        between = b",\n"
    file.write(b"]" if between == b"\n" else b"\n  ]")


def _groups(rows: Iterable[Entry]) -> list[tuple[Scope, dict[str, Entry]]]:
    """Return the best row of each engine, wherever engines were under the same load."""
    groups: defaultdict[tuple[Scope, Load], dict[str, Entry]] = defaultdict(dict)
    for entry in rows:
        best = groups[_scope(entry), _load(entry)]
        held = best.get(entry.identity.engine)
        if held is None or entry.beats(held):
            best[entry.identity.engine] = entry
    # the page finds only the first group with a key, so the one with the most engines comes first
    order = sorted(groups.items(), key=lambda group: (group[0][0].key, -len(group[1]), group[0]))
    return [(scope, best) for (scope, _), best in order]


def _scope(entry: Entry) -> Scope:
    identity, row = entry.identity, entry.row_or_nothing
    config_type, metadata = row.get("config_type"), row.get("metadata")
    notes = metadata.get("notes") if isinstance(metadata, dict) else None
    known = scenario(identity.workload, notes if isinstance(notes, str) else "")
    return Scope(
        identity.model or "unknown-model",
        identity.chip_model or "unknown-hardware",
        identity.precision or "unknown-precision",
        known or identity.workload or "Other",
        config_type if isinstance(config_type, str) else "unknown-config",
        _count(identity.chip_count, 0),
        _count(identity.node_count, 1),
    )


def _load(entry: Entry) -> Load:
    return Load._make(getattr(entry.identity, name) for name in Load._fields)


def _count(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else otherwise


def _group(scope: Scope, best: dict[str, Entry]) -> dict[str, Any]:
    """Return one group: its engines in the order in which readers look for them, with the first two as the pair."""
    order = sorted(
        best, key=lambda engine: (_FIRST.index(engine) if engine in _FIRST else len(_FIRST), engine)
    )
    engines = [_engine(best[engine]) for engine in order]
    return {
        "scope_key": scope.key,
        "category": "multi" if scope.node_count > 1 else "single",
        "scope": scope._asdict(),
        "engines": engines,
        "preferred_pair": _pair(*engines[:2]) if len(engines) > 1 else None,
    }


def _engine(entry: Entry) -> dict[str, Any]:
    row = entry.row_or_nothing
    metadata, metrics = row.get("metadata"), row.get("metrics")
    submitted_at = metadata.get("submitted_at") if isinstance(metadata, dict) else None
    numbers = {name: _number(metrics, name) for name in _METRICS}
    if numbers["output_throughput_tps"] is None:
        numbers["output_throughput_tps"] = numbers["throughput_tps"]
    return {
        "engine": entry.identity.engine,
        "engine_version": entry.identity.engine_version,
        "entry_id": entry.entry_id,
        "submitted_at": submitted_at if isinstance(submitted_at, str) else "",
        "canonical_path": _path(entry, row),
        "metrics": numbers,
    }


def _path(entry: Entry, row: Row) -> str:
    """Return the row's file in the dataset: its own, or the board for a row from before submissions were kept."""
    if entry.entry_id == entry_id(row):
        return submission_path(row)
    return MULTI if entry.identity.is_multi_node else SINGLE


def _pair(left: Row, right: Row) -> dict[str, Any]:
    """Return two engines, by how many percent the left one is above the right one, and which of them is better."""
    return {
        "left": left,
        "right": right,
        "deltas": {f"{name}_pct_left_vs_right": _delta(left, right, name) for name in _METRIC},
        "winners": {name: _winner(left, right, name) for name in _METRIC},
    }


def _delta(left: Row, right: Row, name: str) -> float | None:
    ours, theirs = _both(left, right, name)
    if ours is None or not theirs:
        return None
    percent = (ours - theirs) / theirs * 100
    return round(percent, _PLACES) if math.isfinite(percent) else None


def _winner(left: Row, right: Row, name: str) -> str:
    """Return the side that wins; a tie if one was not measured, because readers know no other word for that."""
    ours, theirs = _both(left, right, name)
    if ours is None or theirs is None or ours == theirs:
        return "tie"
    return "left" if (ours > theirs) == _HIGHER_WINS[name] else "right"


def _both(left: Row, right: Row, name: str) -> tuple[float | None, float | None]:
    return left["metrics"][_METRIC[name]], right["metrics"][_METRIC[name]]


def _number(metrics: Any, name: str) -> float | None:
    value: Any = metrics.get(name) if isinstance(metrics, dict) else None
    return float(value) if type(value) in (int, float) else None


_ARRAY = Kind("an array", lambda value: isinstance(value, list))
_MEASURED = nullable(
    Kind("a finite number", lambda value: type(value) in (int, float) and math.isfinite(value))
)
_SNAPSHOT = (
    Rule("schema_version", choice(SCHEMA)),
    Rule("generated_at", rules.FILLED),
    Rule("group_count", integer(0)),
    Rule("preferred_pair_count", integer(0)),
    Rule("groups", _ARRAY),
    Rule("preferred_pairs", _ARRAY),
)
_GROUP = (
    Rule("scope_key", rules.FILLED),
    Rule("category", choice("single", "multi")),
    Rule("scope", rules.OBJECT),
    *(Rule(f"scope.{name}", rules.TEXT) for name in Scope._fields[:5]),
    *(Rule(f"scope.{name}", integer(0)) for name in Scope._fields[5:]),
    Rule("engines", _ARRAY),
    Rule("preferred_pair", nullable(rules.OBJECT)),
    Rule("preferred_pair.left", rules.OBJECT),
    Rule("preferred_pair.right", rules.OBJECT),
    Rule("preferred_pair.deltas", rules.OBJECT),
    *(Rule(f"preferred_pair.deltas.{name}_pct_left_vs_right", _MEASURED) for name in _METRIC),
    Rule("preferred_pair.winners", rules.OBJECT),
    *(Rule(f"preferred_pair.winners.{name}", choice("left", "right", "tie")) for name in _METRIC),
)
_ENGINE = (
    Rule("engine", rules.FILLED),
    *(Rule(name, rules.TEXT) for name in ("engine_version", "entry_id", "submitted_at", "canonical_path")),
    Rule("metrics", rules.OBJECT),
    *(Rule(f"metrics.{name}", _MEASURED) for name in _METRICS),
)


def problems(snapshot: Any) -> list[Problem]:
    """Return what readers of a comparison would fail on; nothing for one that `compare_file` made."""
    if not isinstance(snapshot, dict):
        return [Problem("the comparison", rules.shown(snapshot), "an object")]
    groups = [*_objects(snapshot, "groups"), *_objects(snapshot, "preferred_pairs")]
    pairs = [pair for group in groups if isinstance(pair := group.get("preferred_pair"), dict)]
    engines = [engine for group in groups for engine in _objects(group, "engines")]
    sides = [side for pair in pairs for name in ("left", "right") if isinstance(side := pair.get(name), dict)]
    return list(
        chain(
            _against(_SNAPSHOT, [snapshot]),
            _against(_GROUP, groups),
            _against(_ENGINE, [*engines, *sides]),
        )
    )


def _against(table: tuple[Rule, ...], places: Iterable[Row]) -> Iterator[Problem]:
    return (found for place in places for rule in table if (found := rule.problem(place)) is not None)


def _objects(place: Row, name: str) -> list[Row]:
    values = place.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
