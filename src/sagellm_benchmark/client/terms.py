"""What a load is told and what it gives back: the types that the modules of this package share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.engines.base import Api, Fields
from sagellm_benchmark.workload.workloads import Conversation


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and what they all have in common."""

    base_url: str  # scheme://host:port[/prefix], without /v1
    model: str
    api: Api
    api_key: str | None = field(default=None, repr=False)
    extra: Fields = field(default_factory=dict)  # more body fields, such as {"ignore_eos": True}
    min_tokens: bool = False  # each request states its length as the least, too
    system: str | None = None  # the message before each prompt of a chat
    exact_output: bool = True  # the server was told not to stop early, so a shorter answer is a failure


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds until we stop waiting: for a connection, one request, the whole load."""

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
    """What a progress line shows while the load runs."""

    done: int
    failed: int
    total: int | None  # None where only a duration was asked for
    elapsed_s: float
    ends_s: float | None = None  # when only a duration ends it
    tokens: int = (
        0  # generated so far, about: what finished requests asked for, and each read of those in flight
    )

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
    cpu_share: float | None  # processor time of the client / wall time, 1.0 is one full core
    cpu_s: float | None  # of all its processes together; of several repeats, the one that took most


@dataclass(frozen=True, slots=True)
class ClientNode:
    """One of several machines that sent a load together; or this one alone, where it lost one of its processes."""

    name: str
    processes: int
    health: ClientHealth | None = None  # of its processes together; None where it was lost
    clock_offset_s: float | None = (
        None  # its monotonic clock minus that of the machine where the run was started
    )
    clock_bound_s: float | None = None  # by how much its time may differ from the others', to the load's end
    clock_drift_ppm: float | None = (
        None  # microseconds that it gained each second of the load; taken into account
    )
    niceness: int = 0
    others_share: float | None = None  # of its processors, used by other programs
    ttft_bias_s: float | None = None  # p50, by its calibration
    lost: str | None = None  # why its part of the load is missing
    is_head: bool = False  # the head of the cluster, which sends nothing, and is here only if it was lost


class Conversations(Protocol):
    """The conversations of a run by position; the same index always gives the same conversation."""

    def __call__(self, index: int) -> Conversation: ...


class Observed(Protocol):
    """What a load leaves behind. Samples are decoded from disk as they are read, in order of completion."""

    started_at: float  # wall clock, seconds since the epoch, of the run's moment 0
    elapsed_s: float
    interrupted: bool
    health: ClientHealth
    nodes: tuple[ClientNode, ...]  # empty where one machine sent it

    def samples(self) -> Iterator[Sample]:
        """Return every request that was sent; those that Ctrl-C caught in flight carry Failure.INTERRUPTED."""
        ...
