"""One question, one answer: JSON or text, within a time and a size, or an error for people."""

from __future__ import annotations

from typing import Any

import orjson

from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net.keys import without
from sagellm_benchmark.net.peers import LLM_SERVER, Peer
from sagellm_benchmark.net.session import Session
from sagellm_benchmark.text import one_line

TIMEOUT_S = 10.0


def get_json(
    url: str,
    *,
    timeout_s: float = TIMEOUT_S,
    api_key: str | None = None,
    peer: Peer = LLM_SERVER,
    session: Session | None = None,
) -> Any:
    """Return the JSON value at `url`; inside the `with` of a `session`, over its connection.

    Raise StatusError for a status other than 2xx, another RemoteError if the server is unreachable or answers no JSON.
    """
    return _json(url, (session or Session()).fetch(url, None, timeout_s, api_key, peer), api_key, peer)


def post_json(
    url: str,
    body: Any,
    *,
    timeout_s: float = TIMEOUT_S,
    api_key: str | None = None,
    peer: Peer = LLM_SERVER,
    session: Session | None = None,
) -> Any:
    """Return the JSON value that `url` answers to a POST of the JSON value `body`; otherwise like `get_json`."""
    content = (session or Session()).fetch(url, orjson.dumps(body), timeout_s, api_key, peer)
    return _json(url, content, api_key, peer)


def get_text(
    url: str, *, timeout_s: float = TIMEOUT_S, api_key: str | None = None, peer: Peer = LLM_SERVER
) -> str:
    """Return the text at `url`; bytes that are not UTF-8 are replaced. Raise RemoteError as `get_json` does."""
    return _text(Session().fetch(url, None, timeout_s, api_key, peer), api_key)


def post_text(
    url: str,
    body: Any,
    *,
    timeout_s: float = TIMEOUT_S,
    api_key: str | None = None,
    peer: Peer = LLM_SERVER,
    session: Session | None = None,
) -> str:
    """Return the whole text (such as an event stream) that `url` answers to the JSON value `body`; like `get_json`."""
    content = (session or Session()).fetch(url, orjson.dumps(body), timeout_s, api_key, peer)
    return _text(content, api_key)


def _text(body: bytes, api_key: str | None) -> str:
    return str(without(body.decode("utf-8", "replace"), api_key))


def _json(url: str, body: bytes, api_key: str | None, peer: Peer) -> Any:
    try:
        return without(orjson.loads(body), api_key)
    except orjson.JSONDecodeError as error:
        raise RemoteError(
            f"{url} does not look like {peer.name}: its answer is not JSON ({one_line(body, 60)!r})",
            hint=peer.not_json,
        ) from error
