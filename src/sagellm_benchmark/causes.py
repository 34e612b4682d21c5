"""Why a connection failed, in words that say what to do: DNS, TLS, nobody there, nobody answering."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple

from sagellm_benchmark.text import one_line

_DEPTH = 16  # of errors that wrap each other

# The verification codes of OpenSSL, <openssl/x509_vfy.h>.
_CERTIFICATE = {
    9: ("the server's certificate is not valid yet", "check this machine's clock"),
    10: ("the server's certificate has expired", "have it renewed, and check this machine's clock"),
    18: ("the server's certificate is self-signed", "name it in SSL_CERT_FILE if you trust it"),
    19: ("the server's certificate chain is self-signed", "name its root in SSL_CERT_FILE if you trust it"),
    20: (
        "nobody trusted has signed the server's certificate",
        "name its issuer in SSL_CERT_FILE if you trust it",
    ),
    62: ("the server's certificate is for another host name", "use the name that the certificate is for"),
    64: ("the server's certificate is for another address", "use the name that the certificate is for"),
}
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}


class Cause(NamedTuple):
    """What happened, and what to do about it."""

    said: str
    hint: str


_OF_A_KIND: tuple[tuple[tuple[type[BaseException], ...], Cause], ...] = (
    (
        (socket.gaierror,),
        Cause("DNS does not know the host name", "check the spelling of the host, and the network"),
    ),
    (
        (ConnectionRefusedError,),
        Cause("nothing listens there (connection refused)", "start the server, or check host and port"),
    ),
    (
        (ConnectionResetError, BrokenPipeError),
        Cause(
            "the connection was broken off",
            "check http against https, the server's log, and proxies in between",
        ),
    ),
    (
        (TimeoutError,),
        Cause("no answer in time", "is the server up? Check host and port, and http against https"),
    ),
)


def cause(error: BaseException) -> Cause | None:
    """Return the cause behind an error and those that it wraps; None if we do not know it."""
    return next((known for one in _wrapped(error) if (known := _known(one)) is not None), None)


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, and what is inside it: libraries wrap the system's in their own."""
    inner: object = error
    for _ in range(_DEPTH):
        if not isinstance(inner, BaseException):
            return
        yield inner
        reason = getattr(inner, "reason", None)  # of urllib's; of an error of TLS it is a word
        inner = reason if isinstance(reason, BaseException) else inner.__cause__ or inner.__context__


def _known(error: BaseException) -> Cause | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error)
    if isinstance(error, ssl.SSLError):
        return _tls(error)
    return next((known for kinds, known in _OF_A_KIND if isinstance(error, kinds)), None)


def _certificate(error: ssl.SSLCertVerificationError) -> Cause:
    unknown = (f"the server's certificate is not trusted ({one_line(error.verify_message)})", "check it")
    said, hint = _CERTIFICATE.get(error.verify_code, unknown)
    return Cause(f"TLS: {said}", hint)


def _tls(error: ssl.SSLError) -> Cause:
    if error.reason in _NO_TLS:
        return Cause("TLS: what answers there does not speak it", "check http against https")
    return Cause(f"TLS failed ({one_line(str(error.reason or error))})", "check http against https")
