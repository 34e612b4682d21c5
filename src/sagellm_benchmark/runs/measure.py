"""One run: a ready server and a workload go in, a record comes out, every request noted on the way."""

from __future__ import annotations

import datetime as dt
import math
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from sagellm_benchmark.client.calibration import Calibration
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.health import together, worst
from sagellm_benchmark.client.sample import Failure, Phase, Sample
from sagellm_benchmark.client.terms import Conversations, Observed, Progress, Target
from sagellm_benchmark.engines import counting
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.capability import PROBE_TIMEOUT_S, choose_api
from sagellm_benchmark.engines.metrics import MetricsWatch
from sagellm_benchmark.errors import DataError, RemoteError, UsageError
from sagellm_benchmark.files import cannot_write
from sagellm_benchmark.machine.contention import Contention
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.memory import peak_memory_mib
from sagellm_benchmark.machine.watch import GpuWatch
from sagellm_benchmark.runs import cache_probe
from sagellm_benchmark.runs.conclude import conclude
from sagellm_benchmark.runs.context import HERE, Context, Observations, Sender
from sagellm_benchmark.runs.counting import Completed, prices
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.runs.requests import REQUESTS_FILE, Request, columns, prompt_hash
from sagellm_benchmark.runs.spec import LoadShape, RunSpec
from sagellm_benchmark.signals import first_signal
from sagellm_benchmark.text import duration
from sagellm_benchmark.verdict import stats
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.marks import Asked
from sagellm_benchmark.verdict.timeline import Recorder
from sagellm_benchmark.workload import schedule
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.workload.sources import RANDOM, WARMUP_INDEX, Random, Source, open_source
from sagellm_benchmark.workload.traces import TraceSource
from sagellm_benchmark.workload.workloads import Conversation, Workload

ANSWERED_BADLY = {Failure.SHORT, Failure.EMPTY, Failure.MALFORMED}  # the server was reached
RAW = "raw"  # what --keep-raw keeps, in a run's folder
TIMER_S = 0.1  # by which a timer may be early
MOST_ARRIVALS = 10_000_000
ENDLESS = 1_000_000  # indices that each repeat of a run without a count may use


Complete = Callable[[Sample, str], tuple[Sample, int | None]]
"""Gives a sample, whose prompt is told, with what came without usage, and the tokens of its answer."""


class Listener(Protocol):
    """Hears how a run goes; the terminal shows it, a pipe does not."""

    def say(self, text: str) -> None:
        """Return what happens next."""
        ...

    def note(self, text: str) -> None:
        """Something the user must know, wherever it is shown."""
        ...

    def progress(self, label: str, progress: Progress) -> None:
        """Tell how far a load is."""
        ...


def measure(
    server: Server,
    workload: Workload,
    shape: LoadShape,
    spec: RunSpec,
    hardware: Hardware,
    folder: Path,
    listener: Listener,
    sender: Sender = HERE,
) -> Record:
    """Measure one workload under one load shape; requests.jsonl is written into `folder` on the way.

    Raises RemoteError where the server does not answer the warm-up. Ctrl-C gives the record of what had finished.
    """
    context = prepare(server, workload, shape, spec, hardware, folder, sender)
    with Measuring(context, listener) as run:
        run.warm_up()
        for _ in range(spec.repeats):
            if not run.drive():
                break
        return run.conclude()


def prepare(
    server: Server,
    workload: Workload,
    shape: LoadShape,
    spec: RunSpec,
    hardware: Hardware,
    folder: Path,
    sender: Sender = HERE,
) -> Context:
    """Ask the server what it can do, and make prompts that have the right length on it."""
    if spec.dataset == RANDOM:
        _check_room(server, workload.name, workload.context_tokens)
    timeout = min(PROBE_TIMEOUT_S, spec.limits.request_s)
    capabilities = choose_api(server, spec.api, turns=workload.turns, timeout_s=timeout)
    capabilities = counting.lean(server, capabilities, workload.input_tokens)
    tokens = counting.plan(server, capabilities, counting.own_tokenizer(server, spec.tokenizer))
    talkative = not capabilities.exact_output
    source = open_source(spec.dataset, workload, spec.seed, tokens.prompts, talkative=talkative, cut=spec.cut)
    if isinstance(source, TraceSource):
        _check_room(server, source.name, source.context_tokens)
    target = Target(
        base_url=server.base_url,
        model=server.served_model,
        api=capabilities.api,
        api_key=server.api_key,
        extra=capabilities.extra,
        min_tokens=capabilities.min_tokens,
        system=capabilities.system,
        exact_output=capabilities.exact_output,
    )
    return Context(
        spec, workload, shape, server, hardware, capabilities, tokens, source, target, folder, sender
    )


