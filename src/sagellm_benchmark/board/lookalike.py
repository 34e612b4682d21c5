"""Names that only look like others. Pure.

New names are ASCII (`rules.NAME`), so what is left are its own look-alikes, as Unicode's confusables.txt has them
(Unicode Technical Standard #39, section 4), and other case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from sagellm_benchmark.board.identity import Identity
from sagellm_benchmark.board.rules import Problem, shown
from sagellm_benchmark.board.scenarios import CUSTOM, DOCUMENTED

# UTS 39, confusables.txt, the lines of which both sides are printable ASCII
_ALIKE = str.maketrans({"0": "O", "1": "l", "I": "l", "|": "l", "m": "rn", "`": "'", '"': "''"})

_BETWEEN = re.compile(r"[ _-]+")
_LEADING, _TRAILING = re.compile(r"\b0+(?=[0-9])"), re.compile(r"(\.0)+$")

FIELDS = {
    "model": "model.name",
    "chip_model": "hardware.chip_model",
    "engine": "engine",
    "workload": "workload.name",
    "dataset": "workload.dataset",
    "quantization": "model.quantization",
    "engine_version": "engine_version",
    "sagellm_version": "sagellm_version",
}
"""The fields of an identity that hold a name, and where in a row each of them stands."""
_ALWAYS = [("workload", name) for name in (*DOCUMENTED, CUSTOM)]
"""Names that are known before any row bears them: nothing else may look like a documented load."""


def skeleton(name: str) -> str:
    """Return the same for all names that look alike (UTS 39, section 4), small or in capitals."""
    return _plain(unicodedata.normalize("NFKC", name).translate(_ALIKE).casefold())


def folded(name: str) -> str:
    """Return the same for all names that differ in case alone, or in what stands between their words."""
    return _plain(unicodedata.normalize("NFKC", name).casefold())


def version(name: str) -> str:
    """Return the same for all versions of one value, such as 1.2.0 and 1.02.0.0."""
    return _TRAILING.sub("", _LEADING.sub("", name))


def _plain(name: str) -> str:
    return _BETWEEN.sub("-", name).strip("-.")


def _keys(field: str, name: str) -> set[tuple[str, str]]:
    """Return under what a name of this field is known: whatever shares one of these looks like it."""
    looks = {version(name)} if field == "sagellm_version" else {skeleton(name), folded(name)}
    return {(field, look) for look in looks if look}


class Names:
    """The names that rows have, each under its looks."""

    def __init__(self, known: Iterable[Identity]) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._exact: set[tuple[str, str]] = set()
        for field, name in _ALWAYS:
            self._add(field, name)
        for identity in known:
            self.add(identity)

    def add(self, identity: Identity) -> None:
        """Know the names of one more row."""
        for field in FIELDS:
            self._add(field, getattr(identity, field))

    def _add(self, field: str, name: str) -> None:
        if (field, name) not in self._exact:
            self._exact.add((field, name))
            for key in _keys(field, name):
                self._known.setdefault(key, name)

    def mistaken(self, identity: Identity, engine: str) -> Iterator[Problem]:
        """Yield each name of a new row that is not known, and looks like one that is.

        `engine` is as the row writes it: in small letters, an I looks like no l any more.
        """
        for field, path in FIELDS.items():
            name: str = getattr(identity, field)
            if (field, name) in self._exact:
                continue
            written = engine if field == "engine" else name
            looks = sorted(_keys(field, written) | _keys(field, name))
            other = next((self._known[key] for key in looks if key in self._known), None)
            if other is not None:
                allowed = f"{shown(other)}, as rows already have it, or a name that does not look like it"
                yield Problem(path, shown(written), allowed)
