"""aiperf's profile_export.jsonl: a line for each request, with every gap between the chunks of its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from sagellm_benchmark.client.sample import Failure, Sample
from sagellm_benchmark.runs.foreign.base import (
    MOST_EVENTS,
    MOST_REQUESTS,
    Foreign,
    found,
    number,
    object_of,
    sample,
    spread,
    whole,
)

TOOL = "aiperf"
RECORDS, SUMMARY = "profile_export.jsonl", "profile_export_aiperf.json"


def read(lines: Sequence[Mapping[str, Any]], summary: Any) -> Foreign | None:
    """Return the run that the records hold, None if there are none; the summary beside them states the load."""
    records = [one for one in lines if "metadata" in one and "metrics" in one][:MOST_REQUESTS]
    if not records:
        return None
    measured = [one for one in records if object_of(one, "metadata").get("benchmark_phase") != "warmup"]
    begins = [start for one in measured if (start := _seconds(one, "request_start_ns")) is not None]
    samples = tuple(_samples(measured, min(begins, default=0.0)))
    asked = object_of(summary, "input_config")
    streams = [one for one in found(asked, "concurrency") if isinstance(one, int) and one > 0]
    return Foreign(
        tool=TOOL,
        samples=samples,
        gaps_known=any(len(one.event_s) > 2 for one in samples),
        concurrency=streams[0] if streams else None,
    )


def _samples(records: Sequence[Mapping[str, Any]], begin: float) -> Iterator[Sample]:
    for index, one in enumerate(records):
        start, end = _seconds(one, "request_start_ns"), _seconds(one, "request_end_ns")
        if start is None or end is None:
            continue
        error = object_of(one, "error")
        events = () if error else _events(one, start - begin, end - begin)
        cancelled = object_of(one, "metadata").get("was_cancelled") is True
        failure = Failure.INTERRUPTED if cancelled else Failure.SERVER if error else None
        yield sample(
            index,
            start_s=start - begin,
            end_s=end - begin,
            event_s=events,
            tokens=whole(_metrics(one), "usage_completion_tokens", "output_sequence_length"),
            prompt_tokens=whole(_metrics(one), "usage_prompt_tokens", "input_sequence_length"),
            failure=failure or (None if events else Failure.EMPTY),
            detail=str(error.get("message"))[:200] if error else None,
        )


def _events(one: Mapping[str, Any], start: float, end: float) -> tuple[float, ...]:
    """Return when the chunks came, in seconds: by the TTFT and the gaps; without gaps, only the first and the last."""
    ttft_ms = number(_metrics(one), "time_to_first_token")
    if ttft_ms is None:
        return ()
    first = start + ttft_ms / 1e3
    gaps = object_of(one, "metrics", "inter_chunk_latency").get("value")
    if isinstance(gaps, list) and all(isinstance(gap, int | float) for gap in gaps):
        return tuple(accumulate((gap / 1e3 for gap in gaps[:MOST_EVENTS]), initial=first))
    return spread(first, end, 2)


def _metrics(one: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metrics by name, without their units: times are in milliseconds."""
    return {
        name: found.get("value")
        for name, found in object_of(one, "metrics").items()
        if isinstance(found, dict)
    }


def _seconds(one: Mapping[str, Any], name: str) -> float | None:
    value = number(object_of(one, "metadata"), name)
    return None if value is None else value / 1e9
