"""The answers of the server of known timing, in the same form as vLLM's."""

from __future__ import annotations

from typing import Any

import orjson

MODELS = (
    b'{"object":"list","data":[{"id":"timed","object":"model","owned_by":"timed","max_model_len":131072}]}'
)
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def event(api: str, content: str | None, finish: str | None = None) -> bytes:
    """Return one event; with `content` None, the one that opens a chat answer with its role."""
    choice: dict[str, Any] = {"index": 0}
    if api == "completions":
        choice["text"] = content
    else:
        choice["delta"] = {"role": "assistant", "content": ""} if content is None else {"content": content}
    return _data({"choices": [choice | {"logprobs": None, "finish_reason": finish}]}, api)


def _data(fields: dict[str, Any], api: str) -> bytes:
    kind = "chat.completion.chunk" if api == "chat" else "text_completion"
    head = {"id": f"cmpl-{'0' * 32}", "object": kind, "created": 1_700_000_000, "model": "timed"}
    return b"data: " + orjson.dumps(head | fields) + b"\n\n"


def chunk(content: bytes) -> bytes:
    """Return bytes as one chunk of a chunked response."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def _usage(prompt: int, tokens: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}


def closing(api: str, prompt: int, tokens: int) -> bytes:
    """Return what follows the last token: the finish_reason, the usage, and the end of the stream."""
    end = (
        event(api, "", "length")
        + _data({"choices": [], "usage": _usage(prompt, tokens)}, api)
        + b"data: [DONE]\n\n"
    )
    return chunk(end) + b"0\r\n\r\n"


def whole(api: str, prompt: int, tokens: int) -> bytes:
    """Return the JSON of an answer that is not streamed, and not timed either."""
    text = " token" * tokens
    choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
    choice |= {"message": {"role": "assistant", "content": text}} if api == "chat" else {"text": text}
    return orjson.dumps(
        {"id": "cmpl-0", "model": "timed", "choices": [choice], "usage": _usage(prompt, tokens)}
    )


def reply(status: bytes, body: bytes) -> bytes:
    """Return a whole HTTP response with a JSON body."""
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )
