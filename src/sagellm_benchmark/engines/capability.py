"""Which of the two OpenAI APIs a server has, and which of the fields that a benchmark needs it accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from sagellm_benchmark.engines.api import PATHS, Api, Fields
from sagellm_benchmark.engines.base import Engine, Server
from sagellm_benchmark.engines.prompt import prompt_fields
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net.failures import StatusError
from sagellm_benchmark.net.fetch import post_text

PROBE_TEXT = "ping"
PROBE_TIMEOUT_S = 120.0  # the first request of a cold server compiles kernels

_USAGE: Fields = {"stream_options": {"include_usage": True}}
_GREEDY: Fields = {"temperature": 0}
_LEAST = "min_tokens"
_REFUSED_FIELD = {400, 422}
_NOT_THERE = {404, 405, 501}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one short request showed. `extra` are the fields that every request of the run should also have."""

    api: Api
    exact_output: bool  # whether it accepted the fields for an exact length; lengths show if it obeys them
    usage: bool  # whether the stream ended with a token count
    prompt_tokens: int | None  # of PROBE_TEXT, by the server's own count
    extra: Fields = field(default_factory=dict)
    model: str | None = None  # its name in the answer
    min_tokens: bool = False  # whether every request should also state its length as the least
    system: str | None = None  # the system message before each prompt of a chat


def choose_api(
    server: Server,
    wanted: Api | Literal["auto"] = "auto",
    *,
    turns: int = 1,
    timeout_s: float = PROBE_TIMEOUT_S,
) -> Capabilities:
    """Return the API to measure, and what it can do: `wanted`, or for "auto" completions if possible, else chat.

    Completions have no template that adds tokens. This takes one request of one token if the server accepts every
    field, or else a few more. Raise RemoteError if the server has no such API, and StatusError for other statuses (401,
    429, 5xx).
    """
    refusals: list[str] = []
    for api in PATHS if wanted == "auto" else (wanted,):
        try:
            return _try(server, api, turns, timeout_s)
        except StatusError as error:
            if error.status not in _REFUSED_FIELD | _NOT_THERE:
                raise
            refusals.append(error.message)
    hint = "check --base-url and the model" if wanted == "auto" else "use --api auto"
    raise RemoteError(f"the server has no usable {_named(wanted)} API: {'; '.join(refusals)}", hint=hint)


def _named(wanted: str) -> str:
    return "completions or chat" if wanted == "auto" else wanted


def _try(server: Server, api: Api, turns: int, timeout_s: float) -> Capabilities:
    """Send fewer and fewer fields until the server accepts a request. Raise the last refusal if it accepts none."""
    refusal: StatusError | None = None
    for fields in _ladder(server.engine):
        try:
            events = _ask(server, api, fields, timeout_s)
        except StatusError as error:
            if error.status not in _REFUSED_FIELD:
                raise
            refusal = error
            continue
        usage = _usage(events)
        return Capabilities(
            api=api,
            exact_output=_goes_on(server.engine, fields),
            usage=usage is not None,
            prompt_tokens=usage,
            model=_model(events),
            extra={
                "stream_options": None,  # otherwise, the load client sends it
                **{name: value for name, value in fields.items() if name != _LEAST},
                **(server.engine.single_turns if turns == 1 else {}),
            },
            min_tokens=_LEAST in fields,
        )
    assert refusal is not None  # noqa: S101 - the ladder has rungs
    raise refusal


def _goes_on(engine: Engine, fields: Fields) -> bool:
    told = bool(engine.to_length) and engine.to_length.keys() <= fields.keys()
    return told or _LEAST in fields


def _ladder(engine: Engine) -> Iterator[Fields]:
    """Yield the fields to try, most of them first; strict servers refuse those that are not in OpenAI's own API."""
    on = {**engine.to_length, **({_LEAST: 1} if engine.min_tokens else {})}
    seen: list[Fields] = []
    for parts in ((_GREEDY, _USAGE, on), (_GREEDY, _USAGE), (_GREEDY, on), (_USAGE,), ()):
        fields = {name: value for part in parts for name, value in part.items()}
        if fields not in seen:
            seen.append(fields)
            yield fields


def _ask(server: Server, api: Api, fields: Fields, timeout_s: float) -> list[dict[str, Any]]:
    """Return the events of an answer of one token."""
    body = {"model": server.served_model, **prompt_fields(api, PROBE_TEXT), "max_tokens": 1, **fields}
    return stream_events(server, api, body, timeout_s)


def stream_events(
    server: Server, api: Api, body: Mapping[str, Any], timeout_s: float = PROBE_TIMEOUT_S
) -> list[dict[str, Any]]:
    """Return the events of a short streamed answer.

    Raise RemoteError if the answer has no events, StatusError for an error inside the stream or as its status.
    """
    url = f"{server.base_url}{PATHS[api]}"
    asked = {**body, "stream": True}
    text = post_text(url, asked, timeout_s=timeout_s, api_key=server.api_key, session=server.session)
    events = list(_events(text))
    if not events:
        raise RemoteError(
            f"{url} does not look like an LLM server: it answers neither events nor JSON",
            hint="check --base-url",
        )
    for event in events:
        if event.get("error") or event.get("object") == "error":
            _raise(url, event)
    return events


def _raise(url: str, event: Mapping[str, Any]) -> None:
    """Raise StatusError for an error event: some servers put a status into a stream that begins with 200."""
    error = event.get("error")
    inner: Mapping[str, Any] = error if isinstance(error, dict) else event
    code = inner.get("code")
    status = code if isinstance(code, int) and 400 <= code < 600 else 400
    said = str(inner.get("message") or error)[:200]
    raise StatusError(
        f"{url} answers with an error: {said!r}", status=status, hint="look at the server's log"
    )


def _events(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of an event stream, each in one or more data lines; an answer not streamed is one."""
    blocks = [
        [line[5:] for line in block.splitlines() if line.startswith("data:")]
        for block in re.split(r"(?:\r\n|\r|\n){2,}", text)
    ]
    for lines in [lines for lines in blocks if lines] or [[text]]:
        whole = _object("\n".join(lines))
        yield from [whole] if whole is not None else filter(None, map(_object, lines))


def _object(text: str) -> dict[str, Any] | None:
    """Return a JSON object; None for [DONE] and anything else."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _model(events: list[dict[str, Any]]) -> str | None:
    """Return the model's name in the events; None if they have none."""
    return next((event["model"] for event in events if isinstance(event.get("model"), str)), None)


def _usage(events: list[dict[str, Any]]) -> int | None:
    """Return the last prompt token count in the events; None if they have none."""
    for event in reversed(events):
        usage = event.get("usage")
        count = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        if isinstance(count, int) and not isinstance(count, bool):
            return count
    return None
