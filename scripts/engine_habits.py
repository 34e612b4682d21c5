"""What an engine's server does that others do not: asked of real ones and of the stand-ins of the tests alike."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
TIMEOUT_S = 300.0
Habits = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """A streamed answer as a plain client saw it, in seconds of its own clock."""

    text: str
    start_s: float  # when the request was handed over
    event_s: tuple[float, ...]  # when each event with text came


class Plain:
    """A client of the standard library alone, on one connection: nothing of this project measures here."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)

    def connect(self) -> None:
        """Open the connection, which the first request would do otherwise."""
        self._connection.connect()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """The status and the JSON of an answer; None where it is none."""
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, path, sent, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        content = response.read()
        try:
            return response.status, json.loads(content)
        except ValueError:
            return response.status, None

    def events(self, path: str, body: Mapping[str, Any]) -> tuple[int, list[tuple[float, dict[str, Any]]]]:
        """The status, and when each event of a stream came, with its JSON."""
        sent = json.dumps({**body, "stream": True}).encode()
        self._connection.request("POST", path, sent, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        came = []
        while line := response.readline():
            moment = time.perf_counter()
            if line.startswith(b"data:") and line[5:].strip() != b"[DONE]":
                came.append((moment, json.loads(line[5:])))
        response.read()  # the end of it, so that the connection can be used again
        return response.status, came

    def answer(self, path: str, body: Mapping[str, Any]) -> Answer:
        """A streamed answer. Raises RuntimeError for another status than 200, and for an answer without text."""
        start_s = time.perf_counter()
        status, came = self.events(path, body)
        said = [(moment, text) for moment, event in came if (text := text_of(event))]
        if status != http.HTTPStatus.OK or not said:
            raise RuntimeError(f"{path} answered {status} with {len(came)} events and no text")
        return Answer("".join(text for _, text in said), start_s, tuple(moment for moment, _ in said))


def observe(url: str) -> Habits:
    """What the server at `url` does; each habit is one that this project has to know."""
    with contextlib.closing(Plain(url)) as plain:
        _, models = plain.ask("GET", "/v1/models")
        card = models["data"][0]
        said = [{"role": "user", "content": "Say hello."}]
        chat = {"model": card["id"], "messages": said, "temperature": 0}
        return {
            "owned_by": str(card.get("owned_by")).lower(),
            **_pages(plain, card["id"]),
            **_fields(plain, chat),
            **_stream(plain, chat),
            **_prompts(plain, chat),
            "a second request cuts the first": _cuts(url, chat),
        }


def _pages(plain: Plain, model: str) -> Habits:
    text = {"model": model, "prompt": "one two", "input": "one two"}
    _, info = plain.ask("GET", "/info")
    return {
        "tells its version": plain.ask("GET", "/version")[0] == http.HTTPStatus.OK,
        "counts at /tokenize": plain.ask("POST", "/tokenize", text)[0] == http.HTTPStatus.OK,
        "counts at /extras/tokenize/count": plain.ask("POST", "/extras/tokenize/count", text)[0]
        == http.HTTPStatus.OK,
        "lists its engines at /info": isinstance(info, dict) and "registered_engines" in info,
    }


def _fields(plain: Plain, chat: Mapping[str, Any]) -> Habits:
    status, _ = plain.events(CHAT, {**chat, "max_tokens": 2, "ignore_eos": True})
    return {"status for ignore_eos": status}


def _stream(plain: Plain, chat: Mapping[str, Any]) -> Habits:
    """What comes besides the text of answers that were cut after three tokens."""
    cut = {**chat, "max_tokens": 3}
    _, unasked = plain.events(CHAT, cut)
    _, asked = plain.events(CHAT, {**cut, "stream_options": {"include_usage": True}})
    status, whole = plain.events(
        COMPLETIONS, {"model": chat["model"], "prompt": "Once upon", "max_tokens": 3}
    )
    streams = status == http.HTTPStatus.OK and any(text_of(event) for _, event in whole)
    return {
        "streams completions": streams,
        "usage in a stream": any(event.get("usage") for _, event in asked),
        "usage unasked": any(event.get("usage") for _, event in unasked),
        "why a cut chat ended": _reason(asked),
        "why a cut completion ended": _reason(whole) if streams else None,
    }


def _reason(events: Sequence[tuple[float, Mapping[str, Any]]]) -> object:
    choices = [choice for _, event in events for choice in event.get("choices") or []]
    return next((choice["finish_reason"] for choice in choices if choice.get("finish_reason")), None)


def _prompts(plain: Plain, chat: Mapping[str, Any]) -> Habits:
    """What a prompt is charged for, with the template's own system message and with an empty one."""
    _, usual = plain.ask("POST", CHAT, {**chat, "max_tokens": 1})
    empty = [{"role": "system", "content": ""}, *chat["messages"]]
    _, lean = plain.ask("POST", CHAT, {**chat, "messages": empty, "max_tokens": 1})
    charged, less = (answer["usage"]["prompt_tokens"] for answer in (usual, lean))
    return {
        "usage in a whole answer": True,
        "the template adds tokens": charged > len(["Say", "hello."]) + 8,
        "an empty system message makes it shorter": less < charged,
    }


def _cuts(url: str, chat: Mapping[str, Any]) -> bool:
    """Whether an answer ends, for no reason that is told, when somebody else asks something."""
    long = {**chat, "messages": [{"role": "user", "content": "Count from 1 to 100."}], "max_tokens": 48}
    short = {**chat, "max_tokens": 2}

    def reason(body: Mapping[str, Any]) -> object:
        with contextlib.closing(Plain(url)) as plain:
            return _reason(plain.events(CHAT, body)[1])

    with ThreadPoolExecutor(2) as pool:
        return None in list(pool.map(reason, (long, short)))


def text_of(event: Mapping[str, Any]) -> str:
    """What an event of a stream says, of a chat or a completion."""
    choice = (event.get("choices") or [{}])[0]
    return str((choice.get("delta") or {}).get("content") or choice.get("text") or "")
