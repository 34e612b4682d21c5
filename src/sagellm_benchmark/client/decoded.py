"""Decoded samples on disk, each a frame of facts, event times as float64, and text: about 15 bytes per token.

Times stay on the clock of the process that took them until they are read; only then is the run's moment 0 known.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import orjson

from sagellm_benchmark.client.connection import Exchange
from sagellm_benchmark.client.events import DETAIL_CHARACTERS, Answer
from sagellm_benchmark.client.sample import Failure, Phase, Sample, short_of
from sagellm_benchmark.client.spool import Reading, decoded_path, exchanges
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.text import one_line

Floats = npt.NDArray[np.float64]
Moments = TypeVar("Moments", float, Floats)

_FRAME = struct.Struct("=III")  # bytes of facts, number of events, bytes of text
_BUFFER = 256 * 1024


def decode(segments: Iterable[Path], reading: Reading) -> tuple[Path, ...]:
    """Decode the segments that are not decoded yet, and return the files of all of them.

    Remove the segments unless `reading` keeps them. Raise DataError if a file cannot be written.
    """
    return tuple(_decoded(segment, reading) for segment in segments)


def _decoded(segment: Path, reading: Reading) -> Path:
    done = decoded_path(segment)
    if not done.exists():
        half = done.with_name(done.name + ".half")
        try:
            with half.open("wb", buffering=_BUFFER) as file:
                for exchange, answer in exchanges(segment):
                    file.write(_frame(exchange, answer, reading))
            half.replace(done)
        except OSError as error:
            raise cannot_write(done, error) from error
    if not reading.keep_raw:
        segment.unlink(missing_ok=True)
    return done


@dataclass(frozen=True, slots=True)
class RunClock:
    """How to convert the clock of the process that took the times into seconds of the run."""

    zero: float  # what the process's clock showed at the run's moment 0
    pace: float = 1.0  # seconds of the process's clock in one second of the run

    def run_s(self, moment: Moments) -> Moments:
        """Return one moment of the process's clock, or an array of them, in seconds of the run."""
        return (moment - self.zero) / self.pace


def read(path: Path, clock: RunClock) -> Iterator[Sample]:
    """Yield the samples in one file, in the order in which they finished. Raise DataError if it is damaged."""
    with path.open("rb", buffering=_BUFFER) as file:
        yield from samples(file.read, clock, str(path))


def samples(more: Callable[[int], bytes], clock: RunClock, where: str) -> Iterator[Sample]:
    """Yield the samples whose bytes `more` returns, as `read` of a file does. Raise DataError if bytes are missing.

    `where` names their source in the error.
    """
    while header := more(_FRAME.size):
        try:
            facts_size, events, text_size = _FRAME.unpack(header)
            facts, moments, text = more(facts_size), more(events * 8), more(text_size)
            event_s = np.frombuffer(moments, np.float64, events)
            (whole,) = struct.unpack(f"{text_size}s", text)
            yield _sample(orjson.loads(facts), clock.run_s(event_s), whole, clock)
        except (struct.error, ValueError, TypeError) as error:
            raise DataError(f"{where} is damaged: {error}", hint="measure again") from error


def _frame(exchange: Exchange, answer: Answer, reading: Reading) -> bytes:
    failure, detail = _verdict(exchange, answer, exact_output=reading.exact_output)
    detail, reason = (
        said if said is None or not reading.secret else said.replace(reading.secret, "***")
        for said in (detail, answer.finish_reason)
    )
    facts = orjson.dumps(
        [
            exchange.index,
            exchange.turn,
            exchange.stream,
            exchange.asked_input_tokens,
            exchange.asked_output_tokens,
            answer.prompt_tokens,
            answer.completion_tokens,
            answer.cached_tokens,
            reason,
            exchange.status,
            exchange.due,
            exchange.start,
            exchange.end,
            failure,
            None if detail is None else one_line(detail, DETAIL_CHARACTERS),
            answer.first_share,
        ]
    )
    events, text = np.array(answer.event_s, np.float64), answer.text.encode("utf-8", "surrogatepass")
    return b"".join((_FRAME.pack(len(facts), len(events), len(text)), facts, events.tobytes(), text))


def _sample(facts: list[Any], event_s: Floats, text: bytes, clock: RunClock) -> Sample:
    index, turn, stream, asked_in, asked_out, prompt, completion, cached, reason, status, *rest = facts
    due, start, end, failure, detail, first_share = rest
    return Sample(
        index=index,
        turn=turn,
        stream=stream,
        phase=Phase.MEASURED,
        due_s=None if due is None else clock.run_s(due),
        start_s=clock.run_s(start),
        end_s=clock.run_s(end),
        event_s=tuple(event_s.tolist()),
        text=text.decode("utf-8", "surrogatepass"),
        asked_input_tokens=asked_in,
        asked_output_tokens=asked_out,
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        finish_reason=reason,
        status=status,
        failure=None if failure is None else Failure(failure),
        detail=detail,
        first_share=first_share,
    )


def _verdict(exchange: Exchange, answer: Answer, *, exact_output: bool) -> tuple[Failure | None, str | None]:
    """Return why the request failed, or None: by the connection, then by the answer, then by its length.

    A connection that broke after the answer had said that it was finished does not count.
    """
    if exchange.failure is not None and (
        exchange.failure is not Failure.CUT_OFF or answer.failure is not None
    ):
        said_why = answer.failure in {Failure.SERVER, Failure.HTTP} and exchange.failure is Failure.CUT_OFF
        return (answer.failure, answer.detail) if said_why else (exchange.failure, exchange.detail)
    if answer.failure is not None:
        return answer.failure, answer.detail
    if answer.completion_tokens is None:  # its length is judged later, when its tokens have been counted
        return None, None
    asked = exchange.asked_output_tokens
    short = short_of(answer.completion_tokens, asked, answer.finish_reason, exact_output=exact_output)
    return short or (None, None)
