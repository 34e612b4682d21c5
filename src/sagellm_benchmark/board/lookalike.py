"""Find names that only look like other names. Pure.

New names are ASCII (`rules.NAME`). So names can look alike only by the pairs of ASCII characters in Unicode's
confusables.txt (Unicode Technical Standard #39, section 4), and by upper and lower case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from sagellm_benchmark.board.identity import Identity
from sagellm_benchmark.board.rules import Problem, shown
from sagellm_benchmark.board.scenarios import CUSTOM, DOCUMENTED

# UTS 39, confusables.txt: the lines with printable ASCII on both sides
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
"""The fields of an identity that hold a name, with their paths in a row."""
_ALWAYS = [("workload", name) for name in (*DOCUMENTED, CUSTOM)]
"""Names that are known before any row has them, so that nothing else may look like a documented workload."""


def skeleton(name: str) -> str:
    """Return a text that is the same for all names that look alike (UTS 39, section 4), whatever their case."""
    return _plain(unicodedata.normalize("NFKC", name).translate(_ALIKE).casefold())


def folded(name: str) -> str:
    """Return a text that is the same for all names that differ only in case, or in what separates their words."""
    return _plain(unicodedata.normalize("NFKC", name).casefold())


def version(name: str) -> str:
    """Return a text that is the same for all spellings of one version, such as 1.2.0 and 1.02.0.0."""
    return _TRAILING.sub("", _LEADING.sub("", name))


def _plain(name: str) -> str:
    return _BETWEEN.sub("-", name).strip("-.")


def _keys(field: str, name: str) -> set[tuple[str, str]]:
    """Return the keys of a name in this field; names that share a key look alike."""
    looks = {version(name)} if field == "sagellm_version" else {skeleton(name), folded(name)}
    return {(field, look) for look in looks if look}


class Names:
    """The names in known rows, by how they look."""

    def __init__(self, known: Iterable[Identity]) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._exact: set[tuple[str, str]] = set()
        for field, name in _ALWAYS:
            self._add(field, name)
        for identity in known:
            self.add(identity)

    def add(self, identity: Identity) -> None:
        """Add the names of one more row."""
        for field in FIELDS:
            self._add(field, getattr(identity, field))

    def _add(self, field: str, name: str) -> None:
        if (field, name) not in self._exact:
            self._exact.add((field, name))
            for key in _keys(field, name):
                self._known.setdefault(key, name)

    def mistaken(self, identity: Identity, engine: str) -> Iterator[Problem]:
        """Yield a problem for each name of a new row that is not known, but looks like a known one.

        `engine` is the engine as the row spells it: in lower case, an I no longer looks like an l.
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
