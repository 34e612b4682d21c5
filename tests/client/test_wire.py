"""Base URLs and the bytes of requests."""

from __future__ import annotations

import orjson
import pytest

from sagellm_benchmark.client import wire
from sagellm_benchmark.client.terms import Target
from sagellm_benchmark.errors import UsageError


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("http://localhost:8000", wire.Endpoint("localhost", 8000, False, "", "localhost:8000")),
        ("https://api.example.com", wire.Endpoint("api.example.com", 443, True, "", "api.example.com")),
        ("http://host/prefix/x/", wire.Endpoint("host", 80, False, "/prefix/x", "host")),
        ("http://[::1]:9", wire.Endpoint("::1", 9, False, "", "[::1]:9")),
    ],
)
def test_a_base_url_is_taken_apart(base_url: str, expected: wire.Endpoint) -> None:
    assert wire.endpoint(base_url) == expected


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("https://host", "host:443"),
        ("http://[::1]:9", "[::1]:9"),
        ("http://[::1]", "[::1]:80"),
    ],
)
def test_an_endpoint_is_shown_with_its_port(base_url: str, shown: str) -> None:
    assert str(wire.endpoint(base_url)) == shown


@pytest.mark.parametrize(
    "base_url",
    ["", "localhost:8000", "ftp://host", "http://", "http://host:port", "http://host:99999", "http://[::1"],
)
def test_what_is_no_base_url_is_refused_with_an_example(base_url: str) -> None:
    with pytest.raises(UsageError, match="is not a base URL") as refusal:
        wire.endpoint(base_url)
    assert "http://localhost:8000" in (refusal.value.hint or "")


def test_a_password_in_the_url_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError) as refusal:
        wire.endpoint("http://me:secret@host:1")
    assert "secret" not in refusal.value.message


def test_a_path_that_could_forge_headers_is_refused() -> None:
    with pytest.raises(UsageError):
        wire.endpoint("http://host/a b")


def test_a_request_is_one_piece_with_its_length_and_the_targets_own_fields() -> None:
    target = Target("http://host:1/up", "m", "completions", "sk-1", {"seed": 3, "stream_options": None})
    head = wire.head(target, wire.endpoint(target.base_url))
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
