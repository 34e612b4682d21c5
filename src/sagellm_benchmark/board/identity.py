"""Which rows describe the same configuration, which of them is better, and what a row's id is. Pure.

Published rows come from many tools and years, so every function here takes any JSON value. Only one that is nested too
deeply to be read raises DataError.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from sagellm_benchmark.errors import DataError

Row = dict[str, Any]

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/intellistream/sagellm-benchmark")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NOTHING: Row = {}
_LARGE = 2**63


class Identity(NamedTuple):
    """A configuration, as normalised text. Its field order is the order of the board, made for reading:
    what competes (same model, workload and chip) stands together. A tuple because it is compared and hashed
    100,000 times in a merge.
    """

    model: str
    precision: str
    quantization: str
    weights: str
    workload: str
    input_length: str
    output_length: str
    concurrency: str
    batch_size: str
    dataset: str
    chip_model: str
    chip_count: str
    node_count: str
    parallelism: str
    engine: str
    engine_version: str
    sagellm_version: str
    unnamed: str  # hash of a row that names no model or no chip: it competes with nothing

    @property
    def is_multi_node(self) -> bool:
        """Whether the row belongs in leaderboard_multi.json: it says that it ran on two nodes or more."""
        return bool(re.fullmatch(r"[2-9]|[1-9][0-9]{1,8}", self.node_count))


def identity(row: Any) -> Identity:
    """Return the configuration that a row measured.

    A legacy row without an engine gets sagellm, and one without a workload gets the scenario in its notes.
    """
    whole = _object(row)
    hardware, model = _object(whole.get("hardware")), _object(whole.get("model"))
    work, cluster = _object(whole.get("workload")), _object(whole.get("cluster"))
    metadata = _object(whole.get("metadata"))
    name, chip_model = model.get("name"), hardware.get("chip_model")
    setup = (
        (model.get("precision"), model.get("quantization"), model.get("weights")),
        (work.get("name"), metadata.get("notes"), work.get("input_length"), work.get("output_length")),
        _load(work),
        (work.get("batch_size"), work.get("dataset")),
        (chip_model, hardware.get("chip_count"), cluster.get("node_count")),
        cluster.get("parallelism") or whole.get("parallelism"),
        (whole.get("engine"), metadata.get("engine")),
        (whole.get("engine_version"), metadata.get("engine_version"), whole.get("sagellm_version")),
    )
    unnamed = "" if name and chip_model else hashlib.sha256(canonical(row)).hexdigest()
    return Identity._make((_text(name), *_normalised(canonical(setup)), unnamed))


@lru_cache(4096)
def _normalised(setup: bytes) -> tuple[str, ...]:
    """Return all fields of an identity but the first and the last, from the JSON of what the row says in them.

    Results are cached: rows often differ in nothing but the model, and equal texts then share memory.
    """
    weights, work, load, batch, machine, parallelism, engines, versions = json.loads(setup)
    precision, quantization, kind = weights
    workload, notes, input_length, output_length = work
    chip_model, chip_count, node_count = machine
    engine_version, older_engine_version, sagellm_version = versions
    return (
        _text(precision).upper(),
        _quantization(quantization),
        _text(kind) or "real",
        _text(workload) or _scenario(notes),
        _text(input_length),
        _text(output_length),
        " ".join(text for part in load if (text := _text(part))),
        *map(_text, batch),
        _text(chip_model),
        _text(chip_count),
        _text(node_count) or "1",
        _text(parallelism),
        next(filter(None, map(_text, engines)), "sagellm").lower(),
        _text(engine_version) or _text(older_engine_version),
        _text(sagellm_version),
    )


def slug(key: Identity) -> str:
    """Return a folder name for a configuration: readable, safe as a path on every system, and injective by its hash."""
    readable = "-".join(part for part in (key.engine, key.model, key.workload, key.chip_model) if part)
    safe = _UNSAFE.sub("-", readable)[:80].strip("-.") or "unnamed"
    return f"{safe}-{hashlib.sha256(canonical(list(key))).hexdigest()[:16]}"


def order_key(row: Any) -> tuple[Any, ...]:
    """Return the part of the order inside one identity that follows from the row itself; the smaller key is better.

    Higher throughput, lower TTFT, lower error rate, then the smaller entry_id; what was not measured is worst. Of rows
    that agree in all of these, the one that a maintainer verified is better, and then the smaller text (`Entry.beats`),
    so different rows never tie. There is no tolerance, which would make "better" circular. The row's `submitted_at`
    plays no part, because anybody can write any time there; `Entry.order` uses the order of acceptance.
    """
    whole = _object(row)
    metrics, metadata = _object(whole.get("metrics")), _object(whole.get("metadata"))
    return (
        -_number(metrics.get("throughput_tps"), worst=-math.inf),
        _number(metrics.get("ttft_ms"), worst=math.inf),
        _number(metrics.get("error_rate"), worst=math.inf),
        _text(whole.get("entry_id")),
        metadata.get("verified") is not True,
    )


def submitted_at(row: Any) -> float:
    """Return when the row says that it was submitted, in seconds since the epoch; infinite without a readable time."""
    return _moment(_object(_object(row).get("metadata")).get("submitted_at"))


def content(row: Any) -> bytes:
    """Return what a row says in canonical form, without its id and the mark that only maintainers set."""
    if not isinstance(row, dict):
        return canonical(row)
    said = {name: value for name, value in row.items() if name != "entry_id"}
    metadata = row.get("metadata")
    if isinstance(metadata, dict):
        said["metadata"] = {name: value for name, value in metadata.items() if name != "verified"}
    return canonical(said)


def entry_id(row: Any) -> str:
    """Return the id that a row should have: the UUIDv5 of its content. The same run gives the same id every time."""
    return str(uuid.uuid5(NAMESPACE, content(row).decode()))


def submission_path(row: Any) -> str:
    """Return where the dataset keeps an accepted row for good: `submissions/<identity>/<entry_id>.json`."""
    claimed = _object(row).get("entry_id")
    safe = claimed if isinstance(claimed, str) and UUID.fullmatch(claimed) else entry_id(row)
    return f"submissions/{slug(identity(row))}/{safe}.json"


def canonical(value: Any) -> bytes:
    """Return the same bytes for the same JSON value, whatever the order of its keys."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer of more than 64 bits, half of a surrogate pair, or hundreds of levels
        return _by_the_slow_way(value)


