"""What no field of a submitted row may hold, wherever it stands. Pure, and bounded for any row that was parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sagellm_benchmark.board.identity import canonical
from sagellm_benchmark.board.rules import LINK, Problem, shown

MAX_ROW_BYTES = 16 * 1024
"""The most bytes of a new row, as canonical JSON; ours have about 3 KiB."""
MAX_PUBLISHED_BYTES = 256 * 1024
MAX_DEPTH = 16
MAX_TEXT = 8192
MAX_KEY = 128
MAX_NUMBER = 1e15
MAX_PROBLEMS = 20  # that are reported for one row; more would not help anybody

_SUSPECT = re.compile(r"[<>&:]")  # without one of these there is neither markup nor a link
_MARKUP = re.compile(r"[<>]|&(#[0-9]+|#x[0-9a-f]+|[a-z][a-z0-9]*);", re.IGNORECASE)
_BAD_LINK = re.compile(
    r"(java|vb)script\s*:|\bdata\s*:\s*[a-z]+/|(?<![a-z0-9+.-])(?!https?://)[a-z][a-z0-9+.-]*://",
    re.IGNORECASE,
)


def hostile(row: Any, most_bytes: int = MAX_ROW_BYTES) -> Iterator[Problem]:
    """Yield a problem for everything in a row that could harm a reader: its size, depth, keys, texts and numbers."""
    if is_deeper(row, MAX_DEPTH):
        yield Problem("the row", f"more than {MAX_DEPTH} levels", f"at most {MAX_DEPTH} levels")
    elif (size := len(canonical(row))) > most_bytes:
        yield Problem("the row", f"{size} bytes", f"at most {most_bytes}")
    else:
        yield from _walk(row)


def _walk(row: Any) -> Iterator[Problem]:
    """Yield the problems of every key and value; a field's path is as a person would write it."""
    stack: list[tuple[str, Any]] = [("", row)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            for key, child in value.items():
                if wrong := _text_problem(key, MAX_KEY):
                    yield Problem(f"a key in {path or 'the row'}", shown(key), wrong)
                stack.append((f"{path}.{key}" if path else key, child))
        elif isinstance(value, list):
            stack.extend((f"{path}[{index}]", child) for index, child in enumerate(value))
        elif wrong := _leaf_problem(path, value):
            yield Problem(path, shown(value), wrong)


def _leaf_problem(path: str, value: Any) -> str | None:
    """Return what would be allowed instead of this text or number; None if it is allowed."""
    if isinstance(value, str):
        if path.lower().endswith("url") and value and not LINK.accepts(value):
            return LINK.allowed
        return _text_problem(value, MAX_TEXT)
    if type(value) in (int, float) and not -MAX_NUMBER <= value <= MAX_NUMBER:
        return f"a finite number of at most {MAX_NUMBER:g}"
    return None


def _text_problem(text: str, limit: int) -> str | None:
    """Return what a text must be instead; None if it is allowed.

    Printable text has no control, direction-changing or invisible characters.
    """
    if len(text) > limit:
        return f"at most {limit} characters"
    if not text.isprintable() and not text.replace("\u3000", "").replace("\u00a0", "").isprintable():
        return "made of printable characters: no control, direction-changing or invisible ones"
    if not _SUSPECT.search(text):
        return None
    if _MARKUP.search(text):
        return "text without markup: no <, > or &entities;"
    if _BAD_LINK.search(text):
        return "free of links other than http:// and https://"
    return None


def is_deeper(value: Any, levels: int) -> bool:
    """Return whether objects and arrays are nested deeper than `levels`. No depth can exhaust the stack."""
    level = [value]
    for _ in range(levels):
        level = [child for parent in level for child in _nested(parent)]
        if not level:
            return False
    return True


def _nested(value: Any) -> Iterator[Any]:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (child for child in children if isinstance(child, (dict, list)))
