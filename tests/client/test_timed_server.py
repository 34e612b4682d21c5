"""The built-in server of known timing, spoken to over raw sockets."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sagellm_benchmark.client.calibration import timed_server
from sagellm_benchmark.client.timed_log import read_log
from sagellm_benchmark.client.timed_server import TimedServer, _Peer, listen

pytestmark = [pytest.mark.slow, pytest.mark.with_children]


def ask(base_url: str, method: str, path: str, body: object = None) -> tuple[int, str]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", port(base_url), timeout=10)
    ) as connection:
        connection.request(method, path, content)
        reply = connection.getresponse()
        return reply.status, reply.read().decode()


def post(base_url: str, path: str, body: object) -> str:
    status, answer = ask(base_url, "POST", path, body)
    assert status == 200
    return answer


def port(base_url: str) -> int:
    return int(base_url.rpartition(":")[2])


def connected(base_url: str) -> socket.socket:
    """A connection with a small window, so that a reader who waits is felt."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(10)
    sock.connect(("127.0.0.1", port(base_url)))
    return sock


def events(answer: str) -> list[str]:
    return [event.removeprefix("data: ") for event in answer.split("\n\n") if event]


@pytest.mark.parametrize(("path", "extra"), [("/v1/chat/completions", 1), ("/v1/completions", 0)])
def test_an_answer_takes_the_time_that_was_set(path: str, extra: int, tmp_path: Path) -> None:
    log = tmp_path / "truth"
    with timed_server(log, ttft_s=0.1, itl_s=0.02) as base_url:
        answer = events(post(base_url, path, {"stream": True, "max_tokens": 5}))
    assert len(answer) == extra + 5 + 3  # a role; tokens; the finish, the usage and [DONE]
    assert answer[-1] == "[DONE]"
    assert json.loads(answer[-2])["usage"]["completion_tokens"] == 5
    (truth,) = read_log(log).values()
    assert len(truth.sent_s) == 5
    assert truth.sent_s[0] - truth.read_s >= 0.1
    assert (
        truth.sent_s[-1] - truth.read_s >= 0.1 + 4 * 0.02
    )  # by the clock, so that a late event delays no other


def test_a_request_may_ask_for_another_pace(tmp_path: Path) -> None:
    log = tmp_path / "truth"
    with timed_server(log, ttft_s=5.0, itl_s=5.0) as base_url:
        post(base_url, "/v1/completions", {"stream": True, "max_tokens": 3, "ttft_s": 0.02, "itl_s": 0.03})
    (truth,) = read_log(log).values()
    assert 0.02 <= truth.sent_s[0] - truth.read_s < 5
    assert 0.02 + 2 * 0.03 <= truth.sent_s[2] - truth.read_s < 5


def test_an_answer_begins_with_its_number_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "truth"
    with timed_server(log, ttft_s=0, itl_s=0) as base_url:
        for number in range(3):
            first = events(post(base_url, "/v1/completions", {"stream": True, "max_tokens": 1}))[0]
            assert json.loads(first)["choices"][0]["text"] == f"#{number} "
    assert sorted(read_log(log)) == [0, 1, 2]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_an_answer_that_is_not_streamed_comes_at_once(path: str, tmp_path: Path) -> None:
    with timed_server(tmp_path / "truth", ttft_s=5, itl_s=5) as base_url:
        answer = json.loads(post(base_url, path, {"max_completion_tokens": 3}))
    assert answer["usage"]["completion_tokens"] == 3


def test_other_pages_are_answered_too(tmp_path: Path) -> None:
    with timed_server(tmp_path / "truth", ttft_s=0, itl_s=0) as base_url:
        assert json.loads(ask(base_url, "GET", "/v1/models")[1])["data"][0]["id"] == "timed"
        assert ask(base_url, "GET", "/health")[0] == 200
        assert ask(base_url, "POST", "/nowhere", {})[0] == 404
        assert ask(base_url, "POST", "/v1/completions", b"{")[0] == 400
        assert ask(base_url, "POST", "/v1/completions", [])[0] == 400


def test_a_request_in_two_pieces_and_two_in_one_piece_are_understood(tmp_path: Path) -> None:
    body = b'{"stream": true, "max_tokens": 1}'
    request = b"POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    with timed_server(tmp_path / "truth", ttft_s=0.01, itl_s=0) as base_url, connected(base_url) as sock:
        sock.sendall(request[:30])
        time.sleep(0.05)
        sock.sendall(request[30:] + request)
        seen = b""
        while seen.count(b"[DONE]") < 2:
            seen += sock.recv(65536)
    assert seen.count(b"200 OK") == 2


def test_a_client_that_reads_slowly_loses_nothing(tmp_path: Path) -> None:
    body = b'{"stream": true, "max_tokens": 20000}'
    with timed_server(tmp_path / "truth", ttft_s=0, itl_s=0) as base_url, connected(base_url) as sock:
        sock.sendall(b"POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        time.sleep(0.3)
        seen = bytearray()
        while not seen.endswith(b"0\r\n\r\n"):
            seen += sock.recv(1 << 20)
    assert seen.count(b'" token"') == 19999


def test_a_client_that_goes_away_is_forgotten(tmp_path: Path) -> None:
    body = b'{"stream": true, "max_tokens": 1000000}'
    log = tmp_path / "truth"
    with timed_server(log, ttft_s=0.01, itl_s=0.001) as base_url:
        with connected(base_url) as sock:
            sock.sendall(b"POST /v1/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            sock.recv(10)
        assert events(post(base_url, "/v1/completions", {"stream": True, "max_tokens": 1}))[-1] == "[DONE]"
    assert list(read_log(log)) == [1]


@pytest.mark.parametrize("tokens", [1, 5])
def test_an_answer_whose_client_has_gone_is_not_recorded(tokens: int) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    log = io.BytesIO()
    with listen() as listener:
        server = TimedServer(listener, ttft_s=0.0, itl_s=0.0, log=log)
        body = b'{"stream": true, "max_tokens": %d}' % tokens
        server._schedule(peer := _Peer(ours), "completions", body)
        server._send_due()
    assert (log.getvalue(), peer.sock.fileno()) == (b"", -1)


def test_it_ends_with_the_one_who_started_it(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sagellm_benchmark.client.timed_server",
        "--log",
        str(tmp_path / "truth"),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(10) == 0


def test_a_detached_one_ends_when_it_is_told_to(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sagellm_benchmark.client.timed_server", "--detached", "--log"]
    with subprocess.Popen([*command, str(tmp_path / "truth")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs Linux and two cores"
)
def test_it_keeps_off_the_core_that_its_starter_is_pinned_to(tmp_path: Path) -> None:
    first, *others = sorted(os.sched_getaffinity(0))
    command = ["taskset", "-c", str(first), sys.executable, "-m", "sagellm_benchmark.client.timed_server"]
    command += ["--beside", "--log", str(tmp_path / "truth")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        cores = os.sched_getaffinity(process.pid)
        process.communicate()
    assert first not in cores
    assert cores >= set(others)
