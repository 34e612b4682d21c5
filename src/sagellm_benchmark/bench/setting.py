"""What is fixed before the first measured request is sent, and what was seen while the load ran."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagellm_benchmark.bench.load import ClientHealth, Target
from sagellm_benchmark.bench.selfcheck import Calibration
from sagellm_benchmark.bench.sources import Source
from sagellm_benchmark.bench.spec import LoadShape, RunSpec
from sagellm_benchmark.bench.stats import Columns
from sagellm_benchmark.bench.workload import Workload
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.capability import Capabilities
from sagellm_benchmark.engines.tokens import TokenCounter
from sagellm_benchmark.probe.hardware import Hardware


@dataclass(frozen=True, slots=True)
class Setting:
    """One workload under one load shape on one server; `source` makes its prompts."""

    spec: RunSpec
    workload: Workload
    shape: LoadShape
    server: Server
    hardware: Hardware
    capabilities: Capabilities
    counter: TokenCounter | None
    source: Source
    target: Target
    folder: Path


@dataclass(frozen=True, slots=True)
class Observations:
    """One entry of `repeats` per repeat; the dictionaries hold only what could be measured."""

    repeats: tuple[Columns, ...]
    health: ClientHealth
    calibration: Calibration | None
    started_at: dt.datetime
    interrupted: bool
    recounted_ratio: float | None  # tokens of the generated text, tokenized again, to tokens charged
    fresh_ttft_s: float | None  # of a prompt that no cache can hold, where the server does not tell
    peak_mem_mb: float | None
    neighbours_share: float | None  # of the processors, used by other programs
    server: dict[str, Any]  # the server's own metrics over the window
    gpu: dict[str, Any]
