"""What runs and rows can be compared by: every metric that has a better side, and the statistics of latencies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sagellm_benchmark.verdict.figures import Figures, Latency
from sagellm_benchmark.verdict.metrics import LATENCIES, METRICS, THROUGHPUT

STATISTICS = ("mean", "p50", "p90", "p99")

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A figure that runs and rows are compared by, such as `throughput` or `ttft.p99`."""

    name: str
    label: str
    unit: str
    better: Better
    decides: bool  # whether it takes part in the verdict over all figures
    of: Callable[[Figures], float | None]
    in_row: str | None
    digits: int  # after the point, for people


def _quantities() -> Iterator[Quantity]:
    for metric in METRICS:
        if metric.better is not None and not metric.percent:  # a share of errors makes a run invalid instead
            short = re.sub(r"_(tps|rps|mib|ms|j)$", "", metric.name)
            yield Quantity(
                short,
                metric.label,
                metric.unit,
                metric.better,
                metric is THROUGHPUT,
                partial(Figures.value, metric=metric),
                metric.row,
                max(metric.digits, 1),
            )
    for latency in LATENCIES:
        if not latency.open_loop:
            yield from (_statistic(latency, name) for name in STATISTICS)


def _statistic(latency: Latency, statistic: str) -> Quantity:
    def of(figures: Figures) -> float | None:
        value: float | None = getattr(figures.latency(latency), statistic)
        return value

    percentile = latency.row_percentiles and f"{latency.row_percentiles}_{statistic}"
    return Quantity(
        f"{latency.name.removesuffix('_ms')}.{statistic}",
        f"{latency.label} {statistic}",
        "ms",
        "lower",
        statistic == "mean" and latency.headline,
        of,
        latency.row if statistic == "mean" else percentile,
        2,
    )


QUANTITIES: tuple[Quantity, ...] = tuple(_quantities())
