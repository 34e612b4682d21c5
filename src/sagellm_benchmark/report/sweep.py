"""Several runs side by side: a table, a curve, and a page of curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from sagellm_benchmark.report import html, plot
from sagellm_benchmark.report.view import STATISTICS, figure, phrase, shown, subject, view
from sagellm_benchmark.runs.record import Config, Record, Summary
from sagellm_benchmark.text import columns
from sagellm_benchmark.verdict.figures import Latency
from sagellm_benchmark.verdict.metrics import (
    E2E,
    ERRORS,
    GOODPUT,
    REQUEST_RATE,
    SLO_ATTAINMENT,
    THROUGHPUT,
    TPOT,
    TTFT,
)
from sagellm_benchmark.words import retold

HEAD = (
    "run",
    "tokens/s",
    "requests/s",
    "SLO met",
    "TTFT ms",
    "TPOT ms",
    "E2E ms",
    "failed",
    "verdict",
)
BAR = 24

OVER_LOAD = (THROUGHPUT, GOODPUT)


def render_sweep(records: Sequence[Record]) -> str:
    """Return one line per run, with a bar as long as its throughput."""
    rates = [record.summary.value(THROUGHPUT) or 0.0 for record in records]
    highest = max(rates, default=0.0) or 1.0
    lines = columns([tuple(map(retold, HEAD)), *(line(record) for record in records)])
    bars = ["", *("▇" * round(rate / highest * BAR) for rate in rates)]
    return "\n".join(f"{row}   {bar}".rstrip() for row, bar in zip(lines, bars, strict=True))


def line(record: Record) -> tuple[str, ...]:
    """Return the cells of HEAD for one run."""
    summary = record.summary
    return (
        phrase(f"{record.config.workload.name}, {record.config.load_description}"),
        figure(summary.value(THROUGHPUT)),
        figure(summary.value(REQUEST_RATE), digits=2),
        shown(SLO_ATTAINMENT, summary.value(SLO_ATTAINMENT)),
        figure(summary.latency(TTFT).mean),
        figure(summary.latency(TPOT).mean, digits=2),
        figure(summary.latency(E2E).mean),
        figure(summary.value(ERRORS), digits=0),
        view(record).verdict,
    )


def render_sweep_page(records: Sequence[Record]) -> str:
    """Return the runs as HTML, with curves over the load, and of latency over throughput."""
    return html.fill(
        "sweep.html",
        title=retold(f"{len(records)} runs of {records[0].config.model.name}"),
        subject=subject(records[0].config),
        head=tuple(map(retold, HEAD)),
        rows=[line(record) for record in records],
        plots=list(plots(records)),
        hollow=not all(record.summary.valid for record in records),
    )


def plots(records: Sequence[Record]) -> Iterator[html.Plot]:
    """Yield the curves of each workload that was measured at several loads."""
    for name in dict.fromkeys(record.config.workload.name for record in records):
        of_it = [record for record in records if record.config.workload.name == name]
        placed = sorted(
            ((at, record) for record in of_it if (at := _load(record.config)) is not None),
            key=lambda pair: pair[0],
        )
        if len({at for at, _ in placed}) < 2:
            continue
        axis, ordered = _axis(of_it[0].config), [record for _, record in placed]
        for metric in OVER_LOAD:
            points = _points(placed, partial(Summary.value, metric=metric))
            if points:
                drawn = plot.curve([plot.Line(metric.label, points)], axis, metric.unit)
                yield html.Plot.of(
                    f"{name} {metric.label}", f"{name}: {metric.label}, {metric.unit}, over {axis}", drawn
                )
        for latency in (TTFT, TPOT, E2E):
            if lines := _lines(placed, latency):
                drawn = plot.curve(lines, axis, "ms")
                yield html.Plot.of(
                    f"{name} {latency.label} by load", f"{name}: {latency.label}, ms, over {axis}", drawn
                )
        for latency in (TTFT, E2E):
            against = [(rate, one) for one in ordered if (rate := one.summary.value(THROUGHPUT)) is not None]
            if lines := _lines(against, latency):
                drawn = plot.curve(lines, "tokens/s", "ms")
                caption = f"{name}: {latency.label}, ms, against throughput, tokens/s"
                yield html.Plot.of(f"{name} {latency.label} by throughput", caption, drawn)


def _points(
    placed: Sequence[tuple[float, Record]], value: Callable[[Summary], float | None]
) -> list[plot.Point]:
    return [
        plot.Point(at, y, record.summary.valid)
        for at, record in placed
        if (y := value(record.summary)) is not None
    ]


def _lines(placed: Sequence[tuple[float, Record]], latency: Latency) -> list[plot.Line]:
    """Return lines for the mean and each percentile that at least one run has."""
    drawn = [plot.Line(name, _points(placed, _statistic(latency, name))) for name in STATISTICS]
    return [line for line in drawn if line.points]


def _statistic(latency: Latency, name: str) -> Callable[[Summary], float | None]:
    def value(summary: Summary) -> float | None:
        found: float | None = getattr(summary.latency(latency), name)
        return found

    return value


def _axis(config: Config) -> str:
    return "streams" if config.load.rate_rps is None else "requests/s asked"


def _load(config: Config) -> float | None:
    """Return the load's place on the x axis; None for a ramp or for requests sent all at once."""
    load = config.load
    if load.rate_rps is None:
        return float(config.workload.concurrency)
    return None if load.rate_rps == "inf" or load.last_rate_rps is not None else load.rate_rps
