"""The leaderboard's contract as a table of rules, in two strengths. Pure.

Version history of rows: those of other and older tools have no `schema_version`; 1 adds `engine`, `validity`,
`model.weights`, and an entry_id that is the UUIDv5 of the row's content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, islice
from typing import Any

from sagellm_benchmark.board import rules
from sagellm_benchmark.board.hostile import MAX_PROBLEMS, MAX_PUBLISHED_BYTES, hostile
from sagellm_benchmark.board.identity import Row, entry_id, identity, slug
from sagellm_benchmark.board.rules import Kind, Problem, choice, integer, nullable, number, shown
from sagellm_benchmark.board.scenarios import CUSTOM, DOCUMENTED, scenario
from sagellm_benchmark.chips import VENDORS

SCHEMA_VERSION = 1
PRECISIONS = ("FP32", "FP16", "BF16", "INT8", "INT4", "FP8")
ARRIVALS = ("poisson", "constant", "gamma", "ramp", "trace")
SPLITS = ("tensor_parallel", "pipeline_parallel", "data_parallel")
_MISSING = object()


class Strength(StrEnum):
    """How much is asked of a row: to stay on the board, or to come onto it."""

    PUBLISHED = "published"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Rule:
    """What the field at a dotted path must be. If a parent object is missing or wrong, only its own rule says so."""

    path: str
    kind: Kind
    required: bool = True

    def problem(self, row: Row) -> Problem | None:
        """Return what is wrong with the field in this row, if anything."""
        *parents, name = self.path.split(".")
        place: Any = row
        for parent in parents:
            place = place.get(parent)
            if not isinstance(place, dict):
                return None
        value = place.get(name, _MISSING)
        if value is _MISSING:
            return Problem(self.path, "missing", self.kind.allowed) if self.required else None
        return None if self.kind.accepts(value) else Problem(self.path, shown(value), self.kind.allowed)


def optional(path: str, kind: Kind) -> Rule:
    """Return a rule for a field that may be absent."""
    return Rule(path, kind, required=False)


PUBLISHED = (
    Rule("entry_id", rules.FILLED),
    *(Rule(name, rules.OBJECT) for name in ("hardware", "model", "workload", "metrics")),
    optional("metadata", nullable(rules.OBJECT)),
    optional("cluster", nullable(rules.OBJECT)),
    *(
        optional(f"metrics.{name}", nullable(number(0, 1e18)))
        for name in ("ttft_ms", "tbt_ms", "tpot_ms", "throughput_tps", "peak_mem_mb", "error_rate")
    ),
)
"""Rows of other and older tools are kept however odd they are; these are the rules that readers cannot do without."""

NEW = (
    Rule("entry_id", rules.UUID_TEXT),
    Rule("schema_version", rules.only(SCHEMA_VERSION, "the form whose id follows from the content")),
    Rule("engine", rules.PLAIN_NAME),
    optional("engine_version", rules.NAME_OR_NOTHING),
    Rule("sagellm_version", rules.VERSION),
    Rule("config_type", choice("single_gpu", "multi_gpu", "multi_node")),
    *(
        Rule(name, rules.OBJECT)
        for name in ("hardware", "model", "workload", "metrics", "versions", "environment", "metadata")
    ),
    Rule("hardware.vendor", choice(*VENDORS)),
    Rule("hardware.chip_model", rules.NAME),
    Rule("hardware.chip_count", integer(1, 1_000_000)),
    optional("hardware.interconnect", rules.TEXT),
    optional("hardware.intra_node_interconnect", rules.TEXT),
    optional("hardware.chips_per_node", integer(1, 1_000_000)),
    optional("hardware.memory_per_chip_gb", number(0, 1e9)),
    optional("hardware.total_memory_gb", number(0, 1e9)),
    Rule("model.name", rules.NAME),
    Rule("model.parameters", rules.SIZE),
    Rule("model.precision", choice(*PRECISIONS)),
    optional("model.quantization", nullable(rules.NAME_OR_NOTHING)),
    optional("model.weights", rules.only("real", "measure the real weights; made-up ones only show speed")),
    Rule("workload.name", rules.PLAIN_NAME),
    Rule("workload.input_length", integer(1, 10**9)),
    Rule("workload.output_length", integer(1, 10**9)),
    optional("workload.batch_size", nullable(integer(1, 10**9))),
    optional("workload.concurrent_requests", nullable(integer(1, 10**9))),
    optional("workload.dataset", rules.NAME),
    optional("workload.request_rate", rules.NEW_RATE),
    optional("workload.arrival", nullable(choice(*ARRIVALS))),
    optional("workload.burstiness", nullable(number(0, 1e9))),
    Rule("metrics.ttft_ms", number()),
    Rule("metrics.throughput_tps", number()),
    Rule("metrics.peak_mem_mb", integer(0, 10**12)),
    Rule("metrics.error_rate", number(0, 1)),
    *(
        optional(f"metrics.{name}", nullable(number(0, 1)))
        for name in ("prefix_hit_rate", "spec_accept_rate")
    ),
    *(
        optional(f"metrics.{name}", nullable(integer(0)))
        for name in ("kv_used_tokens", "kv_used_bytes", "evict_count")
    ),
    optional("cluster", nullable(rules.OBJECT)),
    Rule("cluster.node_count", integer(2, 1_000_000)),
    *(
        Rule(f"cluster.{name}", rules.TEXT)
        for name in ("comm_backend", "topology_type", "interconnect", "topology")
    ),
    optional("cluster.inter_node_network", rules.TEXT),
    optional("cluster.network_bandwidth_gbps", nullable(number())),
    optional("cluster.parallelism", nullable(rules.OBJECT)),
    *(optional(f"cluster.parallelism.{name}", integer(1, 1_000_000)) for name in SPLITS),
    *(Rule(f"versions.{name}", rules.VERSION_OR_NA) for name in ("protocol", "backend", "core")),
    *(
        optional(f"versions.{name}", rules.VERSION_OR_NA)
        for name in ("control_plane", "gateway", "kv_cache", "comm", "compression", "benchmark")
    ),
    Rule("environment.os", rules.FILLED),
    Rule("environment.python_version", rules.FILLED),
    *(
        optional(f"environment.{name}", rules.TEXT)
        for name in ("pytorch_version", "cuda_version", "cann_version", "driver_version")
    ),
    optional("kv_cache_config", nullable(rules.OBJECT)),
    optional("kv_cache_config.enabled", rules.BOOLEAN),
    optional("kv_cache_config.eviction_policy", rules.TEXT),
    optional("kv_cache_config.budget_tokens", integer(0)),
    optional("kv_cache_config.prefix_cache_enabled", rules.BOOLEAN),
    Rule("metadata.submitted_at", rules.MOMENT),
    Rule("metadata.submitter", rules.FILLED),
    Rule("metadata.data_source", rules.FILLED),
    *(
        optional(f"metadata.{name}", rules.TEXT)
        for name in ("engine", "engine_version", "reproducible_cmd", "git_commit", "notes", "idempotency_key")
    ),
    optional("metadata.release_date", rules.DAY),
    optional("metadata.changelog_url", rules.LINK),
    optional("metadata.verified", rules.only(False, "maintainers verify a row once it is on the board")),
    optional("validity", rules.OBJECT),
    Rule(
        "validity.valid",
        rules.only(True, "its own checks must find nothing against the run; see validity.reasons"),
    ),
    optional("validity.reasons", rules.TEXTS),
    optional("validity.not_checked", rules.TEXTS),
    optional("evidence", rules.OBJECT),
    Rule("evidence.sha256", rules.SHA256),
)
"""The whole contract, v1, and this toolkit's own fields. Fields that it does not name are free, but never hostile."""

