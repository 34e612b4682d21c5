"""A run's record as JSON and back: the one place that knows how config.json and summary.json are laid out.

summary.json is flat: metrics and latencies are top-level fields, so that `jq .throughput_tps` finds one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import msgspec
import orjson

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import Document
from sagellm_benchmark.machine.accelerators import GpuFigures
from sagellm_benchmark.runs.record import RECORD_VERSION, Config, Record, Summary
from sagellm_benchmark.verdict import metrics
from sagellm_benchmark.verdict.figures import Figures
from sagellm_benchmark.verdict.stats import Distribution
from sagellm_benchmark.verdict.summarize import Numbers
from sagellm_benchmark.verdict.timeline import Timeline

ESSENTIAL = (metrics.REQUESTS, metrics.ERRORS, metrics.THROUGHPUT, metrics.TTFT, metrics.ITL, metrics.E2E)

TIMELINE = "timeline.json"

T = TypeVar("T")


def config_json(config: Config) -> Document:
    """Return the content of config.json."""
    return _first_version(_shallow(config))


def summary_json(summary: Summary) -> Document:
    """Return the content of summary.json."""
    parts = _first_version(_shallow(summary))
    numbers, client = _shallow(parts.pop("numbers")), parts.pop("client")
    figures, repeats = numbers.pop("figures"), numbers.pop("repeats")
    return {
        **parts,
        **_figures_json(figures),
        **numbers,
        "repeats": [_figures_json(one) for one in repeats],
        "client": {
            **_shallow(client.health),
            "calibration": client.calibration,
            **({"nodes": client.nodes} if client.nodes else {}),
        },
    }


def timeline_json(timeline: Timeline) -> Document:
    """Return the content of timeline.json."""
    return _shallow(timeline)


def _figures_json(figures: Figures) -> Document:
    return {**figures.metrics, **figures.latencies}


def _shallow(value: Any) -> Document:
    """Return a dataclass's fields by name; the JSON writer takes care of nested values."""
    return {one.name: getattr(value, one.name) for one in fields(value)}


def _first_version(parts: Document) -> Document:
    return {"record_version": parts.pop("record_version"), **parts}


def parse(config: bytes, summary: bytes, timeline: bytes | None = None) -> Record:
    """Return the record that a run's files hold; RECORD_VERSION 1 had no timeline.

    Raise DataError, naming the file and the field, if one is damaged or missing or if the version is unknown.
    """
    asked, came = _object(config, "config.json"), _object(summary, "summary.json")
    versions = [asked.get("record_version"), came.get("record_version")]
    if versions == [1, 1]:
        asked, came = _config_of_1(asked), _summary_of_1(came)
    elif versions != [RECORD_VERSION, RECORD_VERSION]:
        raise DataError(
            "this version cannot read the run: record_version is "
            f"{asked.get('record_version')!r} in config.json and {came.get('record_version')!r} in summary.json",
            hint="use the version that wrote it",
        )
    course = None if timeline is None else _typed(_object(timeline, TIMELINE), Timeline, TIMELINE)
    return Record(_typed(asked, Config, "config.json"), _summary(came), course)


def _object(content: bytes, where: str) -> Document:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _damaged(where, str(error)) from error
    if not isinstance(value, dict):
        raise _damaged(where, "it is not an object")
    return value


def _damaged(where: str, why: str) -> DataError:
    return DataError(
        f"{where} is damaged: {why}", hint="measure again; the run's requests.jsonl may still be whole"
    )


def _typed(value: object, kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _damaged(where, str(error).replace("`$.", "`")) from error


def _summary(raw: Document) -> Summary:
    for essential in ESSENTIAL:
        if essential.name not in raw:
            raise _damaged("summary.json", f"it lacks the field `{essential.name}`")
    client = _named(raw, "client")
    return _typed(
        {
            **raw,
            "numbers": {
                **{one.name: raw[one.name] for one in fields(Numbers) if one.name in raw},
                "figures": _figures(raw),
                "repeats": [_figures(one) for one in _list(raw, "repeats")],
            },
            "client": {**client, "health": client},
        },
        Summary,
        "summary.json",
    )


def _figures(raw: Mapping[str, object]) -> Document:
    """Return the metrics and latencies among `raw`'s fields; those that an earlier version lacks were not measured."""
    where = "summary.json"
    numbers = {
        one.name: _value(raw[one.name], f"{where}, `{one.name}`")
        for one in metrics.METRICS
        if one.name in raw
    }
    distributions = {
        one.name: _typed(raw[one.name], Distribution, f"{where}, `{one.name}`")
        for one in metrics.LATENCIES
        if one.name in raw
    }
    return {"metrics": numbers, "latencies": distributions}


def _value(value: object, where: str) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise _damaged(where, f"it is {value!r:.50} and not a number")


def _named(raw: Document, name: str) -> Document:
    value = raw.get(name)
    if not isinstance(value, dict):
        raise _damaged("summary.json", f"it lacks the object `{name}`")
    return value


def _list(raw: Document, name: str) -> Sequence[Document]:
    value = raw.get(name)
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _damaged("summary.json", f"it lacks the list `{name}`")
    return value


# Version 1.


def _config_of_1(raw: Document) -> Document:
    """Return a config of version 1 in today's form. A ramp was a rate such as "2..20"; later options were missing."""
    load = raw.get("load")
    if isinstance(load, dict) and ".." in str(load.get("rate_rps")):
        raw = {**raw, "load": {**load, "rate_rps": _number(str(load["rate_rps"]).partition("..")[0])}}
    return {**raw, "record_version": RECORD_VERSION}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _summary_of_1(raw: Document) -> Document:
    """Return a summary of version 1 in today's form.

    It had flat GPU figures, other names, and only the throughput of each repeat, with an interval.
    """
    old = raw.get("repeats")
    repeats: Document = old if isinstance(old, dict) else {}
    interval = repeats.get("throughput_tps_ci95")
    figures = {one.name for one in fields(GpuFigures)}
    histograms = raw.get("histograms")
    rates = repeats.get(metrics.THROUGHPUT.name, [])
    return {
        **raw,
        "record_version": RECORD_VERSION,
        "peak_memory_mib": raw.get("peak_mem_mb"),
        "peak_memory_source": raw.get("peak_mem_source"),
        "contention_share": raw.get("neighbours_share"),
        "sent_rate_rps": None if raw.get("asked_rate_rps") is None else raw.get("sent_rate_rps"),
        "gpu": {name: value for name, value in raw.items() if name in figures},
        "repeats": [{metrics.THROUGHPUT.name: rate} for rate in rates] if isinstance(rates, list) else rates,
        "intervals": {} if interval is None else {metrics.THROUGHPUT.name: interval},
        "histograms": {
            name: drawn
            for name, drawn in (histograms if isinstance(histograms, dict) else {}).items()
            if drawn is not None
        },
    }
