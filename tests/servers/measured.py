"""A whole run against a simulated server: the real client, decoder, numbers and checks, but no socket and no clock."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sagellm_benchmark.client import decoded
from sagellm_benchmark.client import spool as spooling
from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.client.sender import Load
from sagellm_benchmark.client.terms import ClientHealth, ClientNode, Conversations, Limits, Observed, Target
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import ModelFacts
from sagellm_benchmark.engines.counting import USAGE, Counting
from sagellm_benchmark.machine.contention import Contended
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.runs.cache_probe import CacheProbe, Plan, plan
from sagellm_benchmark.runs.counting import Completer
from sagellm_benchmark.runs.requests import Request, columns, prompt_hash
from sagellm_benchmark.verdict import recounts
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.checks import judge
from sagellm_benchmark.verdict.columns import Columns
from sagellm_benchmark.verdict.evidence import Evidence, Verdict
from sagellm_benchmark.verdict.figures import Measurement
from sagellm_benchmark.verdict.physics import step_floor_s
from sagellm_benchmark.verdict.summarize import Numbers, summarize
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.workload.sources import RANDOM, WARMUP_INDEX, open_source
from sagellm_benchmark.workload.workloads import Workload
from tests.servers.clock import Clocked
from tests.servers.protocol import Server
from tests.servers.transport import Nearby

Drive = Callable[[Conversations, int, Schedule], Observed]
"""Sends so many conversations by a schedule."""

URL = "http://simulated"
MODEL = "simulated"
HEALTHY = ClientHealth(loop_lag_p99_s=0.0002, loop_lag_max_s=0.001, cpu_share=0.1, cpu_s=0.1)
FREE = Contended(others_share=0.01, steal_share=0.0, server_wait_share=0.0, client_wait_share=0.0)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is asked of a server, and what is known of it beside its answers."""

    requests: int = 100
    input_tokens: int = 32
    output_tokens: int = 24
    streams: int = 1
    due_s: tuple[float, ...] | None = None  # of an open loop
    rate_rps: float | None = None
    slo_s: Mapping[str, float] = field(default_factory=dict)  # objectives
    api: Api = "completions"
    exact: bool = True  # the server takes ignore_eos
    tokenizer: bool = True  # it says how many tokens a text has
    model: ModelFacts = field(default_factory=lambda: ModelFacts(name=MODEL))
    hardware: Hardware = field(default_factory=Hardware)
    contention: Contended | None = FREE
    health: ClientHealth = HEALTHY
    limits: Limits = Limits(request_s=60.0)
    echoed_model: str | None = MODEL

    @property
    def workload(self) -> Workload:
        """As the rest of the program knows it."""
        return Workload("custom", self.requests, self.input_tokens, self.output_tokens, self.streams)

    @property
    def schedule(self) -> Schedule:
        """When requests are sent."""
        return Schedule(self.streams) if self.due_s is None else Schedule(due_s=self.due_s)

    @property
    def target(self) -> Target:
        """Where they go."""
        return Target(URL, MODEL, self.api, exact_output=self.exact)


PLAIN = Setting()
LONGEST_REPEATED = 8
"""Tokens of an answer to a prompt that is sent twice: only the first one tells, and as many as a run has take long."""


@dataclass(frozen=True, slots=True)
class Words:
    """The tokenizer of every simulated server: a word is a token."""

    cheap: bool = True

    def count(self, text: str) -> int:
        """As TokenCounter says."""
        return len(text.split())


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run."""

    verdict: Verdict
    numbers: Numbers
    columns: Columns
    measured: range  # of the server's own account, what the measured requests are


def run(server: Server, setting: Setting) -> Result:
    """Warm up, measure, send prompts twice, judge: as the program's own `run` does."""
    with tempfile.TemporaryDirectory() as folder, _client(server, setting, Path(folder)) as drive:
        return measured_by(drive, server, setting)


