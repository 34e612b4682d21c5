"""Decoded samples on disk: a frame each of facts, event times as float64, and text. About 15 bytes a token.

Moments stay on the clock of the process that stamped them until somebody reads them: only then is it known to all
where the run's moment 0 was.
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
    """Decode the segments that are not decoded yet, remove them unless they are kept, and name what came of all.

    Raise DataError if that cannot be written.
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
    """The clock of the process that stamped samples: its moment 0 of the run, and its seconds in one of the run's."""

    zero: float
    pace: float = 1.0

    def run_s(self, moment: Moments) -> Moments:
        """Return when in the run a moment of that clock was, or each of several."""
        return (moment - self.zero) / self.pace


def read(path: Path, clock: RunClock) -> Iterator[Sample]:
    """Yield the samples of one file, in the order in which they finished."""
    with path.open("rb", buffering=_BUFFER) as file:
        yield from samples(file.read, clock, str(path))


def samples(more: Callable[[int], bytes], clock: RunClock, where: str) -> Iterator[Sample]:
    """Yield the samples that `more` hands out bytes of. Raise DataError if some are missing."""
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
    """Return why the request failed, if it did: what the connection saw, then what the answer says, then its length.

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
