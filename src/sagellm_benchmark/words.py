"""The language of what people read: every message is written in English where it is said, and looked up here.

A plain dictionary and no gettext: messages need no compiled catalogue, no plural forms and no tool to be built with.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import chain, pairwise
from typing import Literal, cast, get_args

from sagellm_benchmark.chinese import CHINESE

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
VARIABLES = ("SAGELLM_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
"""Where a language is looked for, in this order; the first that says anything decides."""

_PLACE = re.compile(r"\{(\w*)\}")
_MARKED = re.compile(r"(\s*(?:[✗✓?→-] )?)(.*)")  # blanks and a mark, then what there is to say
_NAMES = re.compile(  # places that take a user's own words
    "a|b|c|names?|folder|files?|where|store|destination|log|page|run|branch|remote|values?|url"
)
_ONE_WORD = re.compile(r"\S*")
_WORD = re.compile(r"\w+")
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


def asked(arguments: Sequence[str]) -> Language | None:
    """Return the language that --lang names among a command's words, which counts for its --help and its errors too."""
    for word, following in pairwise([*arguments, ""]):
        name, _, value = word.partition("=")
        if name == "--lang" and (found := value or following) in LANGUAGES:
            return found
    return None


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
    for _, template in _fitting(english):
        if match := _pattern(template).fullmatch(english):
            return CHINESE[template].format(
                **{one: _part(one, text) for one, text in match.groupdict().items()}
            )
    return _list(english)


def _part(place: str, english: str) -> str:
    """Return what fills a place; a file called `run` keeps its name, although the word is in the catalogue."""
    return english if _NAMES.fullmatch(place) and _ONE_WORD.fullmatch(english) else retold(english)


def retold_lines(english: str) -> str:
    """Return a text of several finished lines, each by itself; what stands before it, such as blanks, stays."""
    return english if language() == "en" else "\n".join(map(_line, english.split("\n")))


def _line(english: str) -> str:
    found = _MARKED.fullmatch(english)
    return english if found is None else found[1] + retold(found[2])


def _list(english: str) -> str:
    """Return a list such as `2 added, 1 beaten`, or reasons with semicolons, where each of its parts is known."""
    for mark, chinese in (("; ", "；"), (", ", "，")):
        parts = english.split(mark)
        told = [retold(part) for part in parts] if len(parts) > 1 else parts
        if all(one != part for one, part in zip(told, parts, strict=True)):
            return chinese.join(told)
    return english


def _fitting(english: str) -> list[tuple[int, str]]:
    """Return the messages with places that a sentence may be, by their words alone, with their ranks: best first.

    A page of 5,000 rows has as many sentences, and each message that is tried by its pattern takes microseconds.
    """
    index = _by_word()
    words = {"", *_WORD.findall(english)}
    return sorted(one for word in words for one in index.get(word, ()))


@cache
def _by_word() -> dict[str, list[tuple[int, str]]]:
    """Messages with places and their ranks, the longest first (it says most), by the rarest word that each must hold.

    Those without a word of their own are under "".
    """
    with_places = sorted((one for one in CHINESE if _PLACE.search(one)), key=len, reverse=True)
    words = {one: _own_words(one) for one in with_places}
    common = Counter(chain.from_iterable(words.values()))
    index: dict[str, list[tuple[int, str]]] = {}
    for rank, one in enumerate(with_places):
        rarest = min(words[one], key=lambda word: (common[word], word), default="")
        index.setdefault(rarest, []).append((rank, one))
    return index


def _own_words(message: str) -> set[str]:
    """Return the words of a message that no place beside them can make longer."""
    without = _PLACE.sub("\0", message)
    beside = re.compile(r"(?<!\0)\b\w+\b(?!\0)")
    return set(beside.findall(without))


@cache
def _pattern(english: str) -> re.Pattern[str]:
    parts = _PLACE.split(english)  # text, name, text, name, …, text
    return re.compile(
        "".join(f"(?P<{part}>.*?)" if i % 2 else re.escape(part) for i, part in enumerate(parts)),
        re.DOTALL,
    )


def places(message: str) -> set[str]:
    """Return the names in braces."""
    return {cast("str", name) for name in _PLACE.findall(message)}
