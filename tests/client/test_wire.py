"""Base URLs and the bytes of requests."""

from __future__ import annotations

import orjson

from sagellm_benchmark.address import Address
from sagellm_benchmark.client import wire
from sagellm_benchmark.client.terms import Target


def test_a_request_is_one_piece_with_its_length_and_the_targets_own_fields() -> None:
    target = Target("http://host:1/up", "m", "completions", "sk-1", {"seed": 3, "stream_options": None})
    head = wire.head(target, Address.parse(target.base_url))
    sent = wire.request(head, wire.body(target, ["ab"], [], 7))
    top, _, body = sent.partition(b"\r\n\r\n")
    assert top.startswith(b"POST /up/v1/completions HTTP/1.1\r\nHost: host:1\r\n")
    assert b"\r\nAuthorization: Bearer sk-1\r\n" in top
    assert top.endswith(b"\r\nContent-Length: %d" % len(body))
    assert orjson.loads(body) == {
        "model": "m",
        "stream": True,
        "max_tokens": 7,
        "prompt": "ab",
        "seed": 3,
    }
