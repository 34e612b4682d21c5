"""Raw exchanges on disk: written as they finish, decoded when somebody reads them. Memory stays flat."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

import orjson

from sagellm_benchmark.client.connection import Exchange
from sagellm_benchmark.client.events import DETAIL_CHARACTERS, Answer, decode, explain_status
from sagellm_benchmark.client.sample import Failure, Phase, Sample, short_of
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.text import one_line

_FRAME = struct.Struct("=III")  # bytes of facts, number of reads, bytes of body
_BUFFER = 256 * 1024


class Spool:
    """The exchanges of one process, in the order in which they finished."""

    def __init__(self, path: Path) -> None:
        """Create the file; DataError where that cannot be done."""
        self.path = path
        self.broken: DataError | None = None  # kept rather than raised inside the event loop
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = path.open("wb", buffering=_BUFFER)
        except OSError as error:
            raise cannot_write(path, error) from error

    def write(self, exchange: Exchange) -> None:
        """Append one finished exchange."""
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
            self._file.write(b"".join(frame))
        except OSError as error:
            self.broken = cannot_write(self.path, error)

    def close(self) -> None:
        """Flush; raises the DataError of any write that failed."""
        try:
            self._file.close()
        except OSError as error:
            self.broken = self.broken or cannot_write(self.path, error)
        if self.broken is not None:
            raise self.broken


def answer_of(exchange: Exchange) -> Answer:
    """What an exchange that is still in memory says; a conversation's next turn needs it."""
    stamps, lengths, body = _columns(exchange.log)
    return _answer(exchange, body, list(accumulate(lengths)), stamps)


def read(path: Path, origin: float, *, exact_output: bool, secret: str | None) -> Iterator[Sample]:
    """Decode the samples of one spool. `origin` is the run's moment 0; `secret` never gets into a sample."""
    with path.open("rb", buffering=_BUFFER) as file:
        while header := file.read(_FRAME.size):
            facts_size, reads, body_size = _FRAME.unpack(header)
            exchange = _exchange(file.read(facts_size))
            stamps, lengths = array("d"), array("I")
            stamps.frombytes(file.read(reads * stamps.itemsize))
            lengths.frombytes(file.read(reads * lengths.itemsize))
            body = file.read(body_size)
            answer = _answer(exchange, body, list(accumulate(lengths)), [stamp - origin for stamp in stamps])
            yield _sample(exchange, answer, origin, exact_output=exact_output, secret=secret)


def _columns(log: list[float | bytes]) -> tuple[array[float], array[int], bytes]:
    """Stamps, bytes of body in each read, and the body."""
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


def _answer(exchange: Exchange, body: bytes, ends: list[int], stamps: array[float] | list[float]) -> Answer:
    if exchange.status is not None and exchange.status != 200:
        return Answer((), "", "", failure=Failure.HTTP, detail=explain_status(exchange.status, body))
    if exchange.status is None:
        return Answer((), "", "", failure=exchange.failure, detail=exchange.detail)
    return decode(body, ends, stamps, complete=exchange.complete)


def _sample(
    exchange: Exchange, answer: Answer, origin: float, *, exact_output: bool, secret: str | None
) -> Sample:
    failure, detail = _verdict(exchange, answer, exact_output=exact_output)
    detail, reason = (
        said if said is None or not secret else said.replace(secret, "***")
        for said in (detail, answer.finish_reason)
    )
    return Sample(
        index=exchange.index,
        turn=exchange.turn,
        stream=exchange.stream,
        phase=Phase.MEASURED,
        due_s=None if exchange.due is None else exchange.due - origin,
        start_s=exchange.start - origin,
        end_s=exchange.end - origin,
        event_s=answer.event_s,
        text=answer.text,
        asked_input_tokens=exchange.asked_input_tokens,
        asked_output_tokens=exchange.asked_output_tokens,
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        cached_tokens=answer.cached_tokens,
        finish_reason=reason,
        status=exchange.status,
        failure=failure,
        detail=None if detail is None else one_line(detail, DETAIL_CHARACTERS),
        first_share=answer.first_share,
    )


def _verdict(exchange: Exchange, answer: Answer, *, exact_output: bool) -> tuple[Failure | None, str | None]:
    """Why the request failed, if it did: what the connection saw, then what the answer says, then its length.

    A connection that broke after the answer said it was finished has broken nothing.
    """
    if exchange.failure is not None and (
        exchange.failure is not Failure.CUT_OFF or answer.failure is not None
    ):
        said_why = answer.failure in {Failure.SERVER, Failure.HTTP} and exchange.failure is Failure.CUT_OFF
        return (answer.failure, answer.detail) if said_why else (exchange.failure, exchange.detail)
    if answer.failure is not None:
        return answer.failure, answer.detail
    if answer.completion_tokens is None:  # what it is worth is judged when somebody has counted it
        return None, None
    asked = exchange.asked_output_tokens
    short = short_of(answer.completion_tokens, asked, answer.finish_reason, exact_output=exact_output)
    return short or (None, None)
