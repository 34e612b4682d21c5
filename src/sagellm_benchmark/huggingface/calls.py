"""Use the library in a thread of its own, within a time limit, with an outcome for every way in which it can end."""

from __future__ import annotations

import functools
import threading
import traceback
import warnings
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

from sagellm_benchmark.causes import cause
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.huggingface.library import http_module, library
from sagellm_benchmark.huggingface.limits import install, limit_silence
from sagellm_benchmark.huggingface.outcomes import Answer, NoAnswer, NotAsked

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
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


def call(work: Callable[[], T], *, timeout_s: float, total_s: float) -> T:
    """Run `work`, which uses huggingface_hub; limit each silence of the server to `timeout_s`, and all to `total_s`.

    Raise Answer, NoAnswer or NotAsked, and UsageError for settings that the library cannot work with. The work runs in
    a thread of its own, which is abandoned when its time is up, so neither a server that drips a byte now and then nor
    a library that sleeps holds anybody up.
    """
    install()
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
    limit_silence(timeout_s)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the Hub's remarks on a card are not for our users
            future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
        future.set_exception(error)


def _is_librarys(error: BaseException) -> bool:
    """Return whether the library itself failed on an answer; an error of our own code is a bug, and not the Hub's."""
    ours, theirs = __name__.partition(".")[0], {"huggingface_hub", http_module().__name__}
    frames = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
    rooms = [name.partition(".")[0] for name in frames]
    return next((room in theirs for room in reversed(rooms) if room in {ours, *theirs}), False)


@functools.cache
def _no_answers() -> tuple[type[Exception], ...]:
    """Return the errors that the library raises if no answer came, or only half of one."""
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
    """Return the errors that the library raises before it asks anybody; not every release has all of them."""
    errors = library().errors
    # a token in Cyrillic cannot be encoded; a damaged answer that cannot be decoded is something else
    return (UnicodeEncodeError, *(getattr(errors, name) for name in _REASONS if hasattr(errors, name)))


@functools.cache
def _bad_address() -> tuple[type[Exception], ...]:
    """Return the errors that the library's HTTP client raises for an address that is not valid."""
    module = http_module()
    return tuple(
        getattr(module, name) for name in ("InvalidURL", "UnsupportedProtocol") if hasattr(module, name)
    )
