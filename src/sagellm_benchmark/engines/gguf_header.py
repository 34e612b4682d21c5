"""Read the header of a GGUF file within bounds: a hostile or damaged file gives a DataError, never a crash.

The reader of the `gguf` package maps the whole file, makes an array for each token (3.5 s for a vocabulary of 49,000)
and trusts every count in the file. The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from sagellm_benchmark.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

Value = int | float | bool | str

VERSIONS = (2, 3)
MOST_ENTRIES = 65_536  # keys or tensors; the largest models have a few thousand
MOST_ELEMENTS = 4_000_000  # of one array; the largest vocabularies have a few hundred thousand
MOST_HEADER_BYTES = 128 << 20
LONGEST_NAME = 65_535
LONGEST_TEXT = 4 << 20  # bytes; the longest chat templates have some tens of kilobytes
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor as the header describes it; `kind` is ggml's type number, `offset` is from the start of the data."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def elements(self) -> int:
        """How many numbers the tensor has."""
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True, slots=True)
class Header:
    """The part of the file before the weights; `metadata` is without arrays, such as the vocabulary."""

    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]
    data_start: int
    file_bytes: int


def read_header(path: Path) -> Header:
    """Return the header of one GGUF file. Raise DataError if it cannot be read, is cut off, or is not GGUF."""
    try:
        if path.exists() and not path.is_file():  # reading a pipe could wait for ever
            raise DataError(f"{path} is not a file", hint="give the path of a GGUF file")
        with path.open("rb") as file:
            return _Reader(file, path, path.stat().st_size).header()
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or error}",
            hint="give the path of a GGUF file that you may read",
        ) from error


class _Reader:
    """Reads the header through a window of the file, so that a vocabulary does not cost a system call per string."""

    def __init__(self, file: BinaryIO, path: Path, size: int) -> None:
        self._file = file
        self._path = path
        self._size = size
        self._window = b""
        self._start = 0  # the window's offset in the file
        self._at = 0  # the next value's offset in the window

    def header(self) -> Header:
        self._check_kind()
        tensors, keys = self._number("Q"), self._number("Q")
        if tensors > MOST_ENTRIES or keys > MOST_ENTRIES:
            self._refuse(f"it claims {tensors:,} tensors and {keys:,} keys")
        metadata: dict[str, Value] = {}
        for _ in range(keys):
            name = self._string(LONGEST_NAME)
            value = self._value(self._number("I"))
            if value is not None:
                metadata[name] = value
        listed = tuple(self._tensor() for _ in range(tensors))
        return Header(metadata, listed, self._data_start(metadata), self._size)

    def _check_kind(self) -> None:
        magic = self._take(4) if self._size >= 4 else b""
        if magic != b"GGUF":
            raise DataError(
                f"{self._path} is not a GGUF file (it begins with {magic!r})",
                hint="llama.cpp reads GGUF; give a .gguf file, or serve the model and use --base-url",
            )
        version = self._number("I")
        if version not in VERSIONS:
            big_endian = int.from_bytes(version.to_bytes(4, "little"), "big") in VERSIONS
            what = "big-endian" if big_endian else f"of version {version}"
            self._refuse(
                f"it is {what}; versions {VERSIONS[0]} and {VERSIONS[1]}, little-endian, can be read"
            )

    def _value(self, kind: int) -> Value | None:
        if kind == _STRING:
            return self._string(LONGEST_TEXT)
        if kind == _ARRAY:
            self._skip_array()
            return None
        return self._number(self._code(kind))

    def _skip_array(self) -> None:
        kind, count = self._number("I"), self._number("Q")
        if count > MOST_ELEMENTS:
            self._refuse(f"it claims an array of {count:,} values")
        if kind == _STRING:
            for _ in range(count):
                self._skip(self._number("Q"))
        else:
            self._skip(count * struct.calcsize(self._code(kind)))

    def _tensor(self) -> Tensor:
        name, rank = self._string(LONGEST_NAME), self._number("I")
        if not 1 <= rank <= 4:
            self._refuse(f"tensor {name!r} has {rank} dimensions")
        shape = tuple(int(self._number("Q")) for _ in range(rank))
        return Tensor(name, shape, int(self._number("I")), int(self._number("Q")))

    def _data_start(self, metadata: dict[str, Value]) -> int:
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 1 <= alignment <= 1 << 20:
            self._refuse(f"its alignment is {alignment!r}")
        return -(-(self._start + self._at) // alignment) * alignment

    def _code(self, kind: int) -> str:
        if kind not in _SCALARS:
            self._refuse(f"it has a value of the unknown kind {kind}")
        return _SCALARS[kind]

    def _number(self, code: str) -> int:
        # A float is only stored as it is, so one return type is enough for every scalar.
        number: int = struct.unpack("<" + code, self._take(struct.calcsize("<" + code)))[0]
        return number

    def _string(self, longest: int) -> str:
        length = self._number("Q")
        if length > longest:
            self._refuse(f"it claims a text of {length:,} bytes")
        return self._take(length).decode("utf-8", "replace")

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._window):
            self._slide(count)
            end = count
        taken = self._window[self._at : end]
        self._at = end
        return taken

    def _skip(self, count: int) -> None:
        if self._at + count <= len(self._window):
            self._at += count
            return
        self._reach(count)
        self._start += self._at + count
        self._window, self._at = b"", 0
        self._file.seek(self._start)

    def _slide(self, count: int) -> None:
        """Move the window to the next value, and make it hold at least `count` bytes."""
        self._reach(count)
        self._start += self._at
        rest = self._window[self._at :]
        self._window = rest + self._file.read(max(_CHUNK, count) - len(rest))
        self._at = 0
        if len(self._window) < count:
            self._refuse_cut()

    def _reach(self, count: int) -> None:
        end = self._start + self._at + count
        if end > self._size:
            self._refuse_cut()
        if end > MOST_HEADER_BYTES:
            self._refuse(f"its header is larger than {MOST_HEADER_BYTES >> 20} MiB")

    def _refuse_cut(self) -> NoReturn:
        self._refuse(f"it is cut off: the file ends after {self._size:,} bytes, inside its header")

    def _refuse(self, reason: str) -> NoReturn:
        raise DataError(f"{self._path} is damaged: {reason}", hint="fetch or copy the file again")
