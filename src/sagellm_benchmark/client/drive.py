"""Send conversations to a server by a schedule, and return what was observed."""

from __future__ import annotations

from collections.abc import Callable

from sagellm_benchmark.client import process, workers
from sagellm_benchmark.client.terms import Observed, Order, Progress
from sagellm_benchmark.errors import UsageError


def drive(order: Order, on_progress: Callable[[Progress], None] | None = None) -> Observed:
    """Send a load from this machine and observe every answer.

    One connection per stream is opened before the clock starts, without any proxy. A conversation ends with its first
    failed turn. If an idle connection turns out to be closed before any byte of an answer, the request is sent once
    more over a new one, and that is not a failure.

    Several processes have one clock; process i modulo `order.processes` sends conversation i. If the order has no
    count, its conversations must be picklable then.

    SIGINT, SIGTERM and `order.limits.total_s` end the load early: nothing more is sent, and what has finished is kept.
    Raise RemoteError if the server accepts no connection at all, UsageError if the load has no streams or no end.
    """
    _check(order)
    share = process.Share.whole(order)
    if order.processes == 1:
        return process.drive(share, on_progress)
    return workers.drive(share, order.processes, on_progress)


def _check(order: Order) -> None:
    schedule = order.schedule
    if schedule.due_s is None and (schedule.concurrency is None or schedule.concurrency < 1):
        raise UsageError("a load needs at least one stream, or a rate", hint="give --concurrency or --rate")
    if order.total is None and schedule.duration_s is None:
        raise UsageError("a load needs an end", hint="give --requests or --duration")
