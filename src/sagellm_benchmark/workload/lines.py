"""Read files from outside, line by line and within bounds; an error names the line."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark.errors import DataError

MAX_FILE_BYTES = 2**30
MAX_LINE_BYTES = 2**20
MAX_ENTRY_CHARS = 2**26
MAX_TOKENS = 1_000_000

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def length(path: Path, number: int, name: str, value: object) -> int:
    """Return a number of tokens. Raise DataError if `value` is none, or is not from 1 to MAX_TOKENS."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_TOKENS:
        return value
    raise bad_line(path, number, f'"{name}" must be a whole number of tokens from 1 on')


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the JSON objects of a file that has one per line, each with the line's number."""
    for number, line in lines(path):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise bad_line(path, number, f"not JSON ({error})") from error
        if not isinstance(value, dict):
            raise bad_line(path, number, "not an object")
        yield number, value


def rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the values of some `columns` of a CSV file, whose first line names all of them, with each line's number."""
    found = ((number, _text(path, number, line)) for number, line in lines(path))
    head = next(found, (1, ""))[1]
    names = _cells(path, 1, head)
    if missing := [name for name in columns if name not in names]:
        raise bad_line(path, 1, f"it names no column {missing[0]!r}; it should name {', '.join(columns)}")
    places = [names.index(name) for name in columns]
    for number, line in found:
        cells = _cells(path, number, line)
        if len(cells) <= max(places):
            raise bad_line(path, number, f"{len(cells)} cells where there are {len(names)} columns")
        yield number, tuple(cells[place] for place in places)


def _cells(path: Path, number: int, line: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line]), [])]
    except csv.Error as error:
        raise bad_line(path, number, f"not CSV ({error})") from error


def _text(path: Path, number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise bad_line(path, number, "not UTF-8") from error


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank with their number from 1; read one at a time, so that memory is limited."""
    with opened(path) as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise bad_line(path, number, f"longer than {MAX_LINE_BYTES // 2**20} MiB")
            if line.strip():
                yield number, line


def elements(path: Path) -> Iterator[Any]:
    """Yield the values of a file that holds one JSON array; read one at a time, so that only one is in memory."""
    with opened(path) as file:
        array = _Array(path, TextIOWrapper(file, "utf-8", newline=""))
        if array.mark() != "[":
            raise DataError(f"{path} holds no list of conversations", hint="ShareGPT files begin with [")
        if array.mark() == "]":
            return
        array.at -= 1
        while True:
            yield array.value()
            mark = array.mark()
            if mark == "]" and not array.mark():
                return
            if mark != ",":
                raise array.damaged(f"no , or ] after entry {array.number - 1}")


class _Array:
    """The text of a JSON array, of which only the part around the position `at` is in memory."""

    def __init__(self, path: Path, text: TextIOWrapper) -> None:
        self.path, self._text, self._held = path, text, ""
        self.at = self.number = 0

    def mark(self) -> str:
        """Take the next character that is not a space; empty at the end."""
        while True:
            found = _SPACE.match(self._held, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self._held):
                self.at += 1
                return self._held[self.at - 1]
            if not self._more():
                return ""

    def value(self) -> Any:
        """Take the next value."""
        end = self._end()
        try:
            value = orjson.loads(self._held[self.at : end].strip())
        except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
            raise self.damaged(str(error)) from error
        self.at, self.number = end, self.number + 1
        return value

    def damaged(self, why: str) -> DataError:
        """Return the error for a file that is not a JSON array."""
        return DataError(f"{self.path} is not JSON: {why}", hint="is it cut off? Fetch it again")

    def _end(self) -> int:
        while True:
            try:
                end = _DECODER.raw_decode(self._held, _SPACE.match(self._held, self.at).end())[1]  # type: ignore[union-attr]
                if end < len(self._held) or not self._more():
                    return end
            except json.JSONDecodeError as error:
                if len(self._held) - self.at > MAX_ENTRY_CHARS or not self._more():
                    raise self.damaged(f"entry {self.number}: {error.msg}") from error
            except RecursionError as error:
                raise self.damaged(f"entry {self.number} is nested too deeply") from error

    def _more(self) -> bool:
        """Read on, as much again as is in memory; return whether there was anything."""
        rest = self._held[self.at :]
        try:
            read = self._text.read(max(MAX_LINE_BYTES, len(rest)))
        except UnicodeDecodeError as error:
            raise self.damaged("not UTF-8") from error
        self._held, self.at = rest + read, 0
        return bool(read)


def bad_line(path: Path, number: int, what: str) -> DataError:
    """Return the error for one line of a file."""
    return DataError(f"{path}, line {number}: {what}", hint="fix that line or leave it out")


def opened(path: Path) -> BufferedReader:
    """Open an ordinary file of at most MAX_FILE_BYTES; anything else could keep the program waiting for ever.

    Raise DataError if there is no such file, or if it cannot be read.
    """
    try:
        if not path.is_file():
            problem = "is not a file" if path.exists() else "does not exist"
            raise DataError(f"{path} {problem}", hint="check the path after the colon of --dataset")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(f"{path} is larger than 1 GiB", hint="give a part of it")
        return path.open("rb")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
