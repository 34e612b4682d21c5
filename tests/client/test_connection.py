"""One connection against servers that speak HTTP in every odd way."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sagellm_benchmark.client import connection
from sagellm_benchmark.client.calibration import asking
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.sample import Failure, Sample
from sagellm_benchmark.client.terms import Limits, Order, Target
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.workload.schedule import Schedule

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

EVENTS = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"length"}]}\n\ndata: [DONE]\n\n'
OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Length: %d\r\n\r\n" % len(EVENTS) + EVENTS
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(EVENTS) + EVENTS + b"\r\n0\r\n\r\n"

Wrap = Callable[[socket.socket], socket.socket]


@contextlib.contextmanager
def raw_server(answers: list[list[bytes]], wrap: Wrap = lambda sock: sock) -> Iterator[int]:
    """A server that answers request i with the writes of answers[i]; an empty write closes the connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    left = list(answers)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                threading.Thread(target=converse, args=(wrap(sock),), daemon=True).start()

    def converse(sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock, contextlib.suppress(OSError):
            while b"\r\n\r\n" in sock.recv(65536):
                for piece in left.pop(0) if left else [b""]:
                    if not piece:
                        return
                    sock.sendall(piece)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def ask(port: int, spool: Path, count: int = 1, scheme: str = "http") -> list[Sample]:
    target = Target(f"{scheme}://localhost:{port}", "m", "chat")
    observed = drive(
        Order(asking(1), count, Schedule(concurrency=1), target, Limits(connect_s=5, request_s=5), spool)
    )
    return list(observed.samples())


@pytest.mark.parametrize(
    "pieces",
    [
        [WHOLE],
        [CHUNKED],
        [WHOLE[i : i + 1] for i in range(len(WHOLE))],
        [CHUNKED[i : i + 1] for i in range(len(CHUNKED))],
        [b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE],
        [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", CHUNKED],
        [OK + b"\r\n" + EVENTS, b""],
        [OK + b"Connection: close\r\n\r\n", EVENTS[:20], EVENTS[20:], b""],
        [b"HTTP/1.0 200 OK\r\n\r\n" + EVENTS, b""],
        [CHUNKED.replace(b"\r\n0\r\n", b"\r\n0\r\nX-Trailer: y\r\n")],
        [CHUNKED.replace(b"chunked\r\n", b"Chunked\r\nX-Other: 1\r\n")],
    ],
)
def test_every_framing_of_http_is_understood(pieces: list[bytes], tmp_path: Path) -> None:
    with raw_server([pieces, pieces]) as port:
        samples = ask(port, tmp_path, count=2)
    assert [(sample.text, sample.failure, sample.status) for sample in samples] == [("a", None, 200)] * 2


@pytest.mark.parametrize(
    ("pieces", "failure", "detail"),
    [
        ([b"SSH-2.0-OpenSSH_9.6\r\n"], Failure.MALFORMED, "not HTTP"),
        ([b"\x16\x03\x01\x02\x00\x01\x00"], Failure.MALFORMED, "not HTTP"),
        ([OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"], Failure.MALFORMED, "not HTTP"),
        (
            [b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"],
            Failure.MALFORMED,
            "not HTTP",
        ),
        ([b""], Failure.CUT_OFF, "closed the connection"),
        ([OK, b""], Failure.CUT_OFF, "closed the connection"),
        ([OK + b"Content-Length: 500\r\n\r\n" + EVENTS[:40], b""], Failure.CUT_OFF, "closed the connection"),
        ([b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"], Failure.HTTP, "HTTP 302"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], Failure.HTTP, "HTTP 204"),
        ([OK + b"Content-Length: 0\r\n\r\n"], Failure.EMPTY, "no content"),
        ([b"HTTP/1.1 500 Oh\r\n\r\nno", b""], Failure.HTTP, "HTTP 500: no"),
        ([b"HTTP/1.1 503 Oh\r\nContent-Length: 90\r\n\r\nbusy", b""], Failure.HTTP, "HTTP 503: busy"),
    ],
)
def test_what_is_not_an_answer_is_told_by_its_name(
    pieces: list[bytes], failure: Failure, detail: str, tmp_path: Path
) -> None:
    with raw_server([pieces, pieces]) as port:
        (sample,) = ask(port, tmp_path)
    assert sample.failure is failure
    assert detail in (sample.detail or "")


def test_an_answer_that_said_it_was_finished_survives_a_broken_connection(tmp_path: Path) -> None:
    with raw_server([[OK + b"Content-Length: 900\r\n\r\n" + EVENTS, b""]]) as port:
        (sample,) = ask(port, tmp_path)
    assert sample.failure is None


def test_bytes_that_nobody_asked_for_cost_the_connection_but_not_the_answer(tmp_path: Path) -> None:
    with raw_server([[WHOLE + WHOLE], [WHOLE + b"garbage"], [CHUNKED]]) as port:
        samples = ask(port, tmp_path, count=3)
    assert [(sample.text, sample.failure) for sample in samples] == [("a", None)] * 3


def test_bytes_on_an_idle_connection_cost_it_but_not_the_next_answer(tmp_path: Path) -> None:
    with raw_server([[WHOLE, b"garbage"], [WHOLE, WHOLE], [CHUNKED]]) as port:
        target = Target(f"http://127.0.0.1:{port}", "m", "chat")
        apart = Schedule(due_s=(0.0, 0.4, 0.8))
        samples = list(drive(Order(asking(1), 3, apart, target, Limits(), tmp_path)).samples())
    assert [(sample.text, sample.failure) for sample in samples] == [("a", None)] * 3


def test_an_answer_without_an_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_ANSWER_BYTES", 1000)
    with raw_server([[OK + b"Content-Length: 100000\r\n\r\n", b"data: x\n\n" * 500]]) as port:
        (sample,) = ask(port, tmp_path)
    assert sample.failure is Failure.MALFORMED
    assert "longer than 1000 bytes" in (sample.detail or "")


def test_an_answer_in_endless_tiny_chunks_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_ANSWER_PIECES", 500)
    with raw_server([[OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n\n\r\n" * 1000]]) as port:
        (sample,) = ask(port, tmp_path)
    assert sample.failure is Failure.MALFORMED
    assert "or 500 pieces" in (sample.detail or "")


def test_twenty_megabytes_of_tiny_events_cost_a_few_times_their_text(tmp_path: Path) -> None:
    event = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
    body = event * ((20 << 20) // len(event))
    head = OK + b"Content-Length: %d\r\n\r\n" % len(body)
    with raw_server([[head, body]]) as port:
        tracemalloc.start()
        try:
            (sample,) = ask(port, tmp_path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (sample.failure, sample.detail) == (Failure.MALFORMED, "more than 200,000 events in one answer")
    assert peak < 100 << 20  # decoding takes most of it, here after the load


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that vouches for itself, its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("makes a certificate with openssl")
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    command += [
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(path),
        "-out",
        str(path.with_suffix(".crt")),
    ]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


def with_tls(certificate: Path) -> Wrap:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return lambda sock: context.wrap_socket(sock, server_side=True)


def test_https_is_spoken_with_a_server_that_can_be_trusted(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    with raw_server([[CHUNKED], [WHOLE]], with_tls(certificate)) as port:
        samples = ask(port, tmp_path, count=2, scheme="https")
    assert [(sample.text, sample.failure) for sample in samples] == [("a", None)] * 2


def test_a_server_that_cannot_be_trusted_is_refused(certificate: Path, tmp_path: Path) -> None:
    with (
        raw_server([[CHUNKED]], with_tls(certificate)) as port,
        pytest.raises(RemoteError, match=r"(?i)certificate"),
    ):
        ask(port, tmp_path, scheme="https")


def test_a_server_that_accepts_nobody_times_out(tmp_path: Path) -> None:
    """A full accept queue leaves a connection attempt without an answer."""
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            other = waiting.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        target = Target(f"http://127.0.0.1:{listener.getsockname()[1]}", "m", "chat")
        with pytest.raises(RemoteError, match="no answer in time"):
            drive(Order(asking(1), 1, Schedule(concurrency=1), target, Limits(connect_s=0.3), tmp_path))
