"""config.json and summary.json: written and read in one place, of this version and of earlier ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from sagellm_benchmark.board.identity import entry_id
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.report.view import view
from sagellm_benchmark.runs import codec
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.runs.row import build
from sagellm_benchmark.verdict.metrics import E2E, ITL, THROUGHPUT, TTFT
from tests.fakes.records import LOAD, a_record
from tests.fakes.samples import closed_loop, sample

RUNS = Path(__file__).parents[1] / "data" / "runs"
OLD = ("Q5_record_version_1", "custom_record_version_1")


def written(record: Record) -> tuple[bytes, bytes]:
    return orjson.dumps(codec.config_json(record.config)), orjson.dumps(codec.summary_json(record.summary))


def opened(folder: str) -> Record:
    return codec.parse(*((RUNS / folder / name).read_bytes() for name in ("config.json", "summary.json")))


@pytest.mark.parametrize(
    "record",
    [
        a_record(),
        a_record(samples=[]),
        a_record(samples=closed_loop(200), slo_s={"ttft": 0.2}),
        a_record(repeats=[closed_loop(5), closed_loop(5, seed=1)]),
        a_record(load=replace(LOAD, rate_rps="inf")),
        a_record(samples=[sample(due_s=0.0), sample(start=1.0, due_s=0.9)], asked_rate_rps=1.0),
    ],
    ids=["ordinary", "empty", "objectives", "repeats", "at once", "open loop"],
)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    assert codec.parse(*written(record)) == record


def test_the_summary_is_flat() -> None:
    summary = json.loads(written(a_record())[1])
    assert summary["throughput_tps"] > 0
    assert summary["ttft_ms"]["mean"] == pytest.approx(101, abs=1)


@pytest.mark.parametrize("folder", OLD)
def test_a_run_of_the_first_version_opens_and_gives_the_row_that_it_gave(folder: str) -> None:
    row = build(opened(folder))
    (published,) = (RUNS / folder).glob("*_leaderboard.json")
    assert row is not None
    asked_since = row.pop("unpublishable")
    assert asked_since == ["the model's size is not known; state it with --parameters"]
    assert {**row, "entry_id": entry_id(row)} == json.loads(published.read_bytes())


def test_the_figures_of_a_run_of_the_first_version_are_as_they_were() -> None:
    summary = opened("custom_record_version_1").summary
    assert summary.value(THROUGHPUT) == pytest.approx(159.79, abs=0.01)
    assert summary.latency(E2E).p90 == pytest.approx(53.379, abs=0.001)
    assert [round(one.value(THROUGHPUT) or 0) for one in summary.numbers.repeats] == [196, 135]
    assert sum(summary.numbers.histograms[ITL.name].counts) == 280
    assert summary.contention_share == pytest.approx(0.956, abs=0.001)
    assert dict(view(opened("custom_record_version_1")).figures)["peak memory"] == "14 MiB"


def damaged(name: str, path: str, value: Any) -> tuple[bytes, bytes]:
    """An old run's files, with one field changed, or removed where the value is Ellipsis."""
    texts = {one: json.loads((RUNS / OLD[0] / one).read_bytes()) for one in ("config.json", "summary.json")}
    *parents, last = path.split(".")
    place = texts[name]
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(texts["config.json"]).encode(), json.dumps(texts["summary.json"]).encode()


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("config.json", "server.engine", 7),
        ("config.json", "model", ...),
        ("config.json", "load.rate_rps", "fast"),
        ("config.json", "hardware.chip_count", "one"),
        ("summary.json", "ttft_ms", ...),
        ("summary.json", "ttft_ms", [1]),
        ("summary.json", "ttft_ms.mean", "1"),
        ("summary.json", "throughput_tps", "1"),
        ("summary.json", "throughput_tps", ...),
        ("summary.json", "client", None),
        ("summary.json", "client.cpu_s", "x"),
        ("summary.json", "valid", None),
        ("summary.json", "status", "perhaps"),
        ("summary.json", "reasons", "none"),
    ],
)
def test_a_damaged_field_is_named_with_its_file(name: str, path: str, value: Any) -> None:
    with pytest.raises(DataError) as caught:
        codec.parse(*damaged(name, path, value))
    assert caught.value.message.startswith(f"{name}")
    assert path.rpartition(".")[2] in caught.value.message


def test_repeats_of_the_first_version_that_are_no_list_are_damaged() -> None:
    config, summary = ((RUNS / OLD[0] / name).read_bytes() for name in ("config.json", "summary.json"))
    spoilt = orjson.loads(summary) | {"repeats": {"throughput_tps": 5}}
    with pytest.raises(DataError, match="it lacks the list `repeats`"):
        codec.parse(config, orjson.dumps(spoilt))


@pytest.mark.parametrize("version", [0, 3, "1", None])
def test_a_version_that_nobody_knows_is_refused(version: object) -> None:
    with pytest.raises(DataError, match="record_version"):
        codec.parse(*damaged("config.json", "record_version", version))


def test_what_is_not_measured_stays_unmeasured() -> None:
    record = codec.parse(*written(a_record(samples=[])))
    assert record.summary.value(THROUGHPUT) is None
    assert record.summary.latency(TTFT).mean is None
