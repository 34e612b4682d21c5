"""Why a connection failed is said in words, and with what to do about it."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sagellm_benchmark.causes import cause
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.net.fetch import get_json

EXPIRED = ("-days", "-1")


def openssl(*words: str | Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("makes certificates with openssl")
    subprocess.run(("openssl", *words), check=True, capture_output=True)


def certificate(folder: Path, name: str, *validity: str) -> Path:
    """A certificate for a host name that vouches for itself, and its key, in one file."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    request = folder / "request.pem"
    openssl(
        "req",
        "-new",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        f"/CN={name}",
        "-keyout",
        key,
        "-out",
        request,
    )
    extension = folder / "extension"
    extension.write_text(f"subjectAltName=DNS:{name}")
    openssl(
        *("x509", "-req", "-in", request, "-key", key, "-extfile", extension, "-out", made),
        *(validity or ("-days", "1")),
    )
    both = folder / "both.pem"
    both.write_bytes(key.read_bytes() + made.read_bytes())
    return both


@contextmanager
def tls_server(chain: Path) -> Iterator[int]:
    """A port where one client is greeted with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection, suppress(OSError), context.wrap_socket(connection, server_side=True):
                    pass

        thread = threading.Thread(target=greet)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.close()
            thread.join(30)


@pytest.mark.parametrize(
    ("name", "validity", "trusted", "said"),
    [
        ("localhost", (), False, "self-signed"),
        ("elsewhere.test", (), True, "for another host name"),
        ("localhost", EXPIRED, True, "has expired"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_said(
    name: str,
    validity: tuple[str, ...],
    trusted: bool,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain = certificate(tmp_path, name, *validity)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with tls_server(chain) as port, pytest.raises(RemoteError, match=f"TLS: .*{said}") as caught:
        get_json(f"https://localhost:{port}/", timeout_s=30)
    assert caught.value.hint


def test_a_name_that_dns_does_not_know_is_said() -> None:
    with pytest.raises(RemoteError, match="DNS does not know"):
        get_json("http://no-such-host.invalid/", timeout_s=30)


def test_the_cause_is_found_inside_what_libraries_make_of_it() -> None:
    def wrapped() -> None:
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as inner:
            raise RuntimeError("All connection attempts failed") from inner

    with pytest.raises(RuntimeError) as caught:
        wrapped()
    found = cause(caught.value)
    assert found is not None
    assert "connection refused" in found.said
    assert cause(urllib.error.URLError(TimeoutError())) == cause(TimeoutError())


def test_an_error_that_says_nothing_of_a_connection_has_no_known_cause() -> None:
    assert cause(ValueError("odd")) is None
