"""Several runs side by side: a table, a curve, and a page of curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from sagellm_benchmark.report import html, plot, terminal
from sagellm_benchmark.report.view import UNKNOWN, figure, subject, view
from sagellm_benchmark.runs.record import Record

HEAD = ("run", "tokens/s", "requests/s", "in time", "TTFT ms", "TPOT ms", "E2E ms", "failed", "verdict")
BAR = 24

CURVES: tuple[tuple[str, Callable[[Mapping[str, Any]], float | None]], ...] = (
    ("throughput, tokens/s", lambda summary: summary["throughput_tps"]),
    ("TTFT, ms (mean)", lambda summary: summary["ttft_ms"]["mean"]),
    ("TPOT, ms (mean)", lambda summary: summary["tpot_ms"]["mean"]),
    ("E2E, ms (mean)", lambda summary: summary["e2e_ms"]["mean"]),
)


def text(records: Sequence[Record]) -> str:
    """One line a run, and a bar as long as its throughput."""
    highest = max((record.summary["throughput_tps"] or 0.0 for record in records), default=0.0) or 1.0
    lines = terminal.columns([HEAD, *(line(record) for record in records)])
    shares = [(record.summary["throughput_tps"] or 0.0) / highest for record in records]
    bars = ["", *("▇" * round(share * BAR) for share in shares)]
    return "\n".join(f"{row}   {bar}".rstrip() for row, bar in zip(lines, bars, strict=True))


def line(record: Record) -> tuple[str, ...]:
    """The cells of HEAD for one run."""
    summary = record.summary
    return (
        f"{record.config['workload']['name']}, {record.config['load_description']}",
        figure(summary["throughput_tps"]),
        figure(summary["request_rate_rps"], digits=2),
        UNKNOWN if summary["slo_attainment"] is None else f"{summary['slo_attainment']:.0%}",
        figure(summary["ttft_ms"]["mean"]),
        figure(summary["tpot_ms"]["mean"], digits=2),
        figure(summary["e2e_ms"]["mean"]),
        str(summary["errors"]),
        view(record).verdict,
    )


def page(records: Sequence[Record]) -> str:
    """The same as HTML, with a curve for each metric over the load."""
    title = f"{len(records)} runs of {records[0].config['model']['name']}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(subject(records[0].config))}</p>',
        html.table(HEAD, [line(record) for record in records]),
        '<div class="plots">' + "".join(_curves(records)) + "</div>",
    ]
    return html.page(title, body)


def _curves(records: Sequence[Record]) -> list[str]:
    """For each workload that was measured at several loads, a curve of each metric."""
    names = dict.fromkeys(record.config["workload"]["name"] for record in records)
    drawn = []
    for name in names:
        of_it = [record for record in records if record.config["workload"]["name"] == name]
        for label, value in CURVES:
            pairs = [(_load(record.config), value(record.summary)) for record in of_it]
            points = sorted((x, y) for x, y in pairs if x is not None and y is not None)
            if len({x for x, _ in points}) > 1:
                drawn.append(plot.curve(points, f"{name}: {label}, over {_axis(of_it[0].config)}"))
    return drawn


def _axis(config: Mapping[str, Any]) -> str:
    return "streams" if config["load"]["rate_rps"] is None else "requests/s asked"


def _load(config: Mapping[str, Any]) -> float | None:
    """The load's place on the x axis; all at once and a ramp have none."""
    rate = config["load"]["rate_rps"]
    if rate is None:
        return float(config["workload"]["concurrency"])
    return None if isinstance(rate, str) else float(rate)
