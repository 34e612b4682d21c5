"""Download files by address, never more bytes than their listing states."""

from __future__ import annotations

from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

from sagellm_benchmark.huggingface.library import library
from sagellm_benchmark.huggingface.limits import MAX_ANSWER_BYTES, longest
from sagellm_benchmark.huggingface.outcomes import Answer, NoAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator


def download(url: str, *, token: bool, at_most: int) -> bytes:
    """Return a file's bytes; for `work` inside `call`. Raise NoAnswer as soon as there are more than `at_most`."""
    held = BytesIO()
    with _open(url, token=token, at_most=at_most) as response:
        for chunk in response.iter_bytes():
            if held.tell() + len(chunk) > at_most:
                raise NoAnswer(f"more came than the {at_most:,} bytes that it lists")
            held.write(chunk)
    return held.getvalue()


def exists(url: str, *, token: bool) -> bool:
    """Return whether the Hub begins to send a file; for `work` inside `call`.

    False only if the Hub says that the file is absent; any other failure raises.
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
    with longest(at_most), library().get_session().stream("GET", url, headers=headers) as response:
        yield response
