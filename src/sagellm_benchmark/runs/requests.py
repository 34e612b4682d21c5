"""requests.jsonl, which has a line for each request of a run, and the way back from its lines to columns."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import groupby
from operator import attrgetter
from typing import Any

import orjson

from sagellm_benchmark.client.sample import Failure, Phase, Sample
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.verdict.columns import Columns, collect

REQUESTS_FILE = "requests.jsonl"

Window = tuple[float, float]
"""The part of a timed run that is measured: its first and its last second, counted from the start."""

_SAYS = ("text", "detail")  # the words of an answer and of a failure, from which no number is computed
_OWN = ("repeat", "conversation", "prompt_sha256", "tokens")


@dataclass(frozen=True, slots=True)
class Request:
    """A sample, and what only the run knows of it."""

    repeat: int
    conversation: int  # its position in the run's source, so that the prompt can be made again
    prompt_sha256: str  # of this turn's text
    tokens: int | None  # of the answer; None if nobody counted them
    sample: Sample

    @property
    def line(self) -> bytes:
        """The request's line in requests.jsonl."""
        own = orjson.dumps({name: getattr(self, name) for name in _OWN})
        return own[:-1] + b"," + orjson.dumps(self.sample)[1:] + b"\n"


def prompt_hash(text: str) -> str:
    """Return the hash that stands for a prompt in a request's line."""
    return hashlib.sha256(text.encode()).hexdigest()


def columns(requests: Iterable[Request], window_s: Window | None) -> Columns:
    """Return one repeat's requests as arrays."""
    counted = (
        replace(request.sample, completion_tokens=request.tokens, index=request.conversation)
        for request in requests
    )
    return collect(counted, attrgetter("completion_tokens"), window_s)


def repeats(requests: Iterable[Request], windows_s: Iterable[Window | None]) -> list[Columns]:
    """Return the arrays of every repeat, one for each window, from requests in the order of their lines."""
    found = {number: list(group) for number, group in groupby(requests, key=attrgetter("repeat"))}
    return [columns(found.get(number, ()), window_s) for number, window_s in enumerate(windows_s)]


def read(content: bytes) -> Iterator[Request]:
    """Yield the requests in a file, whether or not their words were kept. Raise DataError, naming a damaged line."""
    for number, line in enumerate(content.splitlines(), 1):
        try:
            yield _parsed(orjson.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"line {number} of {REQUESTS_FILE} is damaged: {error}", hint="restore it, or measure again"
            ) from error


def without_words(content: bytes) -> bytes:
    """Return the lines without generated texts and failures' messages, so that anybody may see them."""
    lines = (orjson.loads(line) for line in content.splitlines())
    bare = ({name: value for name, value in line.items() if name not in _SAYS} for line in lines)
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in bare)


_LONGEST_S = 1e9  # 30 years
_WHOLE = ("index", "turn", "stream", "asked_input_tokens", "asked_output_tokens")
_WHOLE_OR_NONE = ("prompt_tokens", "completion_tokens", "cached_tokens", "status")
_SAMPLE = tuple(field.name for field in fields(Sample))


def _parsed(line: Any) -> Request:
    sample = {**dict.fromkeys(_SAYS), "text": "", **{name: line[name] for name in line if name in _SAMPLE}}
    sample |= {name: _whole(sample[name]) for name in _WHOLE}
    sample |= {name: None if sample[name] is None else _whole(sample[name]) for name in _WHOLE_OR_NONE}
    sample |= {
        "phase": Phase(sample["phase"]),
        "failure": None if sample["failure"] is None else Failure(sample["failure"]),
        "event_s": tuple(_seconds(moment) for moment in sample["event_s"]),
        "due_s": None if sample["due_s"] is None else _seconds(sample["due_s"]),
        "start_s": _seconds(sample["start_s"]),
        "end_s": _seconds(sample["end_s"]),
    }
    if sample["failure"] is None and not sample["event_s"]:
        raise ValueError("an answer without any event")
    tokens = line["tokens"]
    return Request(
        _whole(line["repeat"]),
        _whole(line["conversation"]),
        str(line["prompt_sha256"]),
        None if tokens is None else _whole(tokens),
        Sample(**sample),
    )


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError(f"{str(value)[:40]!r} is no count")
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not -_LONGEST_S <= value <= _LONGEST_S:
        raise ValueError(f"{str(value)[:40]!r} is no time")
    return float(value)
