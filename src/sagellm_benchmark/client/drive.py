"""Send conversations to a server by a schedule, and return what was observed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sagellm_benchmark.client import process, workers
from sagellm_benchmark.client.terms import Conversations, Limits, Observed, Progress, Target
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.workload.schedule import Schedule


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
    keep_raw: bool = False,
) -> Observed:
    """Send `count` conversations (or as many as `schedule.duration_s` allows) and observe every answer.

    `spool` is a folder for what is recorded: raw exchanges, which are decoded while the load goes on and then removed
    unless `keep_raw` is set, and decoded samples, which are removed when they have been read. One connection per stream
    is opened before the clock starts, without any proxy. A conversation ends with its first failed turn. If an idle
    connection turns out to be closed before any byte of an answer, the request is sent once more over a new one, and
    that is not a failure.

    `processes` spreads the streams over that many processes with one clock; process i modulo `processes` sends
    conversation i. If `count` is None, `conversations` must be picklable then.

    SIGINT, SIGTERM and `limits.total_s` end the load early: nothing more is sent, and what has finished is kept.
    Raise RemoteError if the server accepts no connection at all, UsageError if the load has no streams or no end.
    """
    _check(count, schedule)
    if schedule.due_s is not None:
        count = len(schedule.due_s) if count is None else min(count, len(schedule.due_s))
    share = process.Share(
        conversations, count, schedule, target, limits, spool / "exchanges.spool", keep_raw=keep_raw
    )
    return (
        process.drive(share, on_progress) if processes == 1 else workers.drive(share, processes, on_progress)
    )


def _check(count: int | None, schedule: Schedule) -> None:
    if schedule.due_s is None and (schedule.concurrency is None or schedule.concurrency < 1):
        raise UsageError("a load needs at least one stream, or a rate", hint="give --concurrency or --rate")
    if count is None and schedule.duration_s is None and schedule.due_s is None:
        raise UsageError("a load needs an end", hint="give --requests or --duration")
