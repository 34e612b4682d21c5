"""Raw exchanges on disk: written as they finish, in segments that are decoded while the load goes on."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import orjson

from sagellm_benchmark.blas import without_threads
from sagellm_benchmark.children import Child, Patience, child
from sagellm_benchmark.client.connection import Exchange
from sagellm_benchmark.client.events import Answer, decode, explain_status
from sagellm_benchmark.client.sample import Failure
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import cannot_write

SEGMENT_BYTES = 16 * 1024 * 1024
"""The size of a segment, about 70,000 tokens; more than two are on disk only if decoding cannot keep up."""

_FRAME = struct.Struct("=III")  # bytes of facts, number of reads, bytes of body
_BUFFER = 256 * 1024
_PATIENCE = Patience(closed_s=600.0)  # for the decoder to decode the segments that are left


@dataclass(frozen=True, slots=True)
class Reading:
    """How exchanges are decoded; `secret` never appears in a sample."""

    exact_output: bool
    secret: str | None = field(default=None, repr=False)
    keep_raw: bool = False


def decoded_path(segment: Path) -> Path:
    """Return the file for the samples of a segment."""
    return segment.with_name(f"{segment.name}.samples")


class Spool:
    """The exchanges of one process, in the order in which they finished."""

    def __init__(self, path: Path, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Create the first file. Raise DataError if that fails."""
        self.segments = [path]
        self.broken: DataError | None = None  # a failed write: raised by `close`, not in the event loop
        self._room = self._segment_bytes = segment_bytes
        self._behind: Decoder | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open(path)
        except OSError as error:
            raise cannot_write(path, error) from error

    def decode_with(self, decoder: Decoder) -> None:
        """Hand each full segment to `decoder`."""
        self._behind = decoder

    def write(self, exchange: Exchange) -> None:
        """Append one finished exchange; if that fails, set `broken`."""
        if self.broken is not None:
            return
        stamps, lengths, body = _columns(exchange.log)
        facts = orjson.dumps(
            [
                exchange.index,
                exchange.turn,
                exchange.stream,
                exchange.due,
                exchange.asked_input_tokens,
                exchange.asked_output_tokens,
                exchange.start,
                exchange.end,
                exchange.status,
                exchange.complete,
                exchange.failure,
                exchange.detail,
            ]
        )
        frame = (
            _FRAME.pack(len(facts), len(stamps), len(body)),
            facts,
            stamps.tobytes(),
            lengths.tobytes(),
            body,
        )
        try:
            self._room -= self._file.write(b"".join(frame))
            if self._room < 0:
                self._next()
        except OSError as error:
            self.broken = cannot_write(self.segments[-1], error)

    def close(self) -> None:
        """Flush and close the file. Raise DataError if any write failed."""
        try:
            self._file.close()
        except OSError as error:
            self.broken = self.broken or cannot_write(self.segments[-1], error)
        if self.broken is not None:
            raise self.broken

    def _open(self, path: Path) -> BinaryIO:
        decoded_path(path).unlink(missing_ok=True)  # of an earlier load
        return path.open("wb", buffering=_BUFFER)

    def _next(self) -> None:
        full, first = self.segments[-1], self.segments[0]
        self._file.close()
        self.segments.append(first.with_name(f"{first.stem}.{len(self.segments)}{first.suffix}"))
        self._file = self._open(self.segments[-1])
        self._room = self._segment_bytes
        if self._behind is not None:
            self._behind.take(full)


class Decoder:
    """Decodes full segments in a process of its own, which ends with the block.

    The process is started as soon as more than `waiting` segments are full: if no processor is free for it, even its
    start makes the client late. Nothing depends on it, because whoever needs a segment decodes it if that is not done.
    """

    def __init__(self, reading: Reading, waiting: int = 0) -> None:
        self._reading = reading
        self._most = waiting
        self._waiting: list[Path] = []
        self._stack = contextlib.ExitStack()
        self._child: Child | None = None

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def take(self, segment: Path) -> None:
        """Queue a segment for decoding."""
        self._waiting.append(segment)
        if self._child is None and len(self._waiting) > self._most:
            command = [sys.executable, "-m", "sagellm_benchmark.client.decoder"]
            quick = without_threads(os.environ)
            self._child = self._stack.enter_context(child(command, env=quick, patience=_PATIENCE))
            how = [self._reading.exact_output, self._reading.secret, self._reading.keep_raw]
            self._child.tell(orjson.dumps(how) + b"\n")
        if self._child is not None:
            for path in self._waiting:
                self._child.tell(orjson.dumps(str(path)) + b"\n")
            self._waiting.clear()


def answer_of(exchange: Exchange) -> Answer:
    """Return the answer of an exchange that is still in memory; a conversation's next turn needs it."""
    stamps, lengths, body = _columns(exchange.log)
    return _answer(exchange, body, list(accumulate(lengths)), stamps)


def exchanges(path: Path) -> Iterator[tuple[Exchange, Answer]]:
    """Yield the exchanges of one segment and their answers, with times on the clock of the process that took them."""
    with path.open("rb", buffering=_BUFFER) as file:
        while header := file.read(_FRAME.size):
            facts_size, reads, body_size = _FRAME.unpack(header)
            exchange = _exchange(file.read(facts_size))
            stamps, lengths = array("d"), array("I")
            stamps.frombytes(file.read(reads * stamps.itemsize))
            lengths.frombytes(file.read(reads * lengths.itemsize))
            body = file.read(body_size)
            yield exchange, _answer(exchange, body, list(accumulate(lengths)), stamps)


def _columns(log: list[float | bytes]) -> tuple[array[float], array[int], bytes]:
    """Return the time of each read, the bytes of body in each read, and the body."""
    stamps, lengths, pieces = array("d"), array("I"), []
    for item in log:
        if type(item) is float:
            stamps.append(item)
            lengths.append(0)
        else:
            pieces.append(item)
            lengths[-1] += len(item)  # type: ignore[arg-type]
    return stamps, lengths, b"".join(pieces)  # type: ignore[arg-type]


def _exchange(facts: bytes) -> Exchange:
    *known, failure, detail = orjson.loads(facts)
    exchange = Exchange(*known)
    exchange.failure, exchange.detail = None if failure is None else Failure(failure), detail
    return exchange


def _answer(exchange: Exchange, body: bytes, ends: list[int], stamps: array[float]) -> Answer:
    if exchange.status is not None and exchange.status != 200:
        return Answer((), "", "", failure=Failure.HTTP, detail=explain_status(exchange.status, body))
    if exchange.status is None:
        return Answer((), "", "", failure=exchange.failure, detail=exchange.detail)
    return decode(body, ends, stamps, complete=exchange.complete)
