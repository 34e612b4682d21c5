"""Several runs side by side: a table, a curve, and a page of curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from sagellm_benchmark.report import html, plot, terminal
from sagellm_benchmark.report.view import figure, shown, subject, view
from sagellm_benchmark.runs.record import Config, Record, Summary
from sagellm_benchmark.verdict.metrics import (
    E2E,
    ERRORS,
    REQUEST_RATE,
    SLO_ATTAINMENT,
    THROUGHPUT,
    TPOT,
    TTFT,
)

HEAD = ("run", "tokens/s", "requests/s", "in time", "TTFT ms", "TPOT ms", "E2E ms", "failed", "verdict")
BAR = 24

CURVES: tuple[tuple[str, Callable[[Summary], float | None]], ...] = (
    ("throughput, tokens/s", lambda summary: summary.value(THROUGHPUT)),
    ("TTFT, ms (mean)", lambda summary: summary.latency(TTFT).mean),
    ("TPOT, ms (mean)", lambda summary: summary.latency(TPOT).mean),
    ("E2E, ms (mean)", lambda summary: summary.latency(E2E).mean),
)


def render_sweep(records: Sequence[Record]) -> str:
    """One line a run, and a bar as long as its throughput."""
    rates = [record.summary.value(THROUGHPUT) or 0.0 for record in records]
    highest = max(rates, default=0.0) or 1.0
    lines = terminal.columns([HEAD, *(line(record) for record in records)])
    bars = ["", *("▇" * round(rate / highest * BAR) for rate in rates)]
    return "\n".join(f"{row}   {bar}".rstrip() for row, bar in zip(lines, bars, strict=True))


def line(record: Record) -> tuple[str, ...]:
    """The cells of HEAD for one run."""
    summary = record.summary
    return (
        f"{record.config.workload.name}, {record.config.load_description}",
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
    """The same as HTML, with a curve for each metric over the load."""
    title = f"{len(records)} runs of {records[0].config.model.name}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(subject(records[0].config))}</p>',
        html.table(HEAD, [line(record) for record in records]),
        '<div class="plots">' + "".join(_curves(records)) + "</div>",
    ]
    return html.page(title, body)


def _curves(records: Sequence[Record]) -> list[str]:
    """For each workload that was measured at several loads, a curve of each metric."""
    names = dict.fromkeys(record.config.workload.name for record in records)
    drawn = []
    for name in names:
        of_it = [record for record in records if record.config.workload.name == name]
        for label, value in CURVES:
            pairs = [(_load(record.config), value(record.summary)) for record in of_it]
            points = sorted((x, y) for x, y in pairs if x is not None and y is not None)
            if len({x for x, _ in points}) > 1:
                drawn.append(plot.curve(points, f"{name}: {label}, over {_axis(of_it[0].config)}"))
    return drawn


def _axis(config: Config) -> str:
    return "streams" if config.load.rate_rps is None else "requests/s asked"


def _load(config: Config) -> float | None:
    """The load's place on the x axis; all at once and a ramp have none."""
    load = config.load
    if load.rate_rps is None:
        return float(config.workload.concurrency)
    return None if load.rate_rps == "inf" or load.last_rate_rps is not None else load.rate_rps
