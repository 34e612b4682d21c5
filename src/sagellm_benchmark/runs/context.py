"""What is fixed before the first measured request is sent, and what is seen while the load runs."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sagellm_benchmark.client.calibration import Calibration, calibrate
from sagellm_benchmark.client.drive import drive
from sagellm_benchmark.client.terms import (
    ClientHealth,
    ClientNode,
    Observed,
    Order,
    Progress,
    Target,
)
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.capability import Capabilities
from sagellm_benchmark.engines.counting import Counting
from sagellm_benchmark.engines.metrics import ServerFigures
from sagellm_benchmark.machine.accelerators import GpuFigures
from sagellm_benchmark.machine.contention import Contended
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.runs.spec import LoadShape, RunSpec
from sagellm_benchmark.verdict.cached import RepeatTest
from sagellm_benchmark.verdict.columns import Columns
from sagellm_benchmark.verdict.recounts import Recount
from sagellm_benchmark.verdict.timeline import Timeline
from sagellm_benchmark.workload.schedule import Schedule
from sagellm_benchmark.workload.sources import Source
from sagellm_benchmark.workload.workloads import Workload


class Sender(Protocol):
    """Sends loads, from this machine or from several."""

    def drive(self, order: Order, on_progress: Callable[[Progress], None] | None = None) -> Observed:
        """Send one load and observe every answer."""
        ...

    def calibrate(self, load: Schedule, api: Api, *, processes: int = 1) -> Calibration:
        """Measure the client's own error under a load of this shape."""
        ...


class Here:
    """Sends loads from this machine."""

    drive = staticmethod(drive)
    calibrate = staticmethod(calibrate)


HERE: Sender = Here()


@dataclass(frozen=True, slots=True)
class Context:
    """One workload under one load shape on one server; `source` makes the prompts."""

    spec: RunSpec
    workload: Workload
    shape: LoadShape
    server: Server
    hardware: Hardware
    capabilities: Capabilities
    counting: Counting
    source: Source
    target: Target
    folder: Path
    sender: Sender

    @property
    def is_open_loop(self) -> bool:
        """Whether requests are sent by the clock: at a rate, or as a trace says."""
        return self.shape.rate_rps is not None or self.source.due_s is not None

    @property
    def asked_rate_rps(self) -> float | None:
        """The requested requests per second; None in a closed loop, or if there is no single rate."""
        rate = self.shape.rate_rps
        return rate if rate is not None and math.isfinite(rate) and self.shape.last_rate_rps is None else None

    @property
    def asks_one_length(self) -> bool:
        """Whether every request asks for an answer of the workload's length, and the server can be told to give it."""
        return self.source.uniform and self.target.exact_output

    @property
    def what(self) -> str:
        """A short description of the requests, such as `Q5 10×(32→64)` or `custom sharegpt:chats.json`."""
        workload = self.workload
        if not self.source.uniform:
            return f"{workload.name} {self.source.name}"
        if self.shape.duration_s is not None:
            return f"{workload.name} ({workload.input_tokens}→{workload.output_tokens})"
        return workload.describe()

    @property
    def how(self) -> str:
        """A short description of the load, such as `10 at a time`."""
        if self.source.due_s is None:
            return self.shape.describe(self.workload)
        scale = self.spec.cut.time_scale
        return "as the trace says" if scale == 1 else f"as the trace says, its time × {scale:g}"


@dataclass(frozen=True, slots=True)
class Observations:
    """What was seen during a run; `repeats` has an entry for each repeat, and None means not measured."""

    repeats: tuple[Columns, ...]
    health: ClientHealth
    calibration: Calibration | None
    started_at: dt.datetime
    interrupted: bool
    timed_out: bool  # whether --timeout interrupted the run
    recounts: Sequence[Recount]  # of some answers whose text was tokenized again
    echoes: int  # the number of answers that begin with a piece of their prompt
    repeat_test: RepeatTest | None
    peak_memory_mib: float | None
    contention: Contended | None
    nodes: tuple[ClientNode, ...]  # if several machines sent the load, or a client process was lost
    server: ServerFigures  # from the server's own metrics
    gpu: GpuFigures
    timeline: Timeline | None
