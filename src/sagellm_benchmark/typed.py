"""Commands as the user would type them where they are: through make in a checkout, else the program itself."""

from __future__ import annotations

from pathlib import Path

PROGRAM = "sagellm-benchmark"


def typed(command: str, make: str | None = None) -> str:
    """`command` such as `aggregate --offline`; `make` is the target for it, where that is not called the same."""
    return f"make {make or command}" if in_checkout() else f"{PROGRAM} {command}"


def in_checkout() -> bool:
    """Return whether make knows our targets here."""
    return Path("Makefile").is_file() and Path("noxfile.py").is_file() and Path("scripts/nox.sh").is_file()