def _by_the_slow_way(value: Any) -> bytes:
    try:
        return json.dumps(value, sort_keys=True).encode()
    except RecursionError as error:
        raise DataError("a row is nested too deeply to be read", hint="remove it from the board") from error


def _object(value: Any) -> Row:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else _NOTHING


def _text(value: Any) -> str:
    """Return a field as text: 2 and 2.0 give the same; null, a blank text, NaN and infinity give ''."""
    kind = type(value)
    if kind is str:
        return str(value.strip())
    if value is None or (kind is float and not math.isfinite(value)):
        return ""
    if kind is float and value.is_integer():
        value, kind = int(value), int
    return str(value) if kind is int and -_LARGE < value < _LARGE else canonical(value).decode()


def _quantization(value: Any) -> str:
    """Return how the weights are quantised; '' for every way in which older rows write "not at all"."""
    text = _text(value)
    return "" if text.lower() in ("none", "null", "n/a") else text


def _load(work: Row) -> tuple[Any, ...]:
    """Return the words for a load: the requests at once or, in an open loop, how they arrive, as in "4/s poisson 1"."""
    if "request_rate" not in work:
        return (work.get("concurrent_requests"),)
    rate = _text(work["request_rate"])
    return (
        work.get("concurrent_requests"),
        rate and f"{rate}/s",
        work.get("arrival"),
        work.get("burstiness"),
    )


def _scenario(notes: Any) -> str:
    """Return the workload that a legacy row names only in `metadata.notes`, as in "Benchmark run: Q3"; '' for none."""
    return _text(notes.rpartition(":")[2]) if isinstance(notes, str) and ":" in notes else ""


def _number(value: Any, *, worst: float) -> float:
    """Return the value if it is a finite number, else `worst`."""
    measured = type(value) in (int, float) and -math.inf < value < math.inf
    return value if measured else worst


def _moment(value: Any) -> float:
    """Return an RFC 3339 time in seconds since the epoch, UTC if it has no zone; infinite if it cannot be read."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return math.inf
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
