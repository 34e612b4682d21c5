"""Names that only look like others. Pure.

New names are ASCII (`rules.NAME`), so what is left are its own look-alikes, as Unicode's confusables.txt has them
(Unicode Technical Standard #39, section 4), and other case.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from sagellm_benchmark.board.identity import Identity
from sagellm_benchmark.board.rules import Problem, shown

# UTS 39, confusables.txt, the lines of which both sides are printable ASCII
_ALIKE = str.maketrans({"0": "O", "1": "l", "I": "l", "|": "l", "m": "rn", "`": "'", '"': "''"})

FIELDS = {
    "model": "model.name",
    "chip_model": "hardware.chip_model",
    "engine": "engine",
    "dataset": "workload.dataset",
    "quantization": "model.quantization",
    "engine_version": "engine_version",
}
"""What of an identity is a name, and where a row has it."""


def skeleton(name: str) -> str:
    """Return the same for all names that look alike (UTS 39, section 4)."""
    return unicodedata.normalize("NFKC", name).translate(_ALIKE)


def folded(name: str) -> str:
    """Return the same for all names that differ in case alone."""
    return unicodedata.normalize("NFKC", name).casefold()


class Names:
    """The names that rows have, each under its looks."""

    def __init__(self, known: Iterable[Identity]) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._exact: set[tuple[str, str]] = set()
        for identity in known:
            self.add(identity)

    def add(self, identity: Identity) -> None:
        """Know the names of one more row."""
        for field in FIELDS:
            name: str = getattr(identity, field)
            if (field, name) not in self._exact:
                self._exact.add((field, name))
                self._known.setdefault((field, skeleton(name)), name)
                self._known.setdefault((field, folded(name)), name)

    def mistaken(self, identity: Identity) -> Iterator[Problem]:
        """Yield each name of a new row that is not known, and looks like one that is."""
        for field, path in FIELDS.items():
            name: str = getattr(identity, field)
            if (field, name) in self._exact:
                continue
            looks = (self._known.get((field, key(name))) for key in (skeleton, folded))
            other = next((known for known in looks if known is not None), None)
            if other is not None:
                allowed = (
                    f"{shown(other)}, the name that rows have already, or one that does not look like it"
                )
                yield Problem(path, shown(name), allowed)