def _check_room(server: Server, what: str, needed: int) -> None:
    """Raise UsageError where the longest prompt and its answer do not fit into the server's context."""
    room = server.model.context_length
    if room is not None and room < needed:
        raise UsageError(
            f"{what} needs a context of {needed} tokens; the server's is {room}",
            hint="start the server with a longer context, or choose a shorter workload",
        )


def _announce(source: Source, listener: Listener) -> None:
    """Say how long a trace will last, since nobody chose it."""
    if isinstance(source, TraceSource):
        last_s = source.due_s[-1]
        lasts = duration(last_s) if last_s >= 10 else f"{last_s:.1f} s"
        left = f"; {source.left_out:,} without tokens are left out" if source.left_out else ""
        listener.note(f"{source.name}: {source.count:,} requests over {lasts}{left}")


def _calibrate(context: Context, listener: Listener) -> Calibration | None:
    listener.say("calibrating the client against a server of known timing")
    load, _ = schedule_for(context)
    return context.sender.calibrate(load, context.target.api, processes=context.spec.processes)


def _warm_up(context: Context, listener: Listener) -> None:
    """Send the warm-up requests; a server that answers none of them is not worth measuring."""
    count = context.spec.warmup
    if count == 0:
        return
    listener.say(f"warming up with {count} request(s)")

    streams = min(count, context.workload.concurrency)
    warming = Shifted(_warm_up_source(context, count), WARMUP_INDEX, turns=1)
    with _raw(context.folder) as raw:
        observed = drive(warming, count, Schedule(streams), context.target, context.spec.limits, raw)
        samples = list(observed.samples())
    if _timed_out(context, observed):
        raise RemoteError(
            f"{context.server.base_url} did not answer the warm-up within --timeout",
            hint="look at the server's log, or allow for more",
        )
    if observed.interrupted:
        raise KeyboardInterrupt
    if samples and all(sample.failure in ANSWERED_BADLY for sample in samples):
        raise DataError(
            f"{context.server.base_url} answers, but not as it was asked: {_why(samples)}",
            hint="look at the server's log; --warmup 0 measures all the same and counts every failure",
        )
    if not any(sample.ok for sample in samples):
        raise RemoteError(
            f"{context.server.base_url} did not answer the warm-up: {_why(samples)}",
            hint="look at the server's log; --warmup 0 measures all the same and counts every failure",
        )


def _warm_up_source(context: Context, count: int) -> Source:
    """Return the run's own source, or random words where a file has no texts to spare: none may be sent twice."""
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


class Measuring:
    """A run in the making: its repeats are driven one by one, whatever happens in between, and read when it is over.

    The watches see nothing but its own loads.
    """

    def __init__(self, context: Context, listener: Listener) -> None:
        self._context = context
        self._listener = listener
        self._stack = ExitStack()
        self.loads: list[_Repeat] = []
        self._first = 0  # of the conversations: no repeat sends those of another
        self._calibration: Calibration | None = None
        self._metrics = MetricsWatch(context.server)
        self._chips = GpuWatch(context.server.pids)
        self._contention = Contention(context.server.pids)

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self._context.folder

    def __enter__(self) -> Measuring:
        self._raw = self._stack.enter_context(_raw(self._context.folder, keep=self._context.spec.keep_raw))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def warm_up(self) -> None:
        """Calibrate the client, and send the requests that do not count. RemoteError where none is answered."""
        _announce(self._context.source, self._listener)
        if self._context.spec.calibrate:
            self._calibration = _calibrate(self._context, self._listener)
        _warm_up(self._context, self._listener)
        self._started_at = dt.datetime.now(dt.UTC)
        self._stack.enter_context(self._metrics)

    def drive(self) -> bool:
        """Send the next repeat; whether there can be one after it. Those before one that breaks off are kept."""
        try:
            with self._chips, self._contention:
                load = self._send()
        except (RemoteError, KeyboardInterrupt) as error:
            self._keep_what_there_is(error)
            return False
        self.loads.append(load)
        return not (load.observed.interrupted or any(node.lost for node in load.observed.nodes))

    def _send(self) -> _Repeat:
        """Return one load, recorded in a folder of its own."""
        context, number = self._context, len(self.loads)
        label = f"{context.workload.name} on {context.server.model.name}"
        plan, count = schedule_for(context, number)
        conversations = Shifted(context.source, self._first)
        load = _drive(
            context,
            plan,
            conversations,
            count,
            self._raw / str(number),
            partial(self._listener.progress, label),
        )
        first, self._first = self._first, self._first + (ENDLESS if count is None else count)
        return _Repeat(number, first, load)

    def _keep_what_there_is(self, error: RemoteError | KeyboardInterrupt) -> None:
        if not self.loads:
            raise error
        why = error.message if isinstance(error, RemoteError) else "stopped"
        number = f"repeat {len(self.loads) + 1} of {self._context.spec.repeats}"
        self._listener.note(f"{number}: {why}; those before it are kept")

    def conclude(self) -> Record:
        """Decode what was recorded, and judge it."""
        context, loads = self._context, self.loads
        peak_memory = peak_memory_mib(context.server.pids)
        self._metrics.__exit__(None, None, None)
        self._listener.say("reading what was recorded")
        completed, course = (
            Completed(context.counting, exact_output=context.target.exact_output),
            Recorder(),
        )
        repeats, asked_to_end = _read(loads, context, completed, course)
        last = loads[-1].observed
        lost = any(node.lost for node in last.nodes)
        interrupted = last.interrupted or asked_to_end or (len(loads) < context.spec.repeats and not lost)
        test = None
        if not (interrupted or lost):
            try:
                test = _repeat_test(context, repeats, self._listener)
            except KeyboardInterrupt:  # what was measured before it is kept
                interrupted = True
        seen = Observations(
            repeats=tuple(repeats),
            health=worst([load.observed.health for load in loads]),
            calibration=self._calibration,
            started_at=self._started_at,
            interrupted=interrupted,
            timed_out=_timed_out(context, last),
            recounted_ratio=completed.ratio,
            echoes=completed.echoes,
            repeat_test=test,
            peak_memory_mib=peak_memory,
            contention=self._contention.seen,
            nodes=together([load.observed.nodes for load in loads]),
            server=self._metrics.figures(),
            gpu=self._chips.figures(),
            timeline=course.timeline(),
        )
        return conclude(context, seen)


