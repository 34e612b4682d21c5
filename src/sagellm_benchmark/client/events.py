"""What the events of an answer mean: their JSON, and which of them carry content. Pure.

An event has arrived when the blank line that ends it has: its time is that of the read that brought the line's last
byte. The events are the same however a stream is cut into reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from sagellm_benchmark.client.regular import Regular
from sagellm_benchmark.client.sample import Failure
from sagellm_benchmark.client.sse import blocks, data_of, first
from sagellm_benchmark.text import one_line

_GZIP = b"\x1f\x8b"
DETAIL_CHARACTERS = 300
MOST_EVENTS = 200_000  # of one answer: more than the tokens of the longest answer
_FRAMES = 4  # how often to try to find the bytes that the events of one stream have in common


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, decoded. Token counts are the server's own `usage`; None if it sent none."""

    event_s: tuple[float, ...]  # when each event that carries content arrived
    text: str  # everything that was generated, including reasoning
    said: str  # the part that the next turn repeats: without reasoning
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    finish_reason: str | None = None
    failure: Failure | None = None
    detail: str | None = None
    first_share: float | None = None  # the part of the text's characters that came with the first event


def decode(body: bytes, ends: Sequence[int], stamps: Sequence[float], *, complete: bool) -> Answer:
    """Decode the body of a 200 answer.

    Read i arrived at `stamps[i]` and ended at offset `ends[i]` of the body. `complete` says whether the body is
    complete by HTTP's framing; a stream that says itself that it is finished need not be.
    """
    reading = _Reading()
    try:
        if body.lstrip()[:1] == b"{":
            reading.whole(body, complete=complete)
        else:
            reading.stream(body, complete=complete)
    except _MalformedError as error:
        reading.fail(Failure.MALFORMED, str(error))
    return reading.answer(_times(reading.offsets, ends, stamps))


def _times(offsets: list[int], ends: Sequence[int], stamps: Sequence[float]) -> tuple[float, ...]:
    """Return, for each offset, the time of the read that brought the byte before it."""
    if not offsets:
        return ()
    reads = np.minimum(np.searchsorted(ends, offsets), len(stamps) - 1)
    return tuple(np.asarray(stamps, dtype=np.float64)[reads].tolist())


def explain_status(status: int, body: bytes) -> str:
    """Return one short line with the HTTP status of a failed request and the server's message."""
    text = body[:4096].decode(errors="replace")
    try:
        text = _message(orjson.loads(body)) or text
    except orjson.JSONDecodeError:
        text = re.sub(r"<[^>]*>", " ", text)
    return one_line(f"HTTP {status}: {text}" if text.strip() else f"HTTP {status}", DETAIL_CHARACTERS)


class _MalformedError(Exception):
    """The bytes are not an answer of an OpenAI-compatible server."""


