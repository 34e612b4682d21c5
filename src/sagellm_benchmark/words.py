"""The language of what people read: every message is written in English where it is said, and looked up here.

A plain dictionary and no gettext: messages need no compiled catalogue, no plural forms and no tool to be built with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Literal, cast, get_args

from sagellm_benchmark.chinese import CHINESE

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
VARIABLES = ("SAGELLM_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""Where a language is looked for, in this order; the first that says anything decides."""

_PLACE = re.compile(r"\{(\w*)\}")
_chosen: ContextVar[Language] = ContextVar("language", default="en")


def language() -> Language:
    """Return the language in use."""
    return _chosen.get()


def choose(wanted: Language) -> None:
    """Say everything from now on in this language."""
    _chosen.set(wanted)


@contextmanager
def speaking(wanted: Language) -> Iterator[None]:
    """Use another language inside a block."""
    before = _chosen.set(wanted)
    try:
        yield
    finally:
        _chosen.reset(before)


def of_locale(environ: Mapping[str, str]) -> Language:
    """Chinese where the user's locale says so, such as zh_CN.UTF-8; English everywhere else."""
    stated = next((value for name in VARIABLES if (value := environ.get(name))), "")
    return "zh" if stated.lower().startswith("zh") else "en"


def t(english: str, **values: object) -> str:
    """Return the message in the language in use, with its {places} filled."""
    template = CHINESE.get(english, english) if language() == "zh" else english
    return template.format(**values) if values else template


def retold(english: str) -> str:
    """Return a finished English sentence, such as a reason in a record, in the language in use; as it is where none
    fits.
    """
    if language() == "en":
        return english
    if english in CHINESE:
        return CHINESE[english]
    for pattern, template in _patterns():
        if match := pattern.fullmatch(english):
            return template.format(**{name: retold(text) for name, text in match.groupdict().items()})
    return english


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Messages with places, the longest first: it says most."""
    with_places = sorted((one for one in CHINESE if _PLACE.search(one)), key=len, reverse=True)
    return tuple((_pattern(english), CHINESE[english]) for english in with_places)


def _pattern(english: str) -> re.Pattern[str]:
    parts = _PLACE.split(english)  # text, name, text, name, …, text
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    )


def places(message: str) -> set[str]:
    """Return the names in braces."""
    return {cast("str", name) for name in _PLACE.findall(message)}
