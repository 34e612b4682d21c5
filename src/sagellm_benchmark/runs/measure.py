"""One run: measure a workload on a server that is ready, write every request to a file, and return the record."""

from __future__ import annotations

import datetime as dt
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from sagellm_benchmark.client.calibration import Calibration
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.health import together, worst
from sagellm_benchmark.client.terms import Conversations, Observed, Order
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.metrics import MetricsWatch
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.machine.contention import Contention
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.memory import peak_memory_mib
from sagellm_benchmark.machine.watch import GpuWatch
from sagellm_benchmark.runs import cache_probe
from sagellm_benchmark.runs.arrivals import schedule_for
from sagellm_benchmark.runs.conclude import conclude
from sagellm_benchmark.runs.context import HERE, Context, Observations, Sender
from sagellm_benchmark.runs.counting import Completer
from sagellm_benchmark.runs.listener import Listener
from sagellm_benchmark.runs.loads import Repeat, Shifted, drive_load, raw_folder, timed_out
from sagellm_benchmark.runs.prepare import prepare
from sagellm_benchmark.runs.reading import read_loads
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.runs.spec import LoadShape, RunSpec
from sagellm_benchmark.runs.warming import warm_up
from sagellm_benchmark.text import duration
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.columns import Columns, joined
from sagellm_benchmark.verdict.timeline import Recorder
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.workload.sources import Random, Source
from sagellm_benchmark.workload.traces import TraceSource
from sagellm_benchmark.workload.workloads import Workload

ENDLESS = 1_000_000  # conversations that each repeat may use if only the duration limits their number


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
    """Measure one workload under one load shape, write requests.jsonl into `folder`, and return the record.

    After Ctrl-C, the record holds the requests that had finished. Raise RemoteError if the server does not answer the
    warm-up, DataError if it answers badly or the folder cannot be written.
    """
    context = prepare(server, workload, shape, spec, hardware, folder, sender)
    with Measuring(context, listener) as run:
        run.warm_up()
        for _ in range(spec.repeats):
            if not run.drive():
                break
        return run.conclude()


def _announce(source: Source, listener: Listener) -> None:
    """Say how long a trace will last, since the user did not choose that."""
    if isinstance(source, TraceSource):
        last_s = source.due_s[-1]
        lasts = duration(last_s) if last_s >= 10 else f"{last_s:.1f} s"
        if source.left_out:
            listener.note(
                f"{source.name}: {source.count:,} requests over {lasts}; "
                f"{source.left_out:,} without tokens are left out"
            )
        else:
            listener.note(f"{source.name}: {source.count:,} requests over {lasts}")


def _calibrate(context: Context, listener: Listener) -> Calibration | None:
    listener.say("calibrating the client against a server of known timing")
    load, _ = schedule_for(context)
    return context.sender.calibrate(load, context.target.api, processes=context.spec.processes)


class Measuring:
    """A run in progress: its repeats are sent one by one, perhaps with other work in between, and read at the end.

    What it watches meanwhile (metrics, chips, other programs) is watched only during its own loads.
    """

    def __init__(self, context: Context, listener: Listener) -> None:
        self._context = context
        self._listener = listener
        self._stack = ExitStack()
        self.loads: list[Repeat] = []
        self._first = 0  # the next repeat's first conversation: no repeat sends those of another
        self._calibration: Calibration | None = None
        self._metrics = MetricsWatch(context.server)
        self._chips = GpuWatch(context.server.pids)
        self._contention = Contention(context.server.pids)

    @property
    def folder(self) -> Path:
        """The folder with the run's files."""
        return self._context.folder

    def __enter__(self) -> Measuring:
        self._raw = self._stack.enter_context(
            raw_folder(self._context.folder, keep=self._context.spec.keep_raw)
        )
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def warm_up(self) -> None:
        """Calibrate the client, and send the requests that do not count. Raise RemoteError if none is answered."""
        _announce(self._context.source, self._listener)
        if self._context.spec.calibrate:
            self._calibration = _calibrate(self._context, self._listener)
        warm_up(self._context, self._listener)
        self._started_at = dt.datetime.now(dt.UTC)
        self._stack.enter_context(self._metrics)

    def drive(self) -> bool:
        """Send the next repeat, and return whether another may follow.

        If it breaks off, earlier repeats are kept. Raise its RemoteError or KeyboardInterrupt if there are none.
        """
        try:
            with self._chips, self._contention:
                load = self._send()
        except (RemoteError, KeyboardInterrupt) as error:
            self._keep_what_there_is(error)
            return False
        self.loads.append(load)
        return not (load.observed.interrupted or any(node.lost for node in load.observed.nodes))

    def _send(self) -> Repeat:
        """Send one load, recorded in a folder of its own."""
        context, number = self._context, len(self.loads)
        label = f"{context.workload.name} on {context.server.model.name}"
        plan, count = schedule_for(context, number)
        conversations = Shifted(context.source, self._first)
        load = drive_load(
            context,
            plan,
            conversations,
            count,
            self._raw / str(number),
            partial(self._listener.progress, label),
        )
        first, self._first = self._first, self._first + (ENDLESS if count is None else count)
        return Repeat(number, first, load)

    def _keep_what_there_is(self, error: RemoteError | KeyboardInterrupt) -> None:
        if not self.loads:
            raise error
        why = error.message if isinstance(error, RemoteError) else "stopped"
        number = f"repeat {len(self.loads) + 1} of {self._context.spec.repeats}"
        self._listener.note(f"{number}: {why}; earlier repeats are kept")

    def conclude(self) -> Record:
        """Read what was recorded, and return the run's record, judged."""
        context, loads = self._context, self.loads
        peak_memory = peak_memory_mib(context.server.pids)
        self._metrics.__exit__(None, None, None)
        self._listener.say("reading what was recorded")
        completer = Completer(context.counting, exact_output=context.target.exact_output)
        course = Recorder()
        repeats, asked_to_end = read_loads(loads, context, completer, course)
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
            timed_out=timed_out(context, last),
            recounts=completer.recounts(),
            echoes=completer.echoes,
            repeat_test=test,
            peak_memory_mib=peak_memory,
            contention=self._contention.seen,
            nodes=together([load.observed.nodes for load in loads]),
            server=self._metrics.figures(),
            gpu=self._chips.figures(),
            timeline=course.timeline((*self._metrics.readings(), *self._chips.readings())),
        )
        return conclude(context, seen)


def _repeat_test(context: Context, repeats: list[Columns], listener: Listener) -> RepeatTest | None:
    """Return the repeat-prompt test, even if the server reports what it took from its cache.

    None if prompts differ in length or have several turns, if nothing was answered, or if the server has gone.
    """
    columns = joined(repeats)
    if not columns.answered or not context.source.uniform or context.workload.turns > 1:
        return None
    streams = 1 if context.is_open_loop else context.workload.concurrency
    asked = cache_probe.plan(columns, context.workload, streams)
    if asked is None:
        return None
    listener.say("sending prompts twice, to see what the server caches")

    def send(conversations: Conversations, count: int, together: int) -> Observed:
        return drive(
            Order(conversations, count, Schedule(together), context.target, context.spec.limits, raw)
        )

    source = context.source
    lexicon = source.prompts.lexicon if isinstance(source, Random) else None
    probe = cache_probe.CacheProbe(context.workload, context.counting.prompts, send, lexicon)
    try:
        with raw_folder(context.folder) as raw, Contention(context.server.pids) as watch:
            test = probe.test(asked, columns, source.conversation, streams)
        return None if test is None else replace(test, contention=watch.seen)
    except RemoteError:  # the server has gone, but what was measured before stays valid
        return None
