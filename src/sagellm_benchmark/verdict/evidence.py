"""What a run is judged by, and what a judgement is."""

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
    """What the checks look at. `None` means that nobody could know, and the check says so."""

    columns: Columns
    concurrency: int | None  # None in an open loop
    asked_rate_rps: float | None  # None in a closed loop, for all at once and for a trace
    prompts_repeated: bool  # a file of texts was too small
    asked_input_tokens: int | None  # of every prompt; None for conversations and real texts
    asked_output_tokens: int | None  # of every answer; None where lengths vary by design
    shared_prefix_tokens: int  # a chat template's own tokens, which a prefix cache may rightly hold
    may_cache: bool  # conversations share their own turns
    repeat_test: RepeatTest | None  # where the server does not tell what it took from its cache
    interrupted: bool
    timed_out: bool  # the interruption was our own
    health: ClientHealth
    texts: Texts | None = None  # of all answers; they are not kept for ever
    echoes: int | None = None  # answers that begin with a piece of their prompt
    charged_only: bool = (
        False  # tokens are counted by the server's usage, and nobody could hold that against the text
    )
    recounted: bool = False  # answers have the tokens of their text, tokenized again
    recounted_ratio: float | None = None  # tokens of the generated text, tokenized again, to tokens charged
    thin: Thin | None = None  # answers whose text does not have the tokens charged, where others have them
    asked_model: str | None = None  # as requests name it
    echoed_model: str | None = None  # as the server's answers do
    calibrated_ttft_bias_s: float | None = None  # p50, against a server of known timing at this load shape
    most_events_per_s: float | None = None  # where the client gives out, by its calibration
    step_floor_s: float | None = None  # the least time in which memory feeds the active weights once
    contention: Contended | None = None
    server_is_here: bool = False  # on this machine, whether its processes can be seen or not
    may_be_busy: bool = False  # the user accepts that others use the machine
    energy_j: float | None = None
    watched_s: float | None = None  # the time over which energy was counted
    power_limit_w: float | None = None
    throttled: tuple[str, ...] = ()
    other_processes: tuple[int, ...] = ()
    nodes: tuple[ClientNode, ...] = ()  # where several machines sent the load

    @cached_property
    def trend(self) -> Trend | NotChecked:
        """How latency changed over the window, or why that is unknown."""
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


Limit = Literal["client", "machine"]
"""What can reach its limit before the server does."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Valid if there is no reason against it; `not_checked` lists the checks that lacked data."""

    reasons: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = field(default=())
    limited_by: Limit | None = None  # what gave out, where it was not the server

    @property
    def valid(self) -> bool:
        """Whether the run's numbers may be believed."""
        return not self.reasons
