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
        # a row chooses its own keys, so that a path of them may hold anything
        field = self.field if self.field.isprintable() else json.dumps(self.field)[1:-1]
        return f"{field[:200]} is {self.value}; it must be {self.allowed}"


def repeated_key(key: str) -> Problem:
    """A key that stands twice in one object, of which a parser keeps only one."""
    return Problem(f"the key {json.dumps(key[:60])}", "there twice", "there once in its object")
