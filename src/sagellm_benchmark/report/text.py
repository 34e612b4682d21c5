"""What every list of rows on a screen shares; imports nothing heavy."""

from __future__ import annotations

MOST = 200  # rows that a list shows before it only counts


def plain(text: str) -> str:
    """Text that a terminal only prints; rows of other tools may hold anything."""
    return "".join(c if c.isprintable() else "�" for c in text)
