"""What a search says at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.report import goodput
from sagellm_benchmark.report.folder import save
from sagellm_benchmark.report.screen import Screen
from sagellm_benchmark.runs.record import Record
from tests.fakes.records import a_record
from tests.runs.test_search import summary


def record(rate: float, **changes: Any) -> Record:
    base = a_record(client_processes=1)
    seen = summary(rate, **changes)
    return Record(base.config, seen)


KEPT, LATE = record(1536.0), record(2048.0, valid=False, limited_by="client")
MISSED = record(2048.0, attainment=0.2, interval=(0.1, 0.3))


@pytest.mark.parametrize(
    ("records", "parts"),
    [
        ([KEPT, LATE], ["≥ 1,536/s", ": the client gives out above; use --client-processes 2"]),
        ([KEPT, MISSED], ["1,536/s (1,536 to 2,048) is the highest rate that keeps"]),
        ([KEPT], ["≥ 1,536/s keeps", "no higher rate was tried"]),
        ([LATE], ["not found, not even at 2,048/s: the client gives out"]),
        ([MISSED], ["no rate that was tried keeps"]),
        ([record(9.0, valid=False, limited_by="machine")], ["the machine was busy above"]),
        ([record(30_000.0, requests=10)], ["too short beside their latency"]),
    ],
)
def test_the_end_of_a_search_says_what_was_found_and_what_to_do(
    records: list[Record], parts: list[str]
) -> None:
    said = goodput.sentence(records)
    assert [part for part in parts if part not in said] == []


def test_a_script_reads_each_step_with_what_limited_it() -> None:
    assert goodput.as_data([KEPT, LATE]) == {
        "highest_rate_rps": 1536.0,
        "interval_rps": (1536.0, None),
        "limited_by": "client",
        "steps": [
            {"rate_rps": 1536.0, "outcome": "kept", "limited_by": None},
            {"rate_rps": 2048.0, "outcome": "limited", "limited_by": "client"},
        ],
    }


def test_what_to_do_next_is_about_the_rate_that_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    of_a_lack = replace(KEPT, config=replace(KEPT.config, model=replace(KEPT.config.model, precision=None)))
    runs = [
        save(tmp_path / f"outputs/e/m/Q1_20260309_00{at}", one) for at, one in enumerate((of_a_lack, LATE))
    ]
    Screen(as_json=False, searching=True).close(runs, None)
    *_, last = capsys.readouterr().out.splitlines()
    assert last == f"  next    read {runs[0].folder}/report.html, which says why it cannot be published"
