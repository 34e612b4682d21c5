"""What a field may hold: the small named checks of the schema's table, each with words for what passes it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sagellm_benchmark.board import proof
from sagellm_benchmark.board.identity import UUID

_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9}){2,3}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_LINK = re.compile(r"https?://[^\s/\"'<>\\^`{|}]+(/[^\s\"'<>\\^`{|}]*)?", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+()-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9](?: ?[A-Za-z0-9._+()/:@,#=~\[\]-])*")
_SIZE = re.compile(
    r"(?:[0-9]{1,6}x)?[0-9]{1,6}(?:\.[0-9]{1,6})?[KMBT](?:-A[0-9]{1,6}(?:\.[0-9]{1,6})?[KMB])?"
)
_RATE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,20})?")
_SHOWN = 60  # characters of a value in a message


@dataclass(frozen=True, slots=True)
class Kind:
    """A check of one value, with words for what passes it."""

    allowed: str
    accepts: Callable[[Any], bool]


def shown(value: Any) -> str:
    """Return a value as a message may show it: short, on one line, with nothing that a terminal would act on."""
    if isinstance(value, dict):
        return f"an object of {len(value)} fields"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    if isinstance(value, str):
        whole = json.dumps(value[:_SHOWN])
        return whole if len(value) <= _SHOWN else f"{whole}… ({len(value)} characters)"
    if type(value) is int and value.bit_length() > 64:
        return "an integer of more than 64 bits"
    return json.dumps(value)


def choice(*values: str) -> Kind:
    """Return the kind that accepts one of these texts."""
    return Kind("one of " + ", ".join(values), lambda value: isinstance(value, str) and value in values)


def integer(low: int, high: int = 10**15) -> Kind:
    """Return the kind of a whole number; true and 1.0 are not whole numbers."""
    return Kind(
        f"a whole number from {low} to {high:.0e}", lambda value: type(value) is int and low <= value <= high
    )


def number(low: float = 0, high: float = 1e12) -> Kind:
    """Return the kind of a finite number; true and false are not numbers."""
    return Kind(
        f"a number from {low:g} to {high:g}",
        lambda value: type(value) in (int, float) and low <= value <= high,
    )


def nullable(kind: Kind) -> Kind:
    """Return the kind that accepts null as well."""
    return Kind(f"{kind.allowed}, or null", lambda value: value is None or kind.accepts(value))


def only(wanted: Any, why: str) -> Kind:
    """Return the kind that accepts only this value, for a reason that the row's writer should know."""
    return Kind(f"{json.dumps(wanted)}: {why}", lambda value: type(value) is type(wanted) and value == wanted)


def _is_name(value: Any) -> bool:
    """Return whether a value is a name.

    It is ASCII, so that no letters of other alphabets look like its own, and useless as a path out of a folder.
    """
    if not isinstance(value, str) or len(value) > 200 or not _NAME.fullmatch(value):
        return False
    parts = value.split("/")
    return (
        "\\" not in value and not value.startswith("~") and not any(part in ("", ".", "..") for part in parts)
    )


def _parses(parse: Callable[[str], date], value: str) -> bool:
    try:
        return 2000 <= parse(value).year <= 2100
    except ValueError:
        return False


def _is_rate(text: str) -> bool:
    """Return whether a text is a rate in its only spelling, so that no other spelling is another configuration."""
    ends = text.split("..")
    spelt = str if len(ends) == 1 else "{:g}".format
    numbers = all(_RATE.fullmatch(end) and float(end) > 0 and spelt(float(end)) == end for end in ends)
    return text == "inf" or (len(ends) <= 2 and numbers)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


OBJECT = Kind("an object", lambda value: isinstance(value, dict))
TEXT = Kind("a text", lambda value: isinstance(value, str))
FILLED = Kind("a text that is not blank", lambda value: isinstance(value, str) and bool(value.strip()))
TEXTS = Kind("an array of texts", _are_texts)
BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))
NAME = Kind("a name of at most 200 ASCII characters, without .., \\, a leading / or double spaces", _is_name)
SIZE = Kind(
    "the model's size, such as 7B, 135M, 8x7B or 30B-A3B",
    lambda value: isinstance(value, str) and _SIZE.fullmatch(value) is not None,
)
PLAIN_NAME = Kind(
    "a name of at most 64 letters, digits, spaces and ._+()-",
    lambda value: isinstance(value, str) and _PLAIN.fullmatch(value) is not None,
)
NAME_OR_NOTHING = Kind(
    f"{PLAIN_NAME.allowed}, or empty", lambda value: value == "" or PLAIN_NAME.accepts(value)
)
RATE = Kind(
    "a number, or a plain text such as 4",
    lambda value: PLAIN_NAME.accepts(value) or (type(value) in (int, float) and 0 < value <= 1e9),
)
NEW_RATE = Kind(
    "a text such as 4.0, inf, or 2..20 where the rate grows",
    lambda value: isinstance(value, str) and _is_rate(value),
)
UUID_TEXT = Kind(
    "a UUID in lower-case hexadecimal with dashes",
    lambda value: isinstance(value, str) and UUID.fullmatch(value) is not None,
)
SHA256 = Kind(
    "a SHA-256 in lower-case hexadecimal",
    lambda value: isinstance(value, str) and proof.SHA256.fullmatch(value) is not None,
)
VERSION = Kind(
    "a version X.Y.Z or X.Y.Z.W",
    lambda value: isinstance(value, str) and _VERSION.fullmatch(value) is not None,
)
VERSION_OR_NA = Kind(f"{VERSION.allowed}, or N/A", lambda value: value == "N/A" or VERSION.accepts(value))
MOMENT = Kind(
    "an RFC 3339 time with its zone, such as 2026-03-19T02:07:31Z",
    lambda value: (
        isinstance(value, str)
        and _MOMENT.fullmatch(value) is not None
        and _parses(datetime.fromisoformat, value.upper())
    ),
)
DAY = Kind(
    "a date such as 2026-03-19",
    lambda value: isinstance(value, str) and len(value) == 10 and _parses(date.fromisoformat, value),
)
LINK = Kind(
    "a link that begins with http:// or https://",
    lambda value: isinstance(value, str) and _LINK.fullmatch(value) is not None,
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A field, its value as a message may show it (or "missing"), and what would be allowed."""

    field: str
    value: str
    allowed: str

    def __str__(self) -> str:
        # a row chooses its own keys, so a path may hold anything
        field = self.field if self.field.isprintable() else json.dumps(self.field)[1:-1]
        return f"{field[:200]} is {self.value}; it must be {self.allowed}"


def repeated_key(key: str) -> Problem:
    """Return the problem of a key that one object holds twice; a parser keeps only one of the values."""
    return Problem(f"the key {json.dumps(key[:60])}", "present twice", "present once in its object")
