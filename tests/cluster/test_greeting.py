"""What listens where a Ray head is looked for; the bytes are those that servers of gRPC 1.58 send."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sagellm_benchmark.cluster.greeting import is_head
from tests.fakes.openai_server import Script, serving

SETTINGS = bytes.fromhex("000018040000000000000400400000000500400000000600004000fe0300000001")
WINDOW = bytes.fromhex("000004080000000000003f0001")
HEADERS = bytes.fromhex("00000101040000000188")  # :status 200
HEALTHY = bytes.fromhex("00000700000000000100000000020801")
NOT_SERVING = bytes.fromhex("00000700000000000100000000020802")
NO_SUCH_METHOD = bytes.fromhex("00000101050000000188")  # and the end of the stream


@contextlib.contextmanager
def answering(answer: Callable[[socket.socket], object]) -> Iterator[int]:
    """A port where one caller's question is read, and answered like this."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_a_head_says_that_it_is_healthy() -> None:
    answer = SETTINGS + WINDOW + HEADERS + HEALTHY
    with answering(lambda connection: connection.sendall(answer)) as port:
        assert is_head("127.0.0.1", port, 5.0)


def test_an_answer_in_small_pieces_is_put_together() -> None:
    def bit_by_bit(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in SETTINGS + HEADERS + HEALTHY:
            connection.sendall(bytes([byte]))

    with answering(bit_by_bit) as port:
        assert is_head("127.0.0.1", port, 5.0)


@pytest.mark.parametrize("answer", [NOT_SERVING, NO_SUCH_METHOD, b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_anything_else_is_no_head(answer: bytes) -> None:
    with answering(lambda connection: connection.sendall(SETTINGS + answer)) as port:
        assert not is_head("127.0.0.1", port, 5.0)


def test_a_web_server_is_no_head() -> None:
    with serving(Script()) as server:
        assert not is_head("127.0.0.1", int(server.base_url.rpartition(":")[2]), 5.0)


def test_who_says_nothing_is_waited_for_as_long_as_was_said() -> None:
    began = time.monotonic()
    asked = threading.Event()
    with answering(lambda connection: asked.wait(30)) as port:
        assert not is_head("127.0.0.1", port, 0.2)
        waited_s = time.monotonic() - began
        asked.set()
    assert 0.2 <= waited_s < 20


def test_who_talks_without_end_is_not_listened_to_for_ever() -> None:
    def talks(connection: socket.socket) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                connection.sendall(SETTINGS * 1000)

    with answering(talks) as port:
        assert not is_head("127.0.0.1", port, 60.0)


def test_where_nobody_listens_the_system_s_error_is_raised() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        is_head("127.0.0.1", port, 5.0)