class _Reading:
    """An answer that is being decoded."""

    __slots__ = (
        "cached_tokens",
        "completion_tokens",
        "detail",
        "failure",
        "finish_reason",
        "first_parts",
        "offsets",
        "prompt_tokens",
        "said",
        "text",
    )

    def __init__(self) -> None:
        self.offsets: list[int] = []
        self.text: list[str] = []
        self.said: list[str] = []
        self.first_parts = 0  # how many parts of `text` came with the first event
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.cached_tokens: int | None = None
        self.finish_reason: str | None = None
        self.failure: Failure | None = None
        self.detail: str | None = None

    def fail(self, failure: Failure, detail: str) -> None:
        if self.failure is None:
            self.failure, self.detail = failure, one_line(detail, DETAIL_CHARACTERS)

    def answer(self, times: tuple[float, ...]) -> Answer:
        if self.failure is None and not times:
            self.fail(Failure.EMPTY, "the answer has no content")
        return Answer(
            event_s=times,
            text="".join(self.text),
            said="".join(self.said),
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            cached_tokens=self.cached_tokens,
            finish_reason=self.finish_reason,
            failure=self.failure,
            detail=self.detail,
            first_share=self.first_share(),
        )

    def first_share(self) -> float | None:
        """Return the part of the text's characters that came with the first event; None if there is no text."""
        lengths = [len(part) for part in self.text]
        return round(sum(lengths[: self.first_parts]) / sum(lengths), 6) if lengths else None

    def stream(self, body: bytes, *, complete: bool) -> None:
        """Read a stream of server-sent events."""
        count, frame, tries = 0, None, _FRAMES
        left = blocks(body, first(body), complete=complete)
        while (found := next(left, None)) is not None:
            offset, block = found
            if frame is not None and (text := frame.text(block)):
                self.say((text,), (offset,))
                continue
            if (data := data_of(block)) is None:
                continue
            count = _within_reason(count + 1)
            if data == b"[DONE]":
                return
            if self.take(_object(data), "delta"):
                self.first_parts = self.first_parts or len(self.text)
                self.offsets.append(offset)
                if tries:
                    frame, tries = Regular.of(block, _meaning), tries - 1
                    left = blocks(body, self.run(frame, body, offset), complete=complete)
            if self.failure is not None:
                return
        self.end(body.strip(), nothing=not count, complete=complete)

    def end(self, said: bytes, *, nothing: bool, complete: bool) -> None:
        """Judge a stream that ended without [DONE]; `said` is all of it, and `nothing` says that it had no events."""
        if complete and nothing and said and not said.startswith(b":"):  # comments keep connections alive
            if said.startswith(_GZIP):
                raise _MalformedError(
                    "the answer is compressed (Content-Encoding: gzip), although compression was not requested"
                )
            raise _MalformedError(f"neither events nor JSON: {said[:200].decode(errors='replace')}")
        if self.finish_reason is None and (said or not complete):
            self.fail(Failure.CUT_OFF, "the stream ended without [DONE] or a finish_reason")

    def run(self, frame: Regular | None, body: bytes, offset: int) -> int:
        """Record the events from an offset on that have the frame; return where the first one without it begins."""
        texts, offsets = frame.run(body, offset) if frame is not None else ([], [])
        self.say(texts, offsets)
        return offsets[-1] if offsets else offset

    def say(self, texts: Sequence[str], offsets: Sequence[int]) -> None:
        """Record events that carry text and nothing else."""
        self.text += texts
        self.said += texts
        self.offsets += offsets
        _within_reason(len(self.offsets))

    def whole(self, body: bytes, *, complete: bool) -> None:
        """Read an answer that was not streamed: one event, which arrived with the last byte."""
        if not complete:
            self.fail(Failure.CUT_OFF, "the connection closed in the middle of the answer")
        elif self.take(_object(body), "message"):
            self.first_parts = len(self.text)
            self.offsets.append(len(body))

    def take(self, event: dict[str, Any], part: str) -> bool:
        """Record one event, and return whether it carries content."""
        if "error" in event or event.get("object") == "error":
            self.fail(Failure.SERVER, _message(event) or "the server reported an error without a message")
            return False
        if (usage := event.get("usage")) is not None:
            self.count(usage)
        if (timings := event.get("timings")) is not None and self.cached_tokens is None:
            self.cached_tokens = _count(timings, "cache_n")  # llama.cpp's own
        choices = event.get("choices")
        if choices is None:
            return False
        if type(choices) is not list:
            raise _MalformedError("`choices` is not a list")
        carries = False
        for choice in choices:
            carries |= self.choose(choice, part)
        return carries

    def choose(self, choice: Any, part: str) -> bool:
        """Record one choice of an event, and return whether it carries content."""
        if type(choice) is not dict:
            raise _MalformedError("a choice is not an object")
        reason = choice.get("finish_reason")
        if reason is not None:
            self.finish_reason = one_line(str(reason), DETAIL_CHARACTERS)
        delta = choice.get(part)
        said = choice.get("text") if delta is None else _field(delta, "content")
        if said and type(said) is str:
            self.text.append(said)
            self.said.append(said)
            return True
        return delta is not None and self.other(delta)

    def other(self, delta: dict[str, Any]) -> bool:
        """Record generated content other than text: reasoning, refusals and tool calls; return whether there is any."""
        found = [text for name in ("reasoning_content", "reasoning", "refusal") if (text := delta.get(name))]
        parts = [text for text in found if type(text) is str][:1]
        calls = delta.get("tool_calls")
        for call in calls if type(calls) is list else ():
            function = call.get("function") if type(call) is dict else None
            if type(function) is dict:
                parts += [str(function[name]) for name in ("name", "arguments") if function.get(name)]
        self.text += parts
        return bool(parts)

    def count(self, usage: Any) -> None:
        """Record the server's usage; if it sends several, the last one stands."""
        self.prompt_tokens = _count(usage, "prompt_tokens")
        self.completion_tokens = _count(usage, "completion_tokens")
        if (details := usage.get("prompt_tokens_details")) is not None:
            self.cached_tokens = _count(details, "cached_tokens")


def _within_reason(events: int) -> int:
    if events > MOST_EVENTS:
        raise _MalformedError(f"more than {MOST_EVENTS:,} events in one answer")
    return events


def _meaning(block: bytes) -> str | None:
    """Return the text that an event carries; None if it also records anything else, or the text is not `said`."""
    found = {_brings(block, None, None), _brings(block, -1, "")}
    return found.pop() if len(found) == 1 else None


def _brings(block: bytes, count: int | None, reason: str | None) -> str | None:
    """Return the text that an event carries after events that had recorded these values; None as in `_meaning`."""
    reading, data = _Reading(), data_of(block)
    reading.prompt_tokens = reading.completion_tokens = reading.cached_tokens = count
    reading.finish_reason = reason
    try:
        carries = data is not None and reading.take(_object(data), "delta")
    except _MalformedError:
        return None
    counts = {reading.prompt_tokens, reading.completion_tokens, reading.cached_tokens}
    noted = counts != {count} or reading.finish_reason != reason or reading.failure is not None
    return "".join(reading.said) if carries and not noted and reading.text == reading.said else None


def _object(data: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _MalformedError(f"not JSON ({error}): {data[:120].decode(errors='replace')}") from None
    if type(event) is not dict:
        raise _MalformedError(f"not a JSON object: {data[:120].decode(errors='replace')}")
    return event


def _field(value: Any, name: str) -> Any:
    if type(value) is not dict:
        raise _MalformedError("`delta` or `message` is not an object")
    return value.get(name)


def _count(value: Any, name: str) -> int | None:
    if type(value) is not dict:
        raise _MalformedError("`usage` is not an object")
    number = value.get(name)
    return number if type(number) is int and number >= 0 else None


def _message(reply: Any) -> str | None:
    """Return the message of an error reply, in any of the forms that servers use; None if there is none."""
    if type(reply) is not dict:
        return None
    error = reply.get("error")
    for holder in (error, reply):
        if type(holder) is str:
            return holder
        if type(holder) is dict:
            for name in ("message", "detail"):
                if holder.get(name):
                    return str(holder[name])
    return None
