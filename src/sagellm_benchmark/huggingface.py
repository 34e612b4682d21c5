"""Keeps huggingface_hub within bounds: a timeout on every request, a limit on every answer, a status for a class.

The library shares one HTTP client for everything, without timeouts, and sleeps as long as a server tells it to.
Two hooks on that client, awake only inside `call`, set the limits and raise `Answer` before the library reacts.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import sys
import threading
import time
import traceback
import warnings
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from sagellm_benchmark.causes import cause
from sagellm_benchmark.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

T = TypeVar("T")

MAX_ANSWER_BYTES = 16 << 20
"""Of an answer that is no file: a page of a listing has a few hundred kilobytes."""
_PACKED = 64  # an answer that is compressed unasked may have so many times fewer bytes

_timeout_s: ContextVar[float | None] = ContextVar("_timeout_s", default=None)
_at_most: ContextVar[int] = ContextVar("_at_most", default=MAX_ANSWER_BYTES)
_witness: ContextVar[Callable[[Any], None] | None] = ContextVar("_witness", default=None)
_clock: ContextVar[Callable[[datetime], None] | None] = ContextVar("_clock", default=None)
_REASONS = {
    "OfflineModeIsEnabled": "HF_HUB_OFFLINE is set",
    "LocalTokenNotFoundError": "there is no token",
    "OIDCError": "HF_OIDC_RESOURCE is set, but this job has no identity to exchange for a token",
    "DeviceCodeError": "the login has expired and could not be renewed",
}
_HINTS = {"OfflineModeIsEnabled": "unset HF_HUB_OFFLINE"}
_STUMBLES = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    AssertionError,
)  # over odd JSON
_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")


class Answer(Exception):  # noqa: N818 - what the Hub said, before anybody has judged it
    """The Hub answered with an error status. `code` is its `X-Error-Code`, `retry_after_s` what it asked to wait."""

    def __init__(self, status: int, code: str, retry_after_s: float | None) -> None:
        super().__init__(f"HTTP {status}{f' ({code})' if code else ''}")
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s

    @property
    def says_absent(self) -> bool:
        """The Hub knows the commit and says that this path is not in it."""
        return self.status == 404 and self.code == "EntryNotFound"


class NoAnswer(Exception):  # noqa: N818 - nobody knows yet whether it is an error
    """No usable answer came: no connection, a cut or unreadable reply, a timeout, or offline mode."""


class NotAsked(Exception):  # noqa: N818 - a matter of this machine's settings
    """The library did not even ask: it was told to stay offline (`hint` says so), or has no token that can be sent."""

    def __init__(self, why: str, hint: str | None = None) -> None:
        super().__init__(why)
        self.hint = hint


def library() -> Any:
    """Return the huggingface_hub module, imported when it is first needed.

    Raises UsageError if its settings are wrong.
    """
    try:
        import huggingface_hub  # noqa: PLC0415 - takes longer than all of `--help` may
        import huggingface_hub.constants  # noqa: PLC0415 - the rest of it is loaded when it is used
    except ValueError as error:  # it reads its numbers when it is imported
        raise UsageError(
            "huggingface_hub cannot read its settings",
            hint="check that every HF_… variable that should hold a number does",
        ) from error
    return huggingface_hub


def shown(endpoint: str) -> str:
    """Return an address as it may be printed: a name and a password before the host are nobody's business."""
    return re.sub(r"^([a-z]+://)?.*@", r"\1", re.split(r"[?#]", endpoint)[0], flags=re.IGNORECASE | re.DOTALL)


def is_loopback(host: str | None) -> bool:
    """Return whether this host is this machine, where nobody listens in."""
    if host is None or host.lower() == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_private_way(address: str) -> bool:
    """Return whether nobody can listen in, or answer instead, on the way to this address: https, or this machine."""
    parts = urlsplit(address)
    return parts.scheme.lower() == "https" or is_loopback(parts.hostname)


def download(url: str, *, token: bool, at_most: int) -> bytes:
    """Return a file's bytes; for `work` inside `call`. Raises NoAnswer as soon as there are more than `at_most`."""
    held = BytesIO()
    with _open(url, token=token, at_most=at_most) as response:
        for chunk in response.iter_bytes():
            if held.tell() + len(chunk) > at_most:
                raise NoAnswer(f"more came than the {at_most:,} bytes that it lists")
            held.write(chunk)
    return held.getvalue()


