"""What a search says at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.report import goodput
from sagellm_benchmark.report.folder import Finished, save
from sagellm_benchmark.report.screen import Screen
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.words import retold, speaking
from tests.fakes.records import a_record
from tests.runs.test_search import summary


def record(rate: float, **changes: Any) -> Record:
    base = a_record(client_processes=1)
    seen = summary(rate, **changes)
    return Record(base.config, replace(seen, slo_ms={"ttft": 200.0}))


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


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [KEPT, LATE],
            "≥ 1,536/s 时，90% 的请求满足 ttft ≤ 200 ms：更高时客户端先达到极限；请用 --client-processes 2",
        ),
        ([KEPT, MISSED], "1,536/s（1,536 至 2,048） 是使 90% 的请求满足 ttft ≤ 200 ms 的最高速率"),
        ([KEPT], "≥ 1,536/s 时，90% 的请求满足 ttft ≤ 200 ms；没有尝试更高的速率"),
        ([LATE], "没有找到，2,048/s 也不行：更高时客户端先达到极限；请用 --client-processes 2"),
        ([MISSED], "尝试过的速率都没有在有效的运行中满足 ttft ≤ 200 ms"),
        ([record(30_000.0, requests=10)], "没有找到：与延迟相比，运行太短；请给更长的 --duration"),
    ],
)
def test_the_end_of_a_search_is_said_in_chinese(records: list[Record], said: str) -> None:
    with speaking("zh"):
        assert retold(goodput.sentence(records)) == said


def test_a_step_states_a_high_rate_in_digits(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(as_json=False, searching=True).show(Finished(Path(), record(12_800.0), None))
    assert "12,800 requests/s" in capsys.readouterr().out


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