_SINCE = {  # what published rows must meet, where NEW has become stricter since rows of version 1 were published
    "schema_version": integer(1, 1_000_000),
    "engine_version": rules.TEXT,
    "hardware.chip_model": rules.FILLED,
    "model.name": rules.FILLED,
    "model.parameters": rules.FILLED,
    "model.quantization": nullable(rules.TEXT),
    "workload.dataset": rules.FILLED,
    "workload.request_rate": nullable(rules.RATE),
    "workload.arrival": nullable(rules.NAME_OR_NOTHING),
    "workload.burstiness": nullable(rules.RATE),
}
_OURS = tuple(
    replace(rule, kind=_SINCE.get(rule.path, rule.kind)) for rule in NEW if rule.path != "metadata.verified"
)
_NAMED = frozenset(rule.path for rule in NEW)


def problems(row: Any, strength: Strength = Strength.NEW) -> list[Problem]:
    """Return what speaks against a row, at most MAX_PROBLEMS; empty if it meets the contract.

    A published row is held to the whole contract only if its `schema_version` is the present one.
    """
    if not isinstance(row, dict):
        return [Problem("the row", shown(row), "an object")]
    if strength is Strength.NEW:
        found = chain(
            hostile(row),
            _broken(NEW, row),
            _metrics(row),
            _gaps(row),
            _load(row),
            _agreement(row),
            _splits(row),
            _scenario(row),
        )
    elif row.get("schema_version") == SCHEMA_VERSION:
        hurts = hostile(row, MAX_PUBLISHED_BYTES)
        found = chain(hurts, _broken(_OURS, row), _metrics(row), _agreement(row))
    else:
        found = chain(hostile(row, MAX_PUBLISHED_BYTES), _broken(PUBLISHED, row))
    return list(islice(found, MAX_PROBLEMS))


