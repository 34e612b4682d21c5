"""What is wrong with one field of a row."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """A field, its value as a message may show it (or "missing"), and what would be allowed."""

    field: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.field} is {self.value}; it must be {self.allowed}"


def repeated_key(key: str) -> Problem:
    """A key that stands twice in one object, of which a parser keeps only one."""
    return Problem(f"the key {json.dumps(key[:60])}", "there twice", "there once in its object")