def _read(
    loads: Sequence[_Repeat], context: Context, completed: Completed, course: Recorder
) -> tuple[list[stats.Columns], bool]:
    """Return every load's columns, its requests noted on the way; and whether a Ctrl-C came meanwhile."""
    priced = prices(context.counting, context.source, context.workload.turns)
    asked_to_end = threading.Event()
    with (
        _RequestLog(context.folder / REQUESTS_FILE) as log,
        first_signal((signal.SIGINT,), asked_to_end.set),  # what was measured is read to its end
    ):
        repeats = [
            _decoded(load, context, log, partial(completed, prices={} if load.number else priced), course)
            for load in loads
        ]
    return repeats, asked_to_end.is_set()


def _decoded(
    load: _Repeat, context: Context, log: _RequestLog, complete: Complete, course: Recorder
) -> stats.Columns:
    window_s = _window_s(load.observed, context)
    samples = course.through(_placed(load.observed, window_s))
    found = columns(log.through(_noted(sample, load, context, complete) for sample in samples), window_s)
    course.end_repeat((found.first_start_s, found.last_end_s), _course(context, window_s))
    return found


def _course(context: Context, window_s: tuple[float, float] | None) -> Asked:
    """Return what course the load was asked to take."""
    rises = context.shape.last_rate_rps is not None
    return Asked(
        ramp_s=math.inf if rises else context.shape.ramp_s,
        by_the_clock=context.is_open_loop,
        measured_s=window_s or (0.0, math.inf),
    )


def _noted(sample: Sample, load: _Repeat, context: Context, complete: Complete) -> Request:
    """Return a sample with what the run alone knows of it: its place, its prompt, its tokens."""
    conversation = load.first + sample.index
    text = context.source.conversation(conversation)[sample.turn].text
    completed, tokens = complete(sample, text)
    return Request(load.number, conversation, prompt_hash(text), tokens, completed)


def _timed_out(context: Context, load: Observed) -> bool:
    """Tell whether it was --timeout that ended the load, and not the user."""
    limit = context.spec.limits.total_s
    return load.interrupted and limit is not None and load.elapsed_s >= limit - TIMER_S