def _broken(rules: tuple[Rule, ...], row: Row) -> Iterator[Problem]:
    return (problem for rule in rules if (problem := rule.problem(row)) is not None)


def _metrics(row: Row) -> Iterator[Problem]:
    """Yield a problem for each other metric that is not a number; those that name another one's source are texts."""
    metrics = row.get("metrics")
    for name, value in metrics.items() if isinstance(metrics, dict) else ():
        kind = rules.TEXT if name.endswith("_source") else nullable(number())
        if f"metrics.{name}" not in _NAMED and not kind.accepts(value):
            yield Problem(f"metrics.{name}", shown(value), kind.allowed)


def _gaps(row: Row) -> Iterator[Problem]:
    """Yield a problem if answers of several tokens have no gap between them, by which the rate could be checked."""
    metrics, work = row.get("metrics"), row.get("workload")
    if not isinstance(metrics, dict) or not isinstance(work, dict):
        return
    length = work.get("output_length")
    if isinstance(length, int) and length > 1 and metrics.get("tpot_ms") is metrics.get("tbt_ms") is None:
        yield Problem(
            "metrics.tpot_ms", "missing", "a number here or in metrics.tbt_ms, as answers have several tokens"
        )


def _load(row: Row) -> Iterator[Problem]:
    """Yield a problem if neither requests at once nor a request rate is given, by which throughput could be checked."""
    work = row.get("workload")
    if isinstance(work, dict) and work.get("concurrent_requests") is work.get("request_rate") is None:
        yield Problem(
            "workload.concurrent_requests", "missing", "a number here, or the rate in workload.request_rate"
        )


def _splits(row: Row) -> Iterator[Problem]:
    """Yield what is wrong with the parallelism of a row, which is part of its identity."""
    cluster, parts = row.get("cluster"), integer(1, 1_000_000)
    for where, place in (("cluster.", cluster), ("", row)):
        split = place.get("parallelism") if isinstance(place, dict) else None
        if split is not None and (not isinstance(split, dict) or (place is row and not split)):
            yield Problem(f"{where}parallelism", shown(split), f"numbers of {', '.join(SPLITS)}")
        for name, value in split.items() if isinstance(split, dict) else ():
            if name not in SPLITS:
                yield Problem(f"{where}parallelism", shown(name), f"numbers of {', '.join(SPLITS)}")
            elif not parts.accepts(value):
                yield Problem(f"{where}parallelism.{name}", shown(value), parts.allowed)


def _agreement(row: Row) -> Iterator[Problem]:
    """Yield a problem for fields that contradict each other, by mistake or to forge an identity."""
    yield from _interconnect(row)
    if (row.get("config_type") == "multi_node") != isinstance(row.get("cluster"), dict):
        yield Problem(
            "config_type",
            shown(row.get("config_type")),
            "multi_node with a cluster, and another one with cluster null",
        )
    metadata = row.get("metadata")
    for name in ("engine", "engine_version"):
        said, again = row.get(name), metadata.get(name) if isinstance(metadata, dict) else None
        if said is not None and again is not None and said != again:
            yield Problem(f"metadata.{name}", shown(again), f"the same as {name}, or leave it out")
    if "identity" in row and row["identity"] != slug(identity(row)):
        yield Problem("identity", shown(row["identity"]), "left out: it is computed from the row's fields")
    if row.get("schema_version") == SCHEMA_VERSION and row.get("entry_id") != entry_id(row):
        yield Problem(
            "entry_id", shown(row.get("entry_id")), f"the id of the row's own content, {entry_id(row)}"
        )
    if reasons := row.get("unpublishable"):
        yield Problem("unpublishable", shown(reasons), "absent from a row that is published")


def _scenario(row: Row) -> Iterator[Problem]:
    """Yield a problem if a row's name, or the notes that readers fall back on, say a workload with another load."""
    work, metadata = row.get("workload"), row.get("metadata")
    name = work.get("name") if isinstance(work, dict) else None
    if not isinstance(work, dict) or not isinstance(name, str):
        return
    notes = metadata.get("notes") if isinstance(metadata, dict) else None
    known = scenario(name, notes if isinstance(notes, str) else "")
    if known is None:
        return
    wanted = DOCUMENTED[known].load._asdict()
    if "request_rate" in work or any(work.get(field) != value for field, value in wanted.items()):
        asked = ", ".join(f"{field} {value}" for field, value in wanted.items())
        where = "workload.name" if scenario(name) else "metadata.notes"
        yield Problem(where, f"that of {known}", f"{CUSTOM}, or its load that of {known}: {asked}")


def _interconnect(row: Row) -> Iterator[Problem]:
    hardware = row.get("hardware")
    names = ("interconnect", "intra_node_interconnect")
    if isinstance(hardware, dict) and not any(name in hardware for name in names):
        yield Problem(
            "hardware.interconnect", "missing", "a text here or in hardware.intra_node_interconnect"
        )
