"""Read what loads recorded into columns, and write every request to requests.jsonl on the way."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from sagellm_benchmark.client.sample import Phase, Sample
from sagellm_benchmark.client.terms import Observed
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.runs.context import Context
from sagellm_benchmark.runs.counting import Completer, prices
from sagellm_benchmark.runs.loads import Repeat
from sagellm_benchmark.runs.requests import REQUESTS_FILE, Request, columns, prompt_hash
from sagellm_benchmark.signals import first_signal
from sagellm_benchmark.verdict.columns import Columns
from sagellm_benchmark.verdict.marks import Asked
from sagellm_benchmark.verdict.timeline import Recorder

Complete = Callable[[Sample, str], tuple[Sample, int | None]]
"""Takes a sample and its prompt; returns the sample with what the usage lacked, and its answer's tokens."""


def read_loads(
    loads: Sequence[Repeat], context: Context, completer: Completer, course: Recorder
) -> tuple[list[Columns], bool]:
    """Return every load's columns, and whether Ctrl-C was pressed meanwhile; write requests.jsonl on the way."""
    priced = prices(context.counting, context.source, context.workload.turns)
    asked_to_end = threading.Event()
    with (
        context.server.session,  # answers without usage are counted, each by a request
        RequestLog(context.folder / REQUESTS_FILE) as log,
        first_signal((signal.SIGINT,), asked_to_end.set),  # reading goes on, so that nothing measured is lost
    ):
        repeats = [
            _decoded(load, context, log, partial(completer, prices={} if load.number else priced), course)
            for load in loads
        ]
    return repeats, asked_to_end.is_set()


def _decoded(
    load: Repeat, context: Context, log: RequestLog, complete: Complete, course: Recorder
) -> Columns:
    window_s = _window_s(load.observed, context)
    samples = course.through(_placed(load.observed, window_s))
    found = columns(log.through(_noted(sample, load, context, complete) for sample in samples), window_s)
    window = found.first_start_s, found.last_end_s
    course.end_repeat(window, _course(context, window_s), load.observed.started_at)
    return found


def _course(context: Context, window_s: tuple[float, float] | None) -> Asked:
    """Return the course that the load was asked to take."""
    rises = context.shape.last_rate_rps is not None
    return Asked(
        ramp_s=math.inf if rises else context.shape.ramp_s,
        by_the_clock=context.is_open_loop,
        measured_s=window_s or (0.0, math.inf),
    )


def _noted(sample: Sample, load: Repeat, context: Context, complete: Complete) -> Request:
    """Return a sample with what only the run knows of it: its conversation, its prompt's hash and its tokens."""
    conversation = load.first + sample.index
    text = context.source.conversation(conversation)[sample.turn].text
    completed, tokens = complete(sample, text)
    return Request(load.number, conversation, prompt_hash(text), tokens, completed)


def _placed(observed: Observed, window_s: tuple[float, float] | None) -> Iterator[Sample]:
    """Yield the samples with their phase: those that began before or after a timed run's window are set apart."""
    begin, end = window_s or (-math.inf, math.inf)
    for sample in observed.samples():
        if sample.start_s < begin:
            yield replace(sample, phase=Phase.WARMUP)
        elif sample.start_s >= end:
            yield replace(sample, phase=Phase.COOLDOWN)
        else:
            yield sample


def _window_s(observed: Observed, context: Context) -> tuple[float, float] | None:
    """Return the part of a timed run that is measured; None if all of it is."""
    spec, duration_s = context.spec, context.shape.duration_s
    if duration_s is None or not (spec.warmup_s or spec.cooldown_s):
        return None
    end = min(duration_s, observed.elapsed_s) - spec.cooldown_s
    return spec.warmup_s, max(end, spec.warmup_s)


class RequestLog:
    """requests.jsonl, written as requests are decoded and flushed whole at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = path.open("wb")
        except OSError as error:
            raise cannot_write(path, error) from error

    def __enter__(self) -> RequestLog:
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self.file.close()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def through(self, requests: Iterator[Request]) -> Iterator[Request]:
        """Write each request, then yield it."""
        for request in requests:
            try:
                self.file.write(request.line)
            except OSError as error:
                raise cannot_write(self.path, error) from error
            yield request
