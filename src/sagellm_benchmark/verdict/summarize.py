"""Compute the numbers of a summary from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sagellm_benchmark.verdict import intervals, metrics, objectives, stats
from sagellm_benchmark.verdict.columns import Columns, Floats, joined, known
from sagellm_benchmark.verdict.figures import Figures, Latency, Measurement, Metric
from sagellm_benchmark.verdict.intervals import Interval

BINS = 40
_BEYOND = 1.5  # the last bin ends at this many times the 99.5th percentile


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts over bins; `edges` has one more than `counts`. Values outside are counted in the outermost bins."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The computed part of a summary. Latencies and their histograms are in milliseconds."""

    figures: Figures
    intervals: Mapping[str, Interval] = field(default_factory=dict)  # 95 %, of metrics
    failures: Mapping[str, int] = field(default_factory=dict)  # by reason
    refused: Mapping[str, str] = field(default_factory=dict)  # figures with too few values, and the reason
    histograms: Mapping[str, Histogram] = field(default_factory=dict)
    repeats: tuple[Figures, ...] = ()  # the figures of each, if there are several
    interval_method: str | None = None  # for the means of latencies


def summarize(
    repeats: Sequence[Columns],
    beside: Measurement,
    declared: Sequence[Metric] = metrics.METRICS,
) -> Numbers:
    """Return the declared metrics of all repeats together and of each; `beside` is what was read besides requests."""
    columns = joined(repeats)
    refused: dict[str, str] = {}
    latencies = [one for one in metrics.LATENCIES if not one.open_loop or len(known(columns.due_s))]
    sent = [rate for one in repeats if (rate := stats.achieved_rate_rps(one)) is not None]
    whole = replace(beside, columns=columns, sent_rate_rps=sum(sent) / len(sent) if sent else None)
    each = [_figures(_alone(one, whole), declared, latencies) for one in repeats] if len(repeats) > 1 else []
    together = _figures(whole, declared, latencies, refused, _mean_intervals(each, whole, refused))
    return Numbers(
        figures=together,
        intervals=_intervals(each, whole, declared),
        failures=dict(columns.failures),
        refused=refused,
        histograms={
            one.name: drawn
            for one in latencies
            if one.histogram and (drawn := histogram(one.of(columns))) is not None
        },
        repeats=tuple(each),
        interval_method=intervals.OVER_REPEATS if each else intervals.METHOD,
    )


def _intervals(
    each: Sequence[Figures], whole: Measurement, declared: Sequence[Metric]
) -> Mapping[str, Interval]:
    """Return the metrics' intervals over the repeats; those of shares are over the requests.

    A few repeats without failures would prove little about a share.
    """
    found = {one.name: _over(each, one) for one in declared}
    if each and metrics.ERROR_RATE in declared and (failed := metrics.ERROR_RATE.of(whole)) is not None:
        found[metrics.ERROR_RATE.name] = intervals.of_share(failed, whole.columns.attempted)
    found[metrics.SLO_ATTAINMENT.name] = objectives.attainment_interval(whole.columns, whole.slo_s)
    return {name: low_high for name, low_high in found.items() if low_high is not None}


def _alone(columns: Columns, whole: Measurement) -> Measurement:
    """Return what was measured in one repeat, without what was read for all of them together."""
    return Measurement(
        columns=columns,
        slo_s=whole.slo_s,
        asked_rate_rps=whole.asked_rate_rps,
        sent_rate_rps=stats.achieved_rate_rps(columns),
        price_per_hour_usd=whole.price_per_hour_usd,
    )


def _figures(
    seen: Measurement,
    declared: Sequence[Metric],
    latencies: Sequence[Latency],
    refused: dict[str, str] | None = None,
    of_means: Mapping[str, Interval | None] | None = None,
) -> Figures:
    noted: dict[str, str] = {} if refused is None else refused
    known = of_means or {}
    return Figures(
        metrics={one.name: one.of(seen) for one in declared},
        latencies={
            one.name: replace(
                stats.distribution(one.of(seen.columns), noted, one.name), mean_ci95=known.get(one.name)
            )
            for one in latencies
        },
    )


def _mean_intervals(
    repeats: Sequence[Figures], whole: Measurement, refused: dict[str, str]
) -> Mapping[str, Interval | None]:
    """Return 95 % intervals of the latencies' means: over the repeats if there are several, else over the requests."""
    if not repeats:
        return stats.mean_intervals_ms(whole.columns, whole.streams, refused)
    means = {
        one.name: [figures.latency(one).mean for figures in repeats]
        for one in metrics.LATENCIES
        if not one.open_loop
    }
    return {name: _interval(values) for name, values in means.items()}


def _over(repeats: Sequence[Figures], metric: Metric) -> Interval | None:
    return _interval([figures.value(metric) for figures in repeats]) if metric.better else None


def _interval(values: Sequence[float | None]) -> Interval | None:
    """Return the interval over the repeats; None if one of them lacks the value."""
    known = [value for value in values if value is not None]
    return intervals.over_repeats(known) if len(known) == len(values) else None


def histogram(values_s: Floats, bins: int = BINS) -> Histogram | None:
    """Return counts over bins of equal ratio, so that one slow request does not flatten the rest.

    None for fewer than two different values.
    """
    values = known(values_s) * 1e3
    values = values[values > 0]
    if len(values) < 2 or values.max() <= values.min():
        return None
    low, high = np.percentile(values, (0.5, 99.5))
    lowest, highest = max(values.min(), low / _BEYOND), min(values.max(), high * _BEYOND)
    highest = max(highest, lowest * 1.001)  # otherwise the edges of nearly equal values would coincide
    edges = np.geomspace(lowest, highest, min(bins, len(values)) + 1)
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)
    return Histogram(tuple(edges.tolist()), tuple(counts.tolist()))
