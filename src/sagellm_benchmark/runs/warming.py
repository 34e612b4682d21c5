"""The requests before a run that do not count; a server that answers none of them is not measured."""

from __future__ import annotations

from dataclasses import replace

from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.sample import Failure, Sample
from sagellm_benchmark.client.terms import Order
from sagellm_benchmark.errors import DataError, RemoteError
from sagellm_benchmark.runs.context import Context
from sagellm_benchmark.runs.listener import Listener
from sagellm_benchmark.runs.loads import Shifted, raw_folder, timed_out
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.workload.sources import RANDOM, WARMUP_INDEX, Source, open_source

ANSWERED_BADLY = {Failure.SHORT, Failure.EMPTY, Failure.MALFORMED}  # the server was reached


def warm_up(context: Context, listener: Listener) -> None:
    """Send the warm-up requests.

    Raise RemoteError if none is answered, DataError if all answers are bad.
    """
    count = context.spec.warmup
    if count == 0:
        return
    listener.say(f"warming up with {count} request(s)")

    streams = min(count, context.workload.concurrency)
    warming = Shifted(_source(context, count), WARMUP_INDEX, turns=1)
    with raw_folder(context.folder) as raw:
        observed = drive(Order(warming, count, Schedule(streams), context.target, context.spec.limits, raw))
        samples = list(observed.samples())
    if timed_out(context, observed):
        raise RemoteError(
            f"{context.server.base_url} did not answer the warm-up within --timeout",
            hint="look at the server's log, or give a longer --timeout",
        )
    if observed.interrupted:
        raise KeyboardInterrupt
    if samples and all(sample.failure in ANSWERED_BADLY for sample in samples):
        raise DataError(
            f"{context.server.base_url} answers, but not as requested: {_why(samples)}",
            hint="look at the server's log; --warmup 0 measures anyway and counts every failure",
        )
    if not any(sample.ok for sample in samples):
        raise RemoteError(
            f"{context.server.base_url} did not answer the warm-up: {_why(samples)}",
            hint="look at the server's log; --warmup 0 measures anyway and counts every failure",
        )


def _source(context: Context, count: int) -> Source:
    """Return the run's own source, or random words if a file has no texts to spare, since none may be sent twice."""
    source = context.source
    if source.distinct is None or source.distinct >= source.count * context.spec.repeats + count:
        return source
    return open_source(
        RANDOM, replace(context.workload, requests=count), context.spec.seed, context.counting.prompts
    )


def _why(samples: list[Sample]) -> str:
    for sample in samples:
        if sample.failure is not None:
            return f"{sample.failure.value}: {sample.detail}" if sample.detail else sample.failure.value
    return "no answer"
