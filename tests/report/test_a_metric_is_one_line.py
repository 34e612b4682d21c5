"""The drill of docs: a metric that is declared once is in the summary, the row, the terminal, Markdown and HTML."""

from __future__ import annotations

import json

import orjson

from sagellm_benchmark.board import schema
from sagellm_benchmark.report.html import render_html
from sagellm_benchmark.report.markdown import render_markdown
from sagellm_benchmark.report.terminal import render_terminal
from sagellm_benchmark.report.view import view
from sagellm_benchmark.runs import codec
from sagellm_benchmark.runs.row import build
from sagellm_benchmark.verdict.figures import Metric
from sagellm_benchmark.verdict.metrics import METRICS
from tests.fakes.records import a_record
from tests.fakes.samples import closed_loop

LONGEST_GAP = Metric(
    "longest_gap_ms",
    "longest gap",
    lambda seen: float(seen.columns.gap_s.max() * 1e3) if len(seen.columns.gap_s) else None,
    unit="ms",
    digits=2,
    row="longest_gap_ms",
    better="lower",
)
DECLARED = (*METRICS, LONGEST_GAP)
RECORD = a_record(declared=DECLARED)


def test_it_is_in_the_summary() -> None:
    summary = json.loads(orjson.dumps(codec.summary_json(RECORD.summary)))
    assert round(summary["longest_gap_ms"], 6) == 10.0


def test_it_is_in_the_row_which_keeps_to_the_contract() -> None:
    row = build(RECORD, DECLARED)
    assert row is not None
    assert round(row["metrics"]["longest_gap_ms"], 6) == 10.0
    assert schema.problems(row) == []


def test_it_is_in_every_report() -> None:
    shown = view(RECORD, DECLARED)
    assert ["longest", "gap", "10.00", "ms"] in [line.split() for line in render_terminal(shown).splitlines()]
    assert "| longest gap | 10.00 ms |" in render_markdown(shown)
    assert "<dt>longest gap</dt><dd>10.00 ms</dd>" in render_html(shown)


def test_it_has_an_interval_over_repeats() -> None:
    record = a_record(declared=DECLARED, repeats=[closed_loop(5), closed_loop(5, seed=1)])
    low, high = record.summary.numbers.intervals["longest_gap_ms"]
    assert low <= 10.000001
    assert high >= 9.999999


def test_it_is_absent_where_it_was_not_measured() -> None:
    record = a_record(declared=DECLARED, samples=closed_loop(0))
    assert "longest gap" not in render_terminal(view(record, DECLARED))


def test_no_two_metrics_share_a_name() -> None:
    for names in ([one.name for one in METRICS], [one.row for one in METRICS if one.row]):
        assert len(set(names)) == len(names)
