"""One request as it was observed: what the client records, and what everything later is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """Why a request does not count as answered. Each of these counts as an error."""

    CONNECT = "connect"  # no connection, or it was refused
    TIMEOUT = "timeout"  # the request's time was up
    HTTP = "http"  # a status other than 200
    SERVER = "server"  # an error event inside the stream
    MALFORMED = "malformed"  # not HTTP, not SSE, or not JSON
    CUT_OFF = "cut_off"  # the connection ended before the answer did
    EMPTY = "empty"  # a complete answer without any content
    SHORT = "short"  # fewer tokens than asked for, although the server was told not to stop early
    INTERRUPTED = "interrupted"  # stopped by Ctrl-C or --timeout, which is not the server's failure


class Phase(StrEnum):
    """The part of a run that a request belongs to; only MEASURED counts."""

    WARMUP = "warmup"
    MEASURED = "measured"
    COOLDOWN = "cooldown"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Times are seconds on the run's monotonic clock, which is 0 when its load starts."""

    index: int  # position of the conversation in the run
    turn: int  # 0 for a conversation's first request
    stream: int  # the connection it went over
    phase: Phase
    due_s: float | None  # when it was due in an open loop; None in a closed one
    start_s: float  # when it was handed to the socket
    end_s: float  # when the last byte came, or when it failed
    event_s: tuple[float, ...]  # when each event that carries generated content arrived
    text: str  # everything that was generated, including reasoning
    asked_input_tokens: int
    asked_output_tokens: int
    prompt_tokens: int | None  # these three by the server's usage; None if it sent none
    completion_tokens: int | None
    cached_tokens: int | None
    finish_reason: str | None
    status: int | None  # the HTTP status; None if no answer began
    failure: Failure | None
    detail: str | None  # a message about the failure
    first_share: float | None = None  # the part of the text's characters that came with the first event

    @property
    def ok(self) -> bool:
        """Whether the answer is complete and counts."""
        return self.failure is None

    @property
    def ttft_s(self) -> float | None:
        """Seconds from the start of the request to the first content event; None if there is none."""
        return self.event_s[0] - self.start_s if self.event_s else None

    @property
    def e2e_s(self) -> float | None:
        """Seconds from the start of the request to the last content event; None if there is none."""
        return self.event_s[-1] - self.start_s if self.event_s else None


def short_of(
    tokens: int, asked: int, finish_reason: str | None, *, exact_output: bool
) -> tuple[Failure, str] | None:
    """Return why an answer of `tokens` tokens is a failure.

    None if it is as long as `asked`, or if it was free to end early.
    """
    if tokens >= asked:
        return None
    said = f"{tokens} tokens where {asked} were asked for"
    if finish_reason is None:
        return Failure.CUT_OFF, f"{said}, and no finish_reason that says why"
    if exact_output or finish_reason == "length":
        return Failure.SHORT, said
    return None