def measured_by(drive: Drive, server: Server, setting: Setting) -> Result:
    """The same by any client that drives conversations at the server."""
    workload, counter = setting.workload, Words() if setting.tokenizer else None
    source = open_source(RANDOM, workload, 0, counter)
    drive(lambda i: source.conversation(WARMUP_INDEX + i), setting.streams, Schedule(setting.streams))
    begun = len(server.did)
    samples = drive(source.conversation, setting.requests, setting.schedule).samples()
    completed = Completer(Counting(counter, USAGE), exact_output=setting.exact)
    found = columns(_requests(samples, source.conversation, completed), None)
    measured = range(begun, len(server.did))
    probe = CacheProbe(
        workload, counter, lambda these, count, at_once: drive(these, count, Schedule(at_once))
    )
    streams = 1 if setting.due_s is not None else setting.streams
    asked = plan(found, workload, streams) if found.answered else None
    test = None if asked is None else probe.test(_short(asked), found, source.conversation, streams)
    beside = Measurement(columns=found, slo_s=setting.slo_s, asked_rate_rps=setting.rate_rps)
    verdict = judge(_evidence(setting, found, completed, test))
    return Result(verdict, summarize([found], beside), found, measured)


def _short(asked: Plan) -> Plan:
    return replace(asked, answer_tokens=min(asked.answer_tokens, LONGEST_REPEATED))


def _requests(
    samples: Iterable[Sample], conversation: Conversations, completed: Completer
) -> Iterator[Request]:
    for sample in samples:
        prompt = conversation(sample.index)[0].text
        whole, tokens = completed(sample, prompt, {})
        yield Request(0, sample.index, prompt_hash(prompt), tokens, whole)


def _evidence(setting: Setting, found: Columns, completed: Completer, test: RepeatTest | None) -> Evidence:
    recounted = completed.recounts()
    return Evidence(
        columns=found,
        concurrency=None if setting.due_s is not None else setting.streams,
        asked_rate_rps=setting.rate_rps,
        prompts_repeated=False,
        asked_input_tokens=setting.input_tokens,
        asked_output_tokens=setting.output_tokens if setting.exact else None,
        shared_prefix_tokens=0,
        may_cache=False,
        repeat_test=test,
        interrupted=False,
        timed_out=False,
        health=setting.health,
        texts=found.texts,
        echoes=completed.echoes,
        charged_only=not recounted,
        recounted_ratio=recounts.ratio(recounted),
        thin=recounts.thin(recounted),
        asked_model=MODEL,
        echoed_model=setting.echoed_model,
        calibrated_ttft_bias_s=0.0002,
        most_events_per_s=1e6,
        step_floor_s=step_floor_s(setting.model, setting.hardware),
        contention=setting.contention,
    )


@dataclass(slots=True)
class _Seen:
    """The observations of one load."""

    samples_seen: list[Sample]
    started_at: float = 0.0
    elapsed_s: float = 0.0
    interrupted: bool = False
    health: ClientHealth = HEALTHY
    nodes: tuple[ClientNode, ...] = ()

    def samples(self) -> Iterator[Sample]:
        """As Observed says."""
        return iter(self.samples_seen)


@contextmanager
def _client(server: Server, setting: Setting, folder: Path) -> Iterator[Drive]:
    """The client in an event loop whose clock jumps."""
    loop, dialer, target = Clocked(), Nearby(server), setting.target

    async def send(load: Load, streams: int) -> None:
        load.prepare()
        await load.connect(dialer, await dialer.dial(), streams)
        load.origin = loop.time()
        await load.run(range(streams))

    def drive(conversations: Conversations, count: int, schedule: Schedule) -> Observed:
        spool = spooling.Spool(folder / "spool")
        load = Load(conversations, iter(range(count)), schedule, target, setting.limits, spool, loop.time)
        loop.run_until_complete(send(load, min(schedule.concurrency or 1, count)))
        spool.close()
        (done,) = decoded.decode(spool.segments, spooling.Reading(setting.exact))
        found = decoded.read(done, decoded.RunClock(load.origin))
        return _Seen(sorted(found, key=lambda sample: sample.end_s))

    try:
        yield drive
        loop.run_until_complete(asyncio.sleep(0))
    finally:
        loop.close()
