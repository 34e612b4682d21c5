"""How a figure of a run is declared, what it is computed from, and the values of all figures. Pure.

The figures themselves are declared in `metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sagellm_benchmark.engines.metrics import ServerFigures
from sagellm_benchmark.machine.accelerators import GpuFigures
from sagellm_benchmark.verdict.columns import Columns, Floats
from sagellm_benchmark.verdict.stats import Distribution


@dataclass(frozen=True, slots=True)
class Measurement:
    """What metrics are computed from: the requests of one repeat or of all, and what was read besides."""

    columns: Columns
    slo_s: Mapping[str, float] = field(default_factory=dict)
    streams: int | None = None  # of a closed loop
    asked_rate_rps: float | None = None
    sent_rate_rps: float | None = None  # the mean over repeats
    server: ServerFigures = ServerFigures()
    gpu: GpuFigures = GpuFigures()
    energy_is_the_windows: bool = True  # False: energy was counted for longer than the measured window
    peak_memory_mib: float | None = None
    price_per_hour_usd: float | None = None  # of everything that the server runs on


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a run. Its `name` ends in its unit, unless it is a share or a count."""

    name: str  # in summary.json
    label: str  # shown to users, like the next three
    of: Callable[[Measurement], float | None]  # computes it; None if it was not measured
    unit: str = ""
    digits: int = 1  # after the decimal point
    percent: bool = False  # whether the share is shown as a percentage
    shown: Literal["always", "known", "never"] = "known"  # "known": only if it was measured
    row: str | None = None  # its name among the row's metrics; None leaves it out
    better: Literal["higher", "lower"] | None = None  # None: neither
    headline: bool = False  # whether a report begins with it


@dataclass(frozen=True, slots=True)
class Latency:
    """One latency of a run, whose distribution is recorded in milliseconds."""

    name: str  # in summary.json
    label: str  # shown to users, like `meaning`
    meaning: str
    of: Callable[[Columns], Floats]  # computes it in seconds; NaN for a request that has none
    row: str | None = None  # the name of its mean among the row's metrics
    row_percentiles: str | None = None  # the beginning of its percentiles' names there
    histogram: bool = False  # whether its histogram is recorded and drawn
    open_loop: bool = False  # whether only requests that were due at a moment have it
    headline: bool = False  # whether a report begins with its mean


@dataclass(frozen=True, slots=True)
class Figures:
    """The values of metrics and latencies by name; a missing one was not measured."""

    metrics: Mapping[str, int | float | None] = field(default_factory=dict)
    latencies: Mapping[str, Distribution] = field(default_factory=dict)

    def value(self, metric: Metric) -> float | None:
        """Return the measured value; None if it was not measured."""
        return self.metrics.get(metric.name)

    def latency(self, latency: Latency) -> Distribution:
        """Return the measured distribution; an empty one if it was not measured."""
        return self.latencies.get(latency.name, NOTHING)


NOTHING = Distribution(mean=None, p50=None, p90=None, p99=None, min=None, max=None, count=0)
