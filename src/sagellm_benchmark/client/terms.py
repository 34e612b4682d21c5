"""What a load takes and what it gives back: the types that the modules of this package share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.engines.api import Api, Fields
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.workload.workloads import Conversation


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and what all of them have in common."""

    base_url: str  # scheme://host:port[/prefix], without /v1
    model: str
    api: Api
    api_key: str | None = field(default=None, repr=False)
    extra: Fields = field(default_factory=dict)  # additional body fields, such as {"ignore_eos": True}
    min_tokens: bool = False  # whether each request also states its length as the least
    system: str | None = None  # the system message before each prompt of a chat
    exact_output: bool = True  # the server is told not to stop early, so a shorter answer is a failure


@dataclass(frozen=True, slots=True)
class Order:
    """One load to send: what, when and where to, and how it is recorded."""

    conversations: Conversations
    count: int | None  # of conversations; None: as many as the schedule allows
    schedule: Schedule
    target: Target
    limits: Limits
    spool: Path  # a folder for raw exchanges, removed when decoded, and for samples, removed when read
    processes: int = 1  # over which each machine spreads its streams
    keep_raw: bool = False  # whether raw exchanges stay in the spool

    @property
    def total(self) -> int | None:
        """The number of conversations that are sent; None if only the duration limits it."""
        if self.schedule.due_s is None:
            return self.count
        return len(self.schedule.due_s) if self.count is None else min(self.count, len(self.schedule.due_s))


@dataclass(frozen=True, slots=True)
class Limits:
    """The most seconds for opening a connection, for one request, and for the whole load."""

    connect_s: float = 10.0
    request_s: float = 600.0
    total_s: float | None = None


class Counts(Protocol):
    """The progress of one part of a load: a process, or a node."""

    @property
    def done(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def tokens(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress line shows while a load runs."""

    done: int  # requests, as are `failed` and `total`
    failed: int
    total: int | None  # None if only the duration ends the load
    elapsed_s: float
    ends_s: float | None = None  # when the load ends, or its last request is due; None if nobody knows
    tokens: int = 0  # an estimate: those that finished requests asked for, and one per read in flight

    @classmethod
    def of(cls, parts: Sequence[Counts], totals: Sequence[int | None], elapsed_s: float) -> Progress:
        """Return the progress of all parts of a load, added up."""
        return cls(
            done=sum(part.done for part in parts),
            failed=sum(part.failed for part in parts),
            total=None if None in totals else sum(total or 0 for total in totals),
            elapsed_s=elapsed_s,
            tokens=sum(part.tokens for part in parts),
        )


@dataclass(frozen=True, slots=True)
class ClientHealth:
    """How the client itself performed during the load; `checks` decides whether its times can be trusted."""

    loop_lag_p99_s: float | None  # how late the event loop woke up
    loop_lag_max_s: float | None
    cpu_share: float | None  # processor time / wall time of the busiest process; 1.0 is one full core
    cpu_s: float | None  # processor time of all processes together; the largest of several repeats


@dataclass(frozen=True, slots=True)
class ClientNode:
    """One of several machines that sent a load together; or the only one, if it lost one of its processes."""

    name: str
    processes: int
    health: ClientHealth | None = None  # of its processes together; None if it was lost
    clock_offset_s: float | None = None  # its monotonic clock minus that of the machine that started the run
    clock_bound_s: float | None = None  # the most by which its times may differ from the others'
    clock_drift_ppm: float | None = None  # microseconds that its clock gained per second; already corrected
    niceness: int = 0
    others_share: float | None = None  # the part of its processors that other programs used
    ttft_bias_s: float | None = None  # the p50 of its calibration
    lost: str | None = None  # why its part of the load is missing; None if it is not
    is_head: bool = False  # it is the cluster's head, which sends nothing and is listed only if it was lost


class Conversations(Protocol):
    """The conversations of a run by their position; the same index always gives the same conversation."""

    def __call__(self, index: int) -> Conversation: ...


class Observed(Protocol):
    """What a load leaves behind. Its samples can be read once."""

    started_at: float  # the wall clock at the load's moment 0, in seconds since the epoch
    elapsed_s: float
    interrupted: bool
    health: ClientHealth
    nodes: tuple[ClientNode, ...]  # empty if one machine sent the load and lost no process

    def samples(self) -> Iterator[Sample]:
        """Yield every request that was sent, in order of completion, read from disk.

        A request that was in flight when the load was stopped has Failure.INTERRUPTED.
        """
        ...
