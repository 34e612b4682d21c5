"""guidellm's benchmarks.json, of versions 0.4 to 0.8: a list of benchmarks, each with its requests by how they ended.

The file has the moments of each answer's first and last event and the number of its events, not the moments between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sagellm_benchmark.client.sample import Failure, Sample
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.runs.foreign.base import (
    MOST_REQUESTS,
    Foreign,
    number,
    object_of,
    objects,
    sample,
    spread,
    whole,
)

TOOL = "guidellm"
ENDED = {
    "successful": None,
    "errored": Failure.SERVER,
}  # requests that the end of the benchmark cut short are left out


def read(document: Any, which: int | None) -> Foreign | None:
    """Return the file's benchmark number `which`, from 1 on, or its only one; None if the file is another client's.

    Raise UsageError if there are several and `which` is None, or if there are fewer than that.
    """
    benchmarks = objects(document.get("benchmarks")) if isinstance(document, dict) else []
    if not benchmarks or "requests" not in benchmarks[0]:
        return None
    if which is None and len(benchmarks) > 1:
        raise UsageError(
            f"the file holds {len(benchmarks)} benchmarks of guidellm", hint="name one of them, as FILE:1"
        )
    if which is not None and which > len(benchmarks):
        raise UsageError(f"the file holds {len(benchmarks)} benchmarks of guidellm, and no {which}")
    one = benchmarks[(which or 1) - 1]
    requests = object_of(one, "requests")
    known = [(request, failure) for name, failure in ENDED.items() for request in objects(requests.get(name))]
    begin = min((start for request, _ in known if (start := _start(request)) is not None), default=0.0)
    strategy = object_of(one, "config", "strategy")
    totals = object_of(one, "metrics", "request_totals")
    kept, made = len(objects(requests.get("successful"))), whole(totals, "successful")
    return Foreign(
        tool=TOOL,
        samples=tuple(_samples(known[:MOST_REQUESTS], begin)),
        gaps_known=False,
        whole=made is None or kept >= made,
        concurrency=1 if strategy.get("type_") == "synchronous" else whole(strategy, "streams"),
        rate_rps=number(strategy, "rate"),
    )


def _start(request: Mapping[str, Any]) -> float | None:
    return number(object_of(request, "info", "timings"), "request_start", "resolve_start")


def _samples(known: list[tuple[Mapping[str, Any], Failure | None]], begin: float) -> Iterator[Sample]:
    for index, (request, failure) in enumerate(known):
        times = object_of(request, "info", "timings")
        start, end = _start(request), number(times, "request_end", "resolve_end")
        if start is None or end is None:
            continue
        first = number(times, "first_token_iteration", "first_iteration")
        last = number(times, "last_token_iteration", "last_iteration")
        events = whole(times, "token_iterations", "iterations") or 1
        answered = failure is None and first is not None and last is not None
        error = object_of(request, "info").get("error")
        yield sample(
            index,
            start_s=start - begin,
            end_s=end - begin,
            event_s=spread(first - begin, last - begin, events)
            if first is not None and last is not None
            else (),
            tokens=whole(object_of(request, "output_metrics"), "total_tokens", "text_tokens")
            or whole(request, "output_tokens"),
            prompt_tokens=whole(request, "prompt_tokens"),
            cached_tokens=whole(request, "cached_tokens"),
            failure=None if answered else failure or Failure.EMPTY,
            detail=str(error)[:200] if error else None,
        )
