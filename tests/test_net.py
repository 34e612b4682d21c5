"""Control-plane HTTP: limits on time and size, plain errors, and a key that goes nowhere else."""

from __future__ import annotations

import time

import pytest

from sagellm_benchmark.address import is_loopback
from sagellm_benchmark.errors import RemoteError, UsageError
from sagellm_benchmark.net import session
from sagellm_benchmark.net.failures import StatusError
from sagellm_benchmark.net.fetch import get_json, get_text, post_json, post_text
from sagellm_benchmark.net.session import Session
from tests.fakes.openai_server import serving as fake_llm
from tests.fakes.routes import closed_port, raw, serving

KEY = "sk-very-secret-0123456789"


def test_a_json_answer_is_decoded() -> None:
    with serving({"GET /v1/models": (200, {"data": []})}) as server:
        assert get_json(f"{server.base_url}/v1/models") == {"data": []}


def test_a_posted_body_arrives_as_json() -> None:
    with serving({"POST /echo": lambda body: (200, {"got": body})}) as server:
        assert post_json(f"{server.base_url}/echo", {"a": [1, "ü"]}) == {"got": {"a": [1, "ü"]}}
        assert server.requests[0].headers["content-type"] == "application/json"


def test_text_may_hold_any_bytes() -> None:
    with serving({"GET /metrics": (200, b"a 1\n\xff"), "POST /stream": (200, b"data: {}\n")}) as server:
        assert get_text(f"{server.base_url}/metrics") == "a 1\n�"
        assert post_text(f"{server.base_url}/stream", {}) == "data: {}\n"


def test_the_key_is_sent_as_a_bearer_token() -> None:
    with serving({"GET /x": (200, {})}) as server:
        get_json(f"{server.base_url}/x", api_key=KEY)
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_no_key_means_no_authorization() -> None:
    with serving({"GET /x": (200, {})}) as server:
        get_json(f"{server.base_url}/x")
        assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("key", ["two\nlines", "sk-1 ", "schlüssel", "tab\tinside", "sk 1"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        get_json("http://127.0.0.1:9/x", api_key=key)
    assert key not in caught.value.message + str(caught.value.hint)


@pytest.mark.parametrize(
    ("status", "next_action"),
    [
        (401, "--api-key-env"),
        (403, "key"),
        (404, "--base-url"),
        (429, "wait"),
        (500, "log"),
        (503, "loading"),
    ],
)
def test_a_status_says_what_to_do_next(status: int, next_action: str) -> None:
    with (
        serving({"GET /x": (status, {"error": {"message": "so it is"}})}) as server,
        pytest.raises(StatusError) as caught,
    ):
        get_json(f"{server.base_url}/x")
    assert caught.value.status == status
    assert f"answers {status}" in caught.value.message
    assert "so it is" in caught.value.message
    assert next_action in str(caught.value.hint)


def test_a_status_that_does_not_exist_is_reported_all_the_same() -> None:
    with serving({"GET /x": (499, b"")}) as server, pytest.raises(StatusError, match="499"):
        get_json(f"{server.base_url}/x")


@pytest.mark.parametrize(
    "body",
    [
        b'{"detail": "no such thing"}',
        b'{"message": "no such thing"}',
        b"no such\nthing",
        b'["no such thing"]',
    ],
)
def test_the_reason_is_found_in_every_shape_of_error(body: bytes) -> None:
    with serving({"GET /x": (400, body)}) as server, pytest.raises(StatusError, match="no such thing"):
        get_json(f"{server.base_url}/x")


def test_a_server_that_echoes_the_key_does_not_get_it_into_the_message() -> None:
    echo = {"error": {"message": f"Incorrect API key provided: {KEY}"}}
    with serving({"GET /x": (401, echo)}) as server, pytest.raises(StatusError) as caught:
        get_json(f"{server.base_url}/x", api_key=KEY)
    assert KEY not in caught.value.message
    assert KEY.encode() not in caught.value.body


def test_control_characters_of_a_server_stay_out_of_the_message() -> None:
    with serving({"GET /x": (400, b"\x1b[2Jgone\x07")}) as server, pytest.raises(StatusError) as caught:
        get_json(f"{server.base_url}/x")
    assert caught.value.message.isprintable()


def test_a_redirect_is_not_followed_so_the_key_stays_here() -> None:
    with serving({"GET /x": (200, {})}) as elsewhere:
        there = f"{elsewhere.base_url}/x"
        with serving({"GET /x": (302, b"")}, headers={"Location": there}) as server:
            with pytest.raises(StatusError, match="redirects to") as caught:
                get_json(f"{server.base_url}/x", api_key=KEY)
            assert there in caught.value.message
        assert elsewhere.requests == []


def test_an_answer_that_is_not_json_is_no_llm_server() -> None:
    with (
        serving({"GET /x": (200, b"<html>hello</html>")}) as server,
        pytest.raises(RemoteError, match="does not look like an LLM server"),
    ):
        get_json(f"{server.base_url}/x")


def test_nothing_listening_is_said_so() -> None:
    with pytest.raises(RemoteError, match="connection refused") as caught:
        get_json(f"http://127.0.0.1:{closed_port()}/x")
    assert "start the server" in str(caught.value.hint)


def test_an_unknown_host_is_said_so() -> None:
    with pytest.raises(RemoteError, match="DNS does not know"):
        get_json("http://no-such-host.invalid/x")


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "http://[::1"])
def test_an_address_of_another_kind_is_not_opened(url: str) -> None:
    with pytest.raises(RemoteError, match="cannot be reached"):
        get_json(url)