@contextmanager
def _raw(folder: Path, *, keep: bool = False) -> Iterator[Path]:
    """Give a folder for what a load records; gone when it has been read, unless it is to be kept as `raw`."""
    try:
        made = tempfile.TemporaryDirectory(prefix=".raw-", dir=folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    with made as name:
        yield Path(name)
        if keep:
            shutil.move(name, folder / RAW)
            Path(name).mkdir()  # to be removed


@dataclass(frozen=True, slots=True)
class _Repeat:
    """One load of several, and its first conversation in the source."""

    number: int
    first: int
    observed: Observed


def _repeat_test(context: Context, repeats: list[stats.Columns], listener: Listener) -> RepeatTest | None:
    """Return the repeat-prompt test, where prompts have one length; whatever the server says it took from its cache."""
    columns = stats.join(repeats)
    if not columns.answered or not context.source.uniform or context.workload.turns > 1:
        return None
    streams = 1 if context.is_open_loop else context.workload.concurrency
    asked = cache_probe.plan(columns, context.workload, streams)
    if asked is None:
        return None
    listener.say("sending new prompts twice, to see what the server caches")

    def send(conversations: Conversations, count: int, together: int) -> Observed:
        return drive(conversations, count, Schedule(together), context.target, context.spec.limits, raw)

    source = context.source
    lexicon = source.prompts.lexicon if isinstance(source, Random) else None
    try:
        with _raw(context.folder) as raw:
            prompts = context.counting.prompts
            return cache_probe.repeat_test(asked, context.workload, prompts, send, streams, lexicon)
    except RemoteError:  # a server that has gone meanwhile takes nothing of what was measured with it
        return None


@dataclass(frozen=True, slots=True)
class Shifted:
    """A source's conversations from `first` on; `turns` cuts them short. Picklable, for client processes."""

    source: Source
    first: int
    turns: int | None = None

    def __call__(self, index: int) -> Conversation:
        """Return the conversation that far behind `first`."""
        return self.source.conversation(self.first + index)[: self.turns]


def _drive(
    context: Context,
    plan: Schedule,
    conversations: Conversations,
    count: int | None,
    raw: Path,
    on_progress: Callable[[Progress], None],
) -> Observed:
    ends_s = plan.duration_s if plan.duration_s is not None or not plan.due_s else plan.due_s[-1]
    return context.sender.drive(
        conversations,
        count,
        plan,
        context.target,
        context.spec.limits,
        raw,
        lambda progress: on_progress(replace(progress, ends_s=ends_s)),
        processes=context.spec.processes,
        keep_raw=context.spec.keep_raw,
    )


def schedule_for(context: Context, repeat: int = 0) -> tuple[Schedule, int | None]:
    """Tell when the conversations start, and how many there are; None where only the duration says so."""
    workload, shape = context.workload, context.shape
    if context.source.due_s is not None:
        return Schedule(due_s=context.source.due_s, duration_s=shape.duration_s), len(context.source.due_s)
    if shape.rate_rps is None:
        stagger = shape.ramp_s / workload.concurrency
        count = context.source.count if shape.duration_s is None else None
        return Schedule(workload.concurrency, duration_s=shape.duration_s, stagger_s=stagger), count
    due = _arrivals(
        shape, shape.rate_rps, context.source.count, np.random.default_rng((context.spec.seed, repeat))
    )
    return Schedule(due_s=due, duration_s=shape.duration_s), len(due)


def _arrivals(shape: LoadShape, rate: float, count: int, rng: np.random.Generator) -> schedule.Times:
    """`count` arrivals, or with a duration as many as fall into it."""
    if shape.duration_s is not None and shape.last_rate_rps is not None:
        count = math.ceil((rate + shape.last_rate_rps) / 2 * shape.duration_s)
    elif shape.duration_s is not None and math.isfinite(rate):
        count = math.ceil(rate * shape.duration_s * 1.5 + 10 * math.sqrt(rate * shape.duration_s) + 10)
    if count > MOST_ARRIVALS:
        raise UsageError(
            f"that load has {count:,} requests", hint="give a lower --rate or a shorter --duration"
        )
    if shape.last_rate_rps is not None:
        due = schedule.ramp(rate, shape.last_rate_rps, count)
    elif shape.arrival == "constant":
        due = schedule.constant(rate, count)
    elif shape.arrival == "gamma":
        due = schedule.gamma(rate, count, shape.burstiness, rng)
    else:
        due = schedule.poisson(rate, count, rng)
    limit = math.inf if shape.duration_s is None else shape.duration_s
    return tuple(moment for moment in due if moment < limit)


def _placed(observed: Observed, window_s: tuple[float, float] | None) -> Iterator[Sample]:
    """Yield the samples with their phase: what began before or after the window of a timed run is set apart."""
    begin, end = window_s or (-math.inf, math.inf)
    for sample in observed.samples():
        if sample.start_s < begin:
            yield replace(sample, phase=Phase.WARMUP)
        elif sample.start_s >= end:
            yield replace(sample, phase=Phase.COOLDOWN)
        else:
            yield sample


def _window_s(observed: Observed, context: Context) -> tuple[float, float] | None:
    """Return the part of a timed run that is measured, where its first or last seconds are not."""
    spec, duration_s = context.spec, context.shape.duration_s
    if duration_s is None or not (spec.warmup_s or spec.cooldown_s):
        return None
    end = min(duration_s, observed.elapsed_s) - spec.cooldown_s
    return spec.warmup_s, max(end, spec.warmup_s)


class _RequestLog:
    """requests.jsonl, written as requests are decoded and flushed whole at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.file = path.open("wb")
        except OSError as error:
            raise cannot_write(path, error) from error

    def __enter__(self) -> _RequestLog:
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self.file.close()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def through(self, requests: Iterator[Request]) -> Iterator[Request]:
        """Hand every request on, written."""
        for request in requests:
            try:
                self.file.write(request.line)
            except OSError as error:
                raise cannot_write(self.path, error) from error
            yield request
