"""What a run is judged by, and the form of the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sagellm_benchmark.client.terms import ClientHealth, ClientNode
from sagellm_benchmark.machine.contention import Contended
from sagellm_benchmark.verdict import steadiness
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.columns import Columns
from sagellm_benchmark.verdict.recounts import Thin
from sagellm_benchmark.verdict.steadiness import Trend
from sagellm_benchmark.verdict.texts import Texts


@dataclass(frozen=True, slots=True)
class NotChecked:
    """A check that could not be made, and why."""

    why: str


Findings = Iterator[str | NotChecked]


@dataclass(frozen=True)
class Evidence:
    """What the checks look at. None means that nobody could know; the check that needs it says so."""

    columns: Columns
    concurrency: int | None  # None in an open loop
    asked_rate_rps: float | None  # None in a closed loop, and if there is no single finite rate
    prompts_repeated: bool  # whether a file had too few texts
    asked_input_tokens: int | None  # of every prompt; None for conversations and given texts
    asked_output_tokens: int | None  # of every answer; None if lengths may vary
    shared_prefix_tokens: int  # a chat template's tokens, which a prefix cache may rightly hold
    may_cache: bool  # whether prompts share beginnings, as the turns of a conversation do
    repeat_test: RepeatTest | None
    interrupted: bool
    timed_out: bool  # whether --timeout interrupted the run
    health: ClientHealth
    texts: Texts | None = None  # numbers about all answers, whose texts are not kept for ever
    echoes: int | None = None  # the number of answers that begin with a piece of their prompt
    charged_only: bool = False  # whether only the server's usage counted tokens, which nobody could check
    recounted: bool = False  # whether an answer's tokens are those of its text, tokenized again
    recounted_ratio: float | None = None  # tokens of the generated text, tokenized again / tokens charged
    thin: Thin | None = None  # the answers whose text has fewer tokens than charged, if others have them all
    asked_model: str | None = None  # its name in requests
    echoed_model: str | None = None  # its name in the server's answers
    calibrated_ttft_bias_s: float | None = None  # p50, against a server of known timing at this load shape
    most_events_per_s: float | None = None  # the most that the client can handle, by its calibration
    step_floor_s: float | None = None  # the least time in which memory delivers the active weights once
    contention: Contended | None = None
    server_is_here: bool = False  # whether it runs on this machine, even if its processes cannot be seen
    may_be_busy: bool = False  # whether the user accepts that others use the machine
    energy_j: float | None = None
    watched_s: float | None = None  # the time during which energy was counted
    power_limit_w: float | None = None
    throttled: tuple[str, ...] = ()
    other_processes: tuple[int, ...] = ()
    nodes: tuple[ClientNode, ...] = ()  # if several machines sent the load, or a client process was lost

    @cached_property
    def trend(self) -> Trend | NotChecked:
        """How latency changed during the window, or why that is unknown."""
        if self.concurrency is None and self.asked_rate_rps is None:
            return NotChecked("steadiness: the load itself is not steady")
        if self.may_cache:
            return NotChecked(
                "steadiness: prompts that share their beginning, as turns do, take different times"
            )
        trend = steadiness.of(self.columns)
        if trend is None or self.columns.answered < 10 * (self.concurrency or 1):
            return NotChecked("steadiness: fewer than 100 answered requests, or than 10 per stream")
        return trend


Bottleneck = Literal["client", "machine"]
"""What can reach its limit before the server does."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on a run, which is valid if there is no reason against it."""

    reasons: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = field(default=())  # the checks that could not be made, and why
    limited_by: Bottleneck | None = None  # what reached its limit, if it was not the server

    @property
    def valid(self) -> bool:
        """Whether the run's numbers may be believed."""
        return not self.reasons
