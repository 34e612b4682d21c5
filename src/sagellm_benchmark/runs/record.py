"""What a run leaves behind: what was asked of which server (`Config`), and the result (`Summary`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sagellm_benchmark.client.calibration import Calibration
from sagellm_benchmark.client.terms import ClientHealth, ClientNode, Limits
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import ModelFacts, Weights
from sagellm_benchmark.machine.accelerators import GpuFigures
from sagellm_benchmark.machine.contention import Contended
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.host import Host
from sagellm_benchmark.runs.grounds import Grounds
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.evidence import Bottleneck
from sagellm_benchmark.verdict.figures import Latency, Metric
from sagellm_benchmark.verdict.stats import Distribution
from sagellm_benchmark.verdict.steadiness import Drift
from sagellm_benchmark.verdict.summarize import Numbers
from sagellm_benchmark.verdict.timeline import Timeline
from sagellm_benchmark.workload.workloads import Workload

RECORD_VERSION = 2
# 1: the first
# 2: units in the names (`peak_memory_mib`), histograms over bins of equal ratio, every repeat's own figures,
#    intervals of metrics, GPU figures under `gpu`, a load's rate as a number or "inf", and timeline.json beside them;
#    codec.py turns version 1 into version 2

Status = Literal["complete", "interrupted", "timed out", "node lost"]


@dataclass(frozen=True, slots=True)
class Tool:
    """The tool that measured, and its version."""

    name: str
    version: str
    git_commit: str | None  # None if the tool does not run from a checkout
    command: str  # as typed, with what it took from the environment
    python_version: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """Where the prompts came from."""

    name: str
    sha256: str  # of the prompts
    uniform: bool  # whether all prompts have the workload's length
    exact: bool | None  # whether they had it by the server's own count


@dataclass(frozen=True, slots=True)
class Load:
    """How the requests were sent."""

    concurrency: int | None  # the streams that --concurrency asked for; None: the workload's own
    # None in a closed loop; a trace's mean rate; the rate at which a ramp begins
    rate_rps: float | Literal["inf"] | None
    last_rate_rps: float | None  # at which a ramp ends
    arrival: Literal["poisson", "constant", "gamma", "ramp", "trace"]
    burstiness: float
    duration_s: float | None
    ramp_s: float  # the time over which the streams of a closed loop begin

    @property
    def rate_text(self) -> str | None:
        """The rate in one word, such as `4.0`, `inf` or `2..20`; None in a closed loop."""
        if self.rate_rps is None:
            return None
        if self.last_rate_rps is not None and self.rate_rps != "inf":
            return f"{self.rate_rps:g}..{self.last_rate_rps:g}"
        return str(self.rate_rps)


@dataclass(frozen=True, slots=True)
class MeasuredServer:
    """The server that was measured, and how it was asked."""

    base_url: str
    served_model: str
    engine: str
    engine_version: str | None
    local: bool
    api: Api
    extra: Mapping[str, object] = field(default_factory=dict)  # additional fields in each request's body
    packages: Mapping[str, str] = field(default_factory=dict)  # the engine's components and their versions


@dataclass(frozen=True, slots=True)
class Config:
    """What was asked, of which server, on which hardware, by which tool: config.json."""

    description: str
    load_description: str
    tool: Tool
    sagellm_version: str
    started_at: str  # ISO 8601
    submitter: str
    workload: Workload
    dataset: Dataset
    load: Load
    seed: int
    repeats: int
    warmup: int  # requests
    warmup_s: float
    cooldown_s: float
    client_processes: int
    limits: Limits
    server: MeasuredServer
    model: ModelFacts
    hardware: Hardware  # of the server
    machine: Host  # on which the client ran
    environment: Mapping[str, str | None]
    record_version: int = RECORD_VERSION


@dataclass(frozen=True, slots=True)
class Client:
    """How the client itself performed: its lag, its processor time and its error."""

    health: ClientHealth
    calibration: Calibration | None = None
    nodes: tuple[ClientNode, ...] = ()  # if several machines sent the load, or a process was lost


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a run: summary.json."""

    status: Status
    valid: bool
    reasons: tuple[str, ...]  # why the run is not valid; empty if it is
    not_checked: tuple[str, ...]
    finished_at: str  # ISO 8601
    weights: Weights | None
    token_source: str
    asked_rate_rps: float | None
    slo_ms: Mapping[str, float]
    numbers: Numbers
    client: Client
    token_check: str | None = None  # what token_source was checked against, if streams carry no usage
    limited_by: Bottleneck | None = None  # what reached its limit, if it was not the server
    own_lengths: bool = False  # whether answers ended early, on a server that cannot be told to go on
    recounted_ratio: float | None = None  # tokens of the generated text, tokenized again / tokens charged
    contention_share: float | None = None  # the part of the processors that other programs used
    contention: Contended | None = None
    drift: Drift | None = None  # None if it could not be judged
    repeat_test: RepeatTest | None = None
    peak_memory_source: str | None = None
    gpu: GpuFigures = GpuFigures()
    record_version: int = RECORD_VERSION

    def value(self, metric: Metric) -> float | None:
        """Return a metric of the whole run; None if it was not measured."""
        return self.numbers.figures.value(metric)

    def latency(self, latency: Latency) -> Distribution:
        """Return the distribution of a latency over the whole run."""
        return self.numbers.figures.latency(latency)


@dataclass(frozen=True, slots=True)
class Record:
    """One finished (or interrupted) run."""

    config: Config
    summary: Summary
    timeline: Timeline | None = None  # version 1 had none
    grounds: Grounds | None = None  # None if the run was read from its files