def exists(url: str, *, token: bool) -> bool:
    """Return whether the Hub begins to send a file; for `work` inside `call`.

    Only its own word for absent counts as no.
    """
    try:
        with _open(url, token=token, at_most=MAX_ANSWER_BYTES):
            return True
    except Answer as answer:
        if answer.says_absent:
            return False
        raise


@contextmanager
def _open(url: str, *, token: bool, at_most: int) -> Iterator[Any]:
    headers = {**library().utils.build_hf_headers(token=token), "accept-encoding": "identity"}
    before = _at_most.set(at_most)
    try:
        with library().get_session().stream("GET", url, headers=headers) as response:
            yield response
    finally:
        _at_most.reset(before)


@contextmanager
def before_upload(look: Callable[[Any], None]) -> Iterator[None]:
    """Show `look` what the Hub answers before it takes files: how each goes there, and the id of the one it has.

    The library keeps that to itself. What `look` raises ends the upload with nothing sent.
    """
    before = _witness.set(look)
    try:
        yield
    finally:
        _witness.reset(before)


@contextmanager
def by_its_clock(look: Callable[[datetime], None]) -> Iterator[None]:
    """Tell `look` what time it is by the Hub's own clock, as its answers say; of one that says nothing it is not
    called.
    """
    before = _clock.set(look)
    try:
        yield
    finally:
        _clock.reset(before)


def call(work: Callable[[], T], *, timeout_s: float, total_s: float) -> T:
    """Run `work`, which uses huggingface_hub, with a limit on each silence of the server and on the whole.

    Raises Answer, NoAnswer or NotAsked, and UsageError for settings it cannot work with. The work has a thread of its
    own, which is abandoned when its time is up: a server that drips a byte now and then, or a library that sleeps,
    holds nobody up.
    """
    _install()
    future: Future[T] = Future()
    threading.Thread(target=_run, args=(future, work, timeout_s), daemon=True).start()
    try:
        return future.result(timeout=total_s)
    except Answer:
        raise
    except TimeoutError as error:
        raise NoAnswer(f"nothing came within {total_s:g} s") from error
    except _bad_address() as error:
        raise UsageError(
            "the address of the Hub or of a proxy is not valid",
            hint="look at HF_ENDPOINT, HTTPS_PROXY and ALL_PROXY",
        ) from error
    except _own_fault() as error:
        name = type(error).__name__
        raise NotAsked(_REASONS.get(name, "the token cannot be sent"), _HINTS.get(name)) from error
    except _no_answers() as error:
        known = cause(error)
        raise NoAnswer(known.said if known else type(error).__name__) from error
    except _STUMBLES as error:
        if not _is_librarys(error):
            raise
        raise NoAnswer(f"its answer cannot be read ({type(error).__name__})") from error


def _run(future: Future[T], work: Callable[[], T], timeout_s: float) -> None:
    _timeout_s.set(timeout_s)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the Hub's remarks on a card are not for our users
            future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
        future.set_exception(error)


def _is_librarys(error: BaseException) -> bool:
    """Tell whether the library stumbled over an answer itself; an error of our own code is a bug, and not the Hub's."""
    ours, theirs = __package__, {"huggingface_hub", type(_session()).__module__.partition(".")[0]}
    frames = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    rooms = [name.partition(".")[0] for name in frames]
    return next((room in theirs for room in reversed(rooms) if room in {ours, *theirs}), False)


@functools.cache
def _no_answers() -> tuple[type[Exception], ...]:
    """Return what the library raises where no answer came, or half of one."""
    errors = library().errors
    names = (
        "HTTPError",
        "OIDCError",
        "DeviceCodeError",
    )  # every release has the first, later ones the others
    own = [getattr(errors, name) for name in names if hasattr(errors, name)]
    return (*own, OSError)


