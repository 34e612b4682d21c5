"""What the user asked for, checked once and then only read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from sagellm_benchmark.client.terms import Limits
from sagellm_benchmark.engines.api import Api
from sagellm_benchmark.engines.base import Weights
from sagellm_benchmark.engines.served import Served
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.workload.sources import Cut
from sagellm_benchmark.workload.workloads import Workload

FILLED = 10  # conversations for each stream, so that a load is long compared with its ends
SPAN_S = 5.0  # a rate is kept up for at least this long
TELLING = 40  # requests, enough to tell 90 % of them from all
LONGEST_SPAN_S = 20.0  # a slow rate is kept up for at most this long to reach that number

Arrival = Literal["poisson", "constant", "gamma"]


@dataclass(frozen=True, slots=True)
class LoadShape:
    """How requests of a workload arrive: a closed loop of streams, or an open loop at a rate."""

    concurrency: int | None = None  # streams of a closed loop; None: the workload's own
    rate_rps: float | None = None  # None: closed loop; inf: all at once
    last_rate_rps: float | None = None  # the rate at which a ramp ends; it changes linearly
    arrival: Arrival = "poisson"
    burstiness: float = 1.0  # shape of the gamma distribution of gaps; 1 is Poisson
    duration_s: float | None = None
    ramp_s: float = 0.0  # the time over which the first requests of a closed loop's streams are spread

    def describe(self, workload: Workload) -> str:
        """Return the shape in words, such as `Poisson arrivals at 4/s for 60 s`."""
        if self.rate_rps is None:
            streams = workload.concurrency
            how = f"{streams} at a time" if streams > 1 else "one at a time"
        elif self.rate_rps == float("inf"):
            how = "all at once"
        elif self.last_rate_rps is not None:
            how = f"a ramp from {self.rate_rps:g}/s to {self.last_rate_rps:g}/s"
        else:
            name = "Poisson" if self.arrival == "poisson" else self.arrival
            how = f"{name} arrivals at {self.rate_rps:g}/s"
        return how if self.duration_s is None else f"{how} for {self.duration_s:g} s"


@dataclass(frozen=True, slots=True)
class ModelHints:
    """What the user says about a model, in case neither its file nor its server does."""

    parameters: str | None = None
    precision: str | None = None
    quantization: str | None = None
    weights: Weights | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """An engine to be started, by the registry's command or by the user's own."""

    engine: str | None  # None: the server says which engine it is
    command: tuple[str, ...] = ()  # the user's, with {model} and {port}; empty: the registry's
    arguments: tuple[str, ...] = ()  # added to the registry's command
    python: Path | None = None  # the engine's environment, or the Python in it; None: wherever it is found
    create: bool = False  # whether to make the environment if there is none
    served: Served | None = None  # the engine, if it was started already, for this run and others


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One `run` command. Every workload is measured under every load shape."""

    workloads: tuple[Workload, ...]
    output_dir: Path
    command: str  # as typed, so that others can repeat it; never holds a key
    model: str | None = None
    base_url: str | None = None
    start: Start | None = None  # None, without a base_url: the embedded llama.cpp
    api_key: str | None = field(default=None, repr=False)
    api: Api | Literal["auto"] = "auto"
    engine: str | None = None
    engine_version: str | None = None
    shapes: tuple[LoadShape, ...] = (LoadShape(),)
    slo_s: Mapping[str, float] = field(default_factory=dict)
    search_goodput: bool = False
    fill_sweep: bool = False  # whether to choose the number of requests for each of several loads
    repeats: int = 1
    warmup: int = 1  # requests before the measured ones
    warmup_s: float = 0.0  # seconds at the start of a timed run that are not measured; cooldown_s: at its end
    cooldown_s: float = 0.0
    seed: int = 0
    dataset: str = "random"
    cut: Cut = Cut()  # of a trace
    limits: Limits = Limits()
    processes: int = 1
    keep_raw: bool = False  # whether to keep the bytes of each answer
    on: str | None = None  # a cluster whose nodes send the load; None: this machine sends it
    client_nodes: int = 1
    calibrate: bool = True
    accept_busy: bool = False  # whether the run stays valid if other programs use the machine, too
    hardware: Hardware = Hardware()  # what the user says about it
    price_per_hour_usd: float | None = None  # of that hardware
    model_hints: ModelHints = ModelHints()
    sagellm_version: str | None = None
    submitter: str | None = None
    tokenizer: str | None = None  # a path or a Hub name
    threads: int | None = None  # of the embedded engine


def shaped(workload: Workload, shape: LoadShape, *, fill: bool = False) -> Workload:
    """Return the workload with the shape's number of streams, and at least one conversation for each of them.

    `fill` gives it so many requests that its ends, where not all streams are busy, do not matter.
    """
    if shape.concurrency is None:
        return lasting(workload, shape) if fill else workload
    least = shape.concurrency * workload.turns * (FILLED if fill else 1)
    return replace(workload, concurrency=shape.concurrency, requests=max(workload.requests, least))


def lasting(workload: Workload, shape: LoadShape) -> Workload:
    """Return the workload with enough requests for SPAN_S seconds at the shape's rate.

    A slow rate gets up to LONGEST_SPAN_S seconds, to reach TELLING requests.
    """
    rate = shape.rate_rps or 0.0
    if math.isinf(rate):
        return workload
    least = max(rate * SPAN_S, min(TELLING, rate * LONGEST_SPAN_S))
    return replace(workload, requests=max(workload.requests, math.ceil(least)))
