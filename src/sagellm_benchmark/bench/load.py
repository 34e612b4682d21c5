"""Drives conversations at a server by a schedule and hands back what was observed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sagellm_benchmark.bench.sample import Sample
from sagellm_benchmark.bench.schedule import Schedule
from sagellm_benchmark.bench.workload import Conversation
from sagellm_benchmark.engines.base import Api
from sagellm_benchmark.errors import UsageError


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go and what every one of them says."""

    base_url: str  # scheme://host:port[/prefix], without /v1
    model: str
    api: Api
    api_key: str | None = field(default=None, repr=False)
    extra: dict[str, Any] = field(default_factory=dict)  # more body fields, such as {"ignore_eos": True}
    exact_output: bool = True  # the server was told not to stop early, so a shorter answer is a failure


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds until we stop waiting: for a connection, one request, the whole load."""

    connect_s: float = 10.0
    request_s: float = 600.0
    total_s: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What a progress line shows while the load runs."""

    done: int
    failed: int
    total: int | None  # None where only a duration was asked for
    elapsed_s: float
    ends_s: float | None = None  # when only a duration ends it


@dataclass(frozen=True, slots=True)
class ClientHealth:
    """How the client itself fared during the load; `checks` decides whether to believe it."""

    loop_lag_p99_s: float | None  # how late the event loop woke up
    loop_lag_max_s: float | None
    cpu_share: float | None  # processor time of the client / wall time, 1.0 is one full core
    cpu_s: float | None


class Conversations(Protocol):
    """The conversations of a run by position; the same index always gives the same conversation."""

    def __call__(self, index: int) -> Conversation: ...


class Observed(Protocol):
    """What a load leaves behind. Samples are decoded from disk as they are read, in order of completion."""

    started_at: float  # wall clock, seconds since the epoch, of the run's moment 0
    elapsed_s: float
    interrupted: bool
    health: ClientHealth

    def samples(self) -> Iterator[Sample]:
        """Every request that was sent; those that Ctrl-C caught in flight carry Failure.INTERRUPTED."""
        ...


def drive(
    conversations: Conversations,
    count: int | None,
    schedule: Schedule,
    target: Target,
    limits: Limits,
    spool: Path,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    processes: int = 1,
) -> Observed:
    """Send `count` conversations (or as many as `schedule.duration_s` allows) and observe every answer.

    `spool` is a folder for raw observations; it is emptied of them when the samples have been read. One
    connection per stream is opened before the clock starts, straight to the server: proxies named in the
    environment are not used. A conversation ends with its first failed turn. A kept-alive connection that turns
    out to be closed before any byte of an answer is replaced once, without counting as a failure.

    `processes` spreads the streams over that many processes with one clock; conversation i then belongs to process
    i modulo `processes`. With no `count`, `conversations` must be something that can be pickled.

    SIGINT, SIGTERM and `limits.total_s` end the load early: nothing more is sent, and what is finished is kept.
    Raises RemoteError where the server accepts no connection at all, UsageError for what does not go together.
    """
    from sagellm_benchmark.bench import driver, workers  # noqa: PLC0415 - uvloop and httptools are slow to import

    _check(count, schedule)
    if schedule.due_s is not None:
        count = len(schedule.due_s) if count is None else min(count, len(schedule.due_s))
    share = driver.Share(conversations, count, schedule, target, limits, spool / "exchanges.spool")
    return (
        driver.drive(share, on_progress) if processes == 1 else workers.drive(share, processes, on_progress)
    )


def _check(count: int | None, schedule: Schedule) -> None:
    if schedule.due_s is None and (schedule.concurrency is None or schedule.concurrency < 1):
        raise UsageError("a load needs at least one stream, or a rate", hint="give --concurrency or --rate")
    if count is None and schedule.duration_s is None and schedule.due_s is None:
        raise UsageError("a load needs an end", hint="give --requests or --duration")
