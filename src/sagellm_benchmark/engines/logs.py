"""The log of an engine that we start: opening it, and finding what is worth showing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.text import one_line

_HEAD_BYTES = 1 << 20
_TAIL_BYTES = 64 << 10
_SHOWN_LINES = 3
_SHOWN_CHARACTERS = 300
_LLAMACPP_ERROR = re.compile(r"^[\d.]+ E +(?P<text>.*)$")
_ERROR = re.compile(r"(?:^|[\s\]])(?P<text>(?:[A-Za-z_][\w.]*)?(?:[Ee]rror|Exception): .*)$")


def opened(log: Path) -> IO[bytes]:
    """Open an empty log file for a child to write to. Raise DataError if that fails."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("wb")
    except OSError as error:
        raise cannot_write(log, error) from error


def last_words(log: Path) -> list[str]:
    """Return the first errors near the end of a log (later ones follow from them), or else its last lines."""
    lines = _tail(log)
    found = (_LLAMACPP_ERROR.match(line) or _ERROR.search(line) for line in lines)
    errors = [match["text"] for match in found if match]
    return list(dict.fromkeys(errors))[:_SHOWN_LINES] or lines[-_SHOWN_LINES:]


def last_lines(log: Path, most: int = _SHOWN_LINES) -> list[str]:
    """Return the last lines of a log; empty if there is nothing yet."""
    return _tail(log)[-most:]


def says(log: Path, words: str) -> bool:
    """Return whether the end of a log contains these words."""
    return words in _end(log)


def beginning(log: Path) -> str:
    """Return the first megabyte of a log, which the engine wrote when it started."""
    with log.open("rb") as file:
        return file.read(_HEAD_BYTES).decode("utf-8", "replace")


def _end(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode("utf-8", "replace")


def _tail(log: Path) -> list[str]:
    """Return the last lines that are not blank; of an overwritten line, as of a progress bar, its last state."""
    text = _end(log)
    lines = (one_line(line.rstrip("\r").rpartition("\r")[2], _SHOWN_CHARACTERS) for line in text.split("\n"))
    return [line for line in lines if line]