@functools.cache
def _own_fault() -> tuple[type[Exception], ...]:
    """Return what it raises before it asks anybody; not every release has all of them."""
    errors = library().errors
    # a token in Cyrillic cannot be encoded; a damaged answer that cannot be decoded is something else
    return (UnicodeEncodeError, *(getattr(errors, name) for name in _REASONS if hasattr(errors, name)))


@functools.cache
def _session() -> Any:
    """Return the library's own HTTP client, which takes proxies and certificates from the environment."""
    try:
        return library().get_session()
    except ImportError as error:
        raise UsageError(
            "the proxy that the environment names needs a package that is not installed",
            hint="pip install 'httpx[socks]', or unset ALL_PROXY and HTTPS_PROXY",
        ) from error
    except (ValueError, OSError) as error:  # its words may hold a proxy's password
        raise UsageError(
            f"a connection to the Hub cannot be set up ({type(error).__name__})",
            hint="look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE",
        ) from error


@functools.cache
def _bad_address() -> tuple[type[Exception], ...]:
    """Return what its HTTP client raises for an address that cannot be one."""
    module = sys.modules[type(_session()).__module__.partition(".")[0]]
    return tuple(
        getattr(module, name) for name in ("InvalidURL", "UnsupportedProtocol") if hasattr(module, name)
    )


@functools.cache
def _install() -> None:
    """Build the shared client anew as the library would, whatever HTTP library that is, with our hooks added."""
    plain = _session()
    kind: Callable[..., Any] = type(plain)
    hooks = {
        "request": [*plain.event_hooks.get("request", ()), _bound],
        "response": [*plain.event_hooks.get("response", ()), _refuse],
    }
    given = {"timeout": plain.timeout, "follow_redirects": plain.follow_redirects, "event_hooks": hooks}
    library().set_client_factory(lambda: kind(**given, mounts=dict.fromkeys(_LOOPBACK)))
    library().utils.disable_progress_bars()
    library().utils.logging.set_verbosity_error()  # what matters of its remarks we say ourselves


def _bound(request: Any) -> None:
    """Request hook: no wait of this request is longer than the limit, and no token goes where others can read it."""
    limit = _timeout_s.get()
    if limit is None:
        return
    if "authorization" in request.headers and not is_private_way(str(request.url)):
        raise NotAsked("the token is not sent in clear", "use an address that begins with https://")
    asked = request.extensions.get("timeout") or {}
    request.extensions["timeout"] = {
        step: min(asked.get(step) or limit, limit) for step in ("connect", "read", "write", "pool")
    }


def _refuse(response: Any) -> None:
    """Response hook: an error status leaves the library at once, and no answer is longer than the limit."""
    if _timeout_s.get() is None:
        return
    if response.status_code >= 400:
        raise Answer(
            response.status_code, response.headers.get("X-Error-Code", ""), _retry_after(response.headers)
        )
    told, now = _clock.get(), _date(response.headers.get("Date", ""))
    if told is not None and now is not None:
        told(now)
    packed = response.headers.get("Content-Encoding", "identity") != "identity"
    limit = _at_most.get() // (_PACKED if packed else 1)
    response.stream = _bounded_stream()(response.stream, limit)
    look = _witness.get()
    if look is not None and "/preupload/" in response.request.url.path:
        response.read()
        look(response.json())


@functools.cache
def _bounded_stream() -> Callable[[Any, int], Any]:
    """Wrap a body of the library's HTTP client: it ends in NoAnswer where it is longer than a limit."""
    base: Any = sys.modules[type(_session()).__module__.partition(".")[0]].SyncByteStream

    class Bounded(base):  # type: ignore[misc]
        def __init__(self, stream: Any, limit: int) -> None:
            self.stream, self.left = stream, limit

        def __iter__(self) -> Iterator[bytes]:
            for chunk in self.stream:
                self.left -= len(chunk)
                if self.left < 0:
                    raise NoAnswer("its answer is longer than any that was asked for")
                yield chunk

        def close(self) -> None:
            self.stream.close()

    return Bounded


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return seconds asked for by `Retry-After`, which holds seconds or a date.

    None if it is absent or unreadable.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    date = _date(value)
    return None if date is None else max(0.0, date.timestamp() - time.time())


def _date(value: str) -> datetime | None:
    """Return a moment as a header writes it; None if it cannot be read."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
