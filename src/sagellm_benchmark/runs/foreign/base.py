"""What is read from another client's files: its requests, as our samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sagellm_benchmark.client.sample import Failure, Phase, Sample

MOST_REQUESTS = 1_000_000
MOST_EVENTS = 100_000  # of one answer


@dataclass(frozen=True, slots=True)
class Foreign:
    """A run of another client. `concurrency` and `rate_rps` are what was asked for, if its files state it."""

    tool: str
    samples: tuple[Sample, ...]
    gaps_known: bool  # False: events are spread evenly between the first and the last
    whole: bool = True  # False: only some of the requests were kept
    concurrency: int | None = None
    rate_rps: float | None = None


class Reader(Protocol):
    """A module that reads one client's files."""

    def read(self, document: Any, number: int | None) -> Foreign | None:
        """Return the run of a parsed file, or its `number`th from 1 on; None if the file is another client's."""
        ...


def sample(
    index: int,
    *,
    start_s: float,
    end_s: float,
    event_s: tuple[float, ...],
    tokens: int | None,
    prompt_tokens: int | None,
    cached_tokens: int | None = None,
    due_s: float | None = None,
    failure: Failure | None = None,
    detail: str | None = None,
) -> Sample:
    """Return another client's request as a sample; its files keep neither the lengths asked for nor the text."""
    return Sample(
        index=index,
        turn=0,
        stream=0,
        phase=Phase.MEASURED,
        due_s=due_s,
        start_s=start_s,
        end_s=end_s,
        event_s=event_s,
        text="",
        asked_input_tokens=0,
        asked_output_tokens=0,
        prompt_tokens=prompt_tokens,
        completion_tokens=tokens,
        cached_tokens=cached_tokens,
        finish_reason=None,
        status=None,
        failure=failure,
        detail=detail,
    )


def spread(first_s: float, last_s: float, events: int) -> tuple[float, ...]:
    """Return `events` moments, at most MOST_EVENTS, evenly spread from the first to the last."""
    count = max(min(events, MOST_EVENTS), 1)
    if count == 1:
        return (first_s,)
    step = (last_s - first_s) / (count - 1)
    return (*(first_s + step * i for i in range(count - 1)), last_s)


def number(values: Mapping[str, Any], *names: str) -> float | None:
    """Return the first of these fields that is a number; None if none is."""
    for name in names:
        value = values.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None


def whole(values: Mapping[str, Any], *names: str) -> int | None:
    """Return the first of these fields that is a number, as a count; None if none is, or if it is out of range."""
    value = number(values, *names)
    return None if value is None or not 0 <= value < 1e9 else int(value)


def objects(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the objects in a list; empty if `value` is not a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def object_of(value: Any, *names: str) -> Mapping[str, Any]:
    """Return the object at the end of a path of names; empty if there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def found(value: Any, name: str, depth: int = 8) -> Iterator[Any]:
    """Yield every value that has this name, down to `depth` levels of nesting."""
    if isinstance(value, dict) and name in value:
        yield value[name]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner if depth else ():
        yield from found(one, name, depth - 1)