def test_a_silent_server_is_given_up_in_time() -> None:
    with raw([], hold=True) as url, pytest.raises(RemoteError, match="does not answer within"):
        get_json(url, timeout_s=0.2)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 80,
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"] + [b" "] * 80,
    ],
    ids=["headers", "body"],
)
def test_a_server_that_drips_is_given_up_in_time(pieces: list[bytes]) -> None:
    began = time.monotonic()
    with raw(pieces, gap_s=0.1) as url, pytest.raises(RemoteError, match="does not answer within"):
        get_json(url, timeout_s=0.4)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    "piece", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"]
)
def test_what_speaks_no_http_or_breaks_off_cannot_be_reached(piece: bytes) -> None:
    with raw([piece]) as url, pytest.raises(RemoteError, match="cannot be reached"):
        get_json(url)


def test_tls_against_a_plain_server_says_so() -> None:
    with (
        raw([b"HTTP/1.1 400 Bad Request\r\n\r\n"]) as url,
        pytest.raises(RemoteError, match="TLS: what answers there does not speak it") as caught,
    ):
        get_json(url.replace("http:", "https:"))
    assert "http against https" in str(caught.value.hint)


def test_an_endless_answer_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_REPLY_BYTES", 2**20)
    with (
        serving({"GET /x": (200, b" " * (2**20 + 1))}) as server,
        pytest.raises(RemoteError, match="more than 1 MiB"),
    ):
        get_json(f"{server.base_url}/x")


def test_loopback_is_never_asked_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    with serving({"GET /x": (200, {})}) as server:
        assert get_json(f"{server.base_url}/x") == {}


def test_another_host_is_asked_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"GET http://llm.example/x": (200, {"via": "proxy"})}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.base_url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert get_json("http://llm.example/x") == {"via": "proxy"}


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "api.localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"]
)
def test_loopback_hosts_are_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["example.org", "10.0.0.1", "localhost.example.org", "", "::2"])
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_a_session_keeps_its_connection() -> None:
    with fake_llm() as server, Session() as kept:
        for text in ("one", "one two", "one two three"):
            answer = post_json(f"{server.base_url}/tokenize", {"prompt": text}, session=kept)
            assert answer["count"] == len(text.split())
        assert server.connections == 1


def test_outside_its_block_a_session_keeps_none() -> None:
    client = Session()
    with fake_llm() as server:
        with client:
            post_json(f"{server.base_url}/tokenize", {"prompt": "one"}, session=client)
        for _ in range(2):
            post_json(f"{server.base_url}/tokenize", {"prompt": "one"}, session=client)
        assert server.connections == 3


def test_a_session_goes_on_after_a_refusal() -> None:
    with fake_llm() as server, Session() as kept:
        with pytest.raises(StatusError):
            post_json(f"{server.base_url}/nowhere", {}, session=kept)
        assert post_json(f"{server.base_url}/tokenize", {"prompt": "one"}, session=kept)["count"] == 1


def test_a_session_opens_what_the_server_has_closed() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"  # and it hangs up without saying so
    with raw([answer]) as url, Session() as kept:
        assert [post_json(url, {}, session=kept) for _ in range(3)] == [{}, {}, {}]


def test_a_session_asks_each_server_itself() -> None:
    with fake_llm() as one, fake_llm() as other, Session() as kept:
        for server in (one, other):
            post_json(f"{server.base_url}/tokenize", {"prompt": "one"}, session=kept)
        assert (one.connections, other.connections) == (1, 1)


def test_a_session_gives_every_request_its_own_time() -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with raw([whole], hold=True) as url, Session() as kept:
        assert post_json(url, {}, timeout_s=5.0, session=kept) == {}
        with pytest.raises(RemoteError, match=r"does not answer within 0\.2 s"):
            post_json(url, {}, timeout_s=0.2, session=kept)


def test_a_proxy_is_told_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"GET http://llm.example/x?y=1": (200, {})}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.base_url.replace("//", "//me:p%40ss@"))
        monkeypatch.setenv("no_proxy", "")
        get_json("http://llm.example/x?y=1#z")
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6cEBzcw=="


def test_tls_goes_through_a_tunnel_of_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw([b"HTTP/1.1 407 Who are you\r\n\r\n"]) as proxy:
        monkeypatch.setenv("https_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(RemoteError, match="Tunnel connection failed: 407 Who are you"):
            get_json("https://llm.example/x")
