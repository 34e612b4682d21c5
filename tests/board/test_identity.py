from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from hypothesis import given

from sagellm_benchmark.board.identity import (
    NAMESPACE,
    content,
    entry_id,
    identity,
    order_key,
    slug,
    submission_path,
)
from sagellm_benchmark.errors import DataError
from tests.board.boards import ANYTHING, ROWS, published_rows
from tests.fakes.rows import new_row


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "vllm"},
        {"engine_version": "b6001"},
        {"sagellm_version": "0.6.1"},
        {"hardware__chip_model": "NVIDIA H200"},
        {"hardware__chip_count": 2},
        {"cluster": {"node_count": 2}},
        {"cluster": {"parallelism": {"tensor_parallel": 2}}},
        {"model__name": "Qwen/Qwen2-1.5B"},
        {"model__precision": "BF16"},
        {"model__quantization": "AWQ"},
        {"model__weights": "dummy"},
        {"workload__name": "Q2"},
        {"workload__input_length": 64},
        {"workload__output_length": 32},
        {"workload__concurrent_requests": 2},
        {"workload__request_rate": 4.0},
        {"workload__batch_size": 2},
        {"workload__dataset": "ShareGPT"},
    ],
)
def test_each_of_these_fields_makes_another_configuration(change: dict[str, Any]) -> None:
    assert identity(new_row(**change)) != identity(new_row())
    assert slug(identity(new_row(**change))) != slug(identity(new_row()))


@pytest.mark.parametrize(
    "change",
    [
        {"metrics__throughput_tps": 1.0},
        {"metadata__submitter": "somebody else"},
        {"entry_id": "x"},
        {"engine": "LLAMA.CPP"},
        {"hardware__chip_count": 1.0},
        {"model__quantization": "None"},
        {"model__precision": "fp16"},
        {"identity": "forged"},
    ],
)
def test_none_of_these_makes_another_configuration(change: dict[str, Any]) -> None:
    assert identity(new_row(**change)) == identity(new_row())


def test_weights_that_are_not_told_are_real() -> None:
    row = new_row()
    del row["model"]["weights"]
    assert identity(row) == identity(new_row())


def test_the_published_rows_are_23_configurations() -> None:
    assert len({identity(row) for row in published_rows()}) == 23


def test_a_legacy_row_is_sagellms_and_its_workload_stands_in_its_notes() -> None:
    legacy = identity(published_rows()[0])
    assert (legacy.engine, legacy.workload, legacy.weights, legacy.node_count) == (
        "sagellm",
        "short_input",
        "real",
        "1",
    )


def test_the_engine_may_stand_in_the_metadata() -> None:
    row = new_row(metadata__engine="vllm", metadata__engine_version="0.9")
    del row["engine"], row["engine_version"]
    assert identity(row)[-4:-2] == ("vllm", "0.9")


@given(ROWS | ANYTHING)
def test_a_slug_is_one_harmless_folder_name(row: Any) -> None:
    name = slug(identity(row))
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", name)
    assert ".." not in name.split("-")[-1]


@given(ROWS | ANYTHING)
def test_a_submissions_path_has_three_parts(row: Any) -> None:
    folder, name, file = submission_path(row).split("/")
    assert folder == "submissions"
    assert name == slug(identity(row))
    assert re.fullmatch(r"[0-9a-f-]{36}\.json", file)


def test_an_id_that_is_no_uuid_never_becomes_a_path() -> None:
    assert ".." not in submission_path(new_row(entry_id="../../etc/passwd"))


def test_an_entry_id_is_the_uuid5_of_the_content() -> None:
    row = new_row()
    claimed = uuid.UUID(row["entry_id"])
    assert claimed.version == 5
    assert claimed == uuid.uuid5(NAMESPACE, content(row).decode())


def test_what_python_takes_for_equal_is_told_apart() -> None:
    one, true = (identity(new_row(hardware__chip_count=value)) for value in (1, True))
    assert (one.chip_count, true.chip_count) == ("1", "true")


def test_a_number_that_json_has_no_word_for_is_no_value() -> None:
    assert identity(new_row(workload__batch_size=float("nan"))) == identity(
        new_row(workload__batch_size=None)
    )


@given(ROWS)
def test_a_configuration_read_back_from_json_is_the_same(row: Any) -> None:
    assert identity(json.loads(json.dumps(row))) == identity(row)


def test_an_entry_id_does_not_depend_on_key_order_or_on_itself() -> None:
    row = new_row()
    assert entry_id(dict(reversed(row.items()))) == entry_id(row | {"entry_id": "other"}) == row["entry_id"]


def test_an_entry_id_survives_verification_by_a_maintainer() -> None:
    row = new_row(metadata__verified=False)
    row["metadata"]["verified"] = True
    assert entry_id(row) == row["entry_id"]


@given(ROWS, ROWS)
def test_two_rows_share_an_id_only_when_they_say_the_same(one: Any, other: Any) -> None:
    assert (entry_id(one) == entry_id(other)) == (content(one) == content(other))


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"metrics__throughput_tps": 78.0}, {"metrics__throughput_tps": 77.9999999}),
        ({"metrics__throughput_tps": 1.0}, {"metrics__throughput_tps": None}),
        ({"metrics__throughput_tps": 1.0}, {"metrics__throughput_tps": True}),
        ({"metrics__throughput_tps": 1.0}, {"metrics__throughput_tps": float("nan")}),
        ({"metrics__ttft_ms": 41.0}, {"metrics__ttft_ms": 41.1}),
        ({"metrics__ttft_ms": 41.0}, {"metrics__ttft_ms": None}),
        ({"metrics__error_rate": 0.0}, {"metrics__error_rate": 0.001}),
        ({"entry_id": "1"}, {"entry_id": "2"}),
    ],
)
def test_the_order_has_no_tolerance(better: dict[str, Any], worse: dict[str, Any]) -> None:
    rest = {"entry_id": "0", "metadata__notes": "same"}
    assert order_key(new_row(**{**rest, **better})) < order_key(new_row(**{**rest, **worse}))


def test_integers_beyond_64_bits_do_no_harm() -> None:
    row = {"model": {"name": 10**400}, "metrics": {"throughput_tps": 10**400, "ttft_ms": -(10**400)}}
    assert order_key(row) < order_key({})
    assert identity(row) == identity(row)
    assert entry_id(row) == entry_id(row)


def test_half_a_surrogate_pair_does_no_harm() -> None:
    row = {"model": {"name": "\ud800"}, "hardware": {"chip_model": "x"}}
    assert slug(identity(row))
    assert entry_id(row)


def test_a_row_of_endless_levels_is_refused_and_not_a_crash() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(DataError, match="nested too deeply"):
        identity({"parallelism": deep})
