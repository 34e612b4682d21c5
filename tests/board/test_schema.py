from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from sagellm_benchmark.board.identity import entry_id
from sagellm_benchmark.board.schema import Strength, problems
from tests.board.boards import ANYTHING, ROWS, published_rows
from tests.fakes.rows import custom_row, new_row

CLUSTER = {
    "node_count": 2,
    "comm_backend": "nccl",
    "topology_type": "fat-tree",
    "interconnect": "InfiniBand",
    "topology": "2x8",
}


def fields(row: Any, strength: Strength = Strength.NEW) -> list[str]:
    return [problem.field for problem in problems(row, strength)]


def without(path: str) -> dict[str, Any]:
    """A row that lacks one field, and has its right id all the same."""
    row = new_row()
    *parents, name = path.split(".")
    place: Any = row
    for parent in parents:
        place = place[parent]
    del place[name]
    return row | {"entry_id": entry_id(row)}


def test_a_row_that_meets_the_contract_has_no_problems() -> None:
    assert problems(new_row()) == []


def test_a_row_of_two_nodes_meets_the_contract() -> None:
    assert problems(new_row(config_type="multi_node", cluster=CLUSTER)) == []


def test_a_row_of_another_tool_is_held_to_the_form_that_its_id_follows_from() -> None:
    row = new_row() | {"entry_id": "30d76796-ef21-4b53-8e6f-96d21fdafd9f"}
    del row["schema_version"]
    assert fields(row) == ["schema_version"]


@pytest.mark.parametrize(
    "path",
    [
        "entry_id",
        "schema_version",
        "engine",
        "sagellm_version",
        "config_type",
        "hardware",
        "hardware.vendor",
        "hardware.chip_model",
        "hardware.chip_count",
        "model",
        "model.name",
        "model.parameters",
        "model.precision",
        "workload",
        "workload.name",
        "workload.input_length",
        "workload.output_length",
        "metrics",
        "metrics.ttft_ms",
        "metrics.throughput_tps",
        "metrics.peak_mem_mb",
        "metrics.error_rate",
        "versions",
        "versions.protocol",
        "versions.backend",
        "versions.core",
        "environment",
        "environment.os",
        "environment.python_version",
        "metadata",
        "metadata.submitted_at",
        "metadata.submitter",
        "metadata.data_source",
        "validity.valid",
    ],
)
def test_a_required_field_that_is_missing_is_named(path: str) -> None:
    row = without(path) if path != "entry_id" else {k: v for k, v in new_row().items() if k != "entry_id"}
    assert fields(row)[0] == path
    assert problems(row)[0].value == "missing"


def test_a_row_that_says_no_interconnect_is_refused() -> None:
    assert fields(without("hardware.interconnect")) == ["hardware.interconnect"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema_version", True),
        ("schema_version", 0),
        ("engine", "a/b"),
        ("engine", ""),
        ("engine_version", None),
        ("sagellm_version", "N/A"),
        ("sagellm_version", "1.2"),
        ("sagellm_version", "1.2.3\n"),
        ("sagellm_version", "١.٢.٣"),
        ("config_type", "single"),
        ("config_type", ["single_gpu"]),
        ("hardware", []),
        ("hardware__vendor", "Nvidia"),
        ("hardware__chip_model", "  "),
        ("hardware__chip_model", "x" * 201),
        ("hardware__chip_count", 0),
        ("hardware__chip_count", 1.0),
        ("hardware__chip_count", True),
        ("hardware__memory_per_chip_gb", None),
        ("hardware__memory_per_chip_gb", -1),
        ("model__name", "../../etc/passwd"),
        ("model__name", "/etc/passwd"),
        ("model__name", "a\\b"),
        ("model__name", "~root"),
        ("model__name", "a//b"),
        ("model__name", "."),
        ("model__precision", "fp16"),
        ("model__quantization", 4),
        ("model__weights", "dummy"),
        ("workload__name", "../Q1"),
        ("workload__name", None),
        ("workload__input_length", 0),
        ("workload__input_length", "32"),
        ("workload__concurrent_requests", 0),
        ("workload__dataset", ""),
        ("metrics__ttft_ms", -0.1),
        ("metrics__ttft_ms", None),
        ("metrics__ttft_ms", True),
        ("metrics__throughput_tps", 1e308),
        ("metrics__throughput_tps", float("nan")),
        ("metrics__throughput_tps", float("inf")),
        ("metrics__peak_mem_mb", 1.5),
        ("metrics__peak_mem_mb", -1),
        ("metrics__error_rate", 1.01),
        ("metrics__prefix_hit_rate", 2),
        ("metrics__kv_used_tokens", 1.5),
        ("metrics__anything_else", -1),
        ("metrics__anything_else", "fast"),
        ("metrics__peak_mem_source", 3),
        ("cluster", {"node_count": 1}),
        ("cluster", 5),
        ("versions__core", "latest"),
        ("environment__os", " "),
        ("environment__cuda_version", None),
        ("kv_cache_config", {"enabled": 1}),
        ("metadata__submitted_at", "2026-11-20 08:00:00"),
        ("metadata__submitted_at", "2026-11-20T08:00:00"),
        ("metadata__submitted_at", "2026-13-20T08:00:00Z"),
        ("metadata__submitted_at", "0001-01-01T00:00:00Z"),
        ("metadata__submitter", ""),
        ("metadata__git_commit", None),
        ("metadata__release_date", "20261120"),
        ("metadata__release_date", "2026-02-30"),
        ("metadata__changelog_url", "javascript:alert(1)"),
        ("metadata__verified", True),
        ("metadata__verified", None),
        ("validity__valid", False),
        ("validity__reasons", [1]),
    ],
)
def test_a_value_that_is_not_allowed_is_named(path: str, value: Any) -> None:
    found = problems(new_row(**{path: value}))
    assert path.replace("__", ".") in [problem.field.split("[")[0] for problem in found] or found[
        0
    ].field.startswith(path.replace("__", "."))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"config_type": "multi_node"}, "config_type"),
        ({"cluster": CLUSTER}, "config_type"),
        ({"metadata__engine": "vllm"}, "metadata.engine"),
        ({"metadata__engine_version": "b1"}, "metadata.engine_version"),
        ({"identity": "somebody-elses"}, "identity"),
        ({"entry_id": "30d76796-ef21-4b53-8e6f-96d21fdafd9f"}, "entry_id"),
        ({"unpublishable": ["weights: dummy"]}, "unpublishable"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(changes: dict[str, Any], field: str) -> None:
    row = new_row(**changes)
    assert fields(row | {"entry_id": changes.get("entry_id", entry_id(row))}) == [field]


def test_a_new_row_of_a_newer_version_is_not_accepted() -> None:
    row = new_row(schema_version=2) | {"entry_id": "30d76796-ef21-4b53-8e6f-96d21fdafd9f"}
    assert fields(row) == ["schema_version"]


def test_an_answer_of_several_tokens_needs_its_gaps() -> None:
    assert fields(new_row(metrics__tpot_ms=None, metrics__tbt_ms=None)) == ["metrics.tpot_ms"]
    assert problems(new_row(metrics__tpot_ms=None)) == problems(new_row(metrics__tbt_ms=None)) == []
    one = custom_row(workload__output_length=1, metrics__tpot_ms=None, metrics__tbt_ms=None)
    assert problems(one) == []


@pytest.mark.parametrize("size", ["7B", "135M", "7.6B", "8x7B", "30B-A3B", "1T-A32B", "270M"])
def test_a_models_size_is_a_number_of_weights(size: str) -> None:
    assert problems(new_row(model__parameters=size)) == []


@pytest.mark.parametrize(
    "size", ["tiny", "unknown", "", "7", "7b", "-7B", "7B ", "7e9B", "B", "9" * 40 + "B"]
)
def test_a_size_that_nobody_can_reckon_with_is_refused(size: str) -> None:
    assert fields(new_row(model__parameters=size)) == ["model.parameters"]


def test_a_new_row_has_at_most_16_kib_and_a_published_one_stays() -> None:
    row = new_row(**{f"free{at}": "x" * 4000 for at in range(4)})
    assert (fields(row), problems(row)[0].allowed) == (["the row"], "at most 16384")
    assert problems(row, Strength.PUBLISHED) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model__parameters", "unknown"),
        ("model__name", "模型"),
        ("hardware__chip_model", "Ａ100"),
        ("engine_version", "b6000~"),
        ("model__quantization", "Ｑ4"),
        ("metrics__tpot_ms", None),
    ],
)
def test_rows_published_under_older_rules_stay(path: str, value: Any) -> None:
    row = new_row(**{path: value}, **({"metrics__tbt_ms": None} if value is None else {}))
    assert problems(row) != []
    assert problems(row, Strength.PUBLISHED) == []


def test_fields_that_the_contract_does_not_name_are_free() -> None:
    assert problems(new_row(hardware__cooling={"water": True}, extra=[1, "two", None])) == []


def test_the_published_rows_pass_as_published() -> None:
    assert [problem for row in published_rows() for problem in problems(row, Strength.PUBLISHED)] == []


def test_the_published_rows_do_not_pass_as_new() -> None:
    assert all(
        fields(row)[:3] == ["schema_version", "engine", "model.parameters"] for row in published_rows()
    )


def test_a_published_row_may_leave_its_metrics_unmeasured() -> None:
    row = published_rows()[0]
    row["metrics"] = dict.fromkeys(row["metrics"])
    assert problems(row, Strength.PUBLISHED) == []


def test_a_published_row_that_its_readers_cannot_show_is_refused() -> None:
    assert fields({"entry_id": "x", "hardware": {}, "model": None, "workload": {}}, Strength.PUBLISHED) == [
        "model",
        "metrics",
    ]


def test_a_published_row_of_ours_is_held_to_the_contract_and_may_be_verified() -> None:
    verified = new_row()
    verified["metadata"]["verified"] = True
    assert problems(verified, Strength.PUBLISHED) == []
    assert fields(new_row(engine=""), Strength.PUBLISHED) == ["engine"]


@pytest.mark.parametrize("row", [None, [], "row", 5])
def test_what_is_no_object_is_no_row(row: Any) -> None:
    assert fields(row) == fields(row, Strength.PUBLISHED) == ["the row"]


def test_a_problem_reads_as_a_sentence() -> None:
    (problem,) = problems(new_row(metrics__ttft_ms=-5))
    assert str(problem) == "metrics.ttft_ms is -5; it must be a number from 0 to 1e+12"


@given(ROWS | ANYTHING)
def test_any_json_is_judged(row: Any) -> None:
    for strength in Strength:
        assert all(str(problem).isprintable() for problem in problems(row, strength))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"workload__concurrent_requests": 64}, "workload.name"),
        ({"workload__request_rate": "4.0"}, "workload.name"),
        ({"workload__name": "short", "workload__output_length": 65}, "workload.name"),
        ({"workload__name": "Q9", "workload__input_length": 33}, "metadata.notes"),
    ],
)
def test_a_documented_workloads_name_is_bound_to_its_load(changes: dict[str, Any], field: str) -> None:
    assert fields(new_row(**changes)) == [field]
    assert fields(new_row(**changes), Strength.PUBLISHED) == []


@pytest.mark.parametrize("rate", ["4.0", "0.5", "1250.0", "28.284271247461902", "inf", "2..20", "0.5..4"])
def test_the_rate_of_an_open_loop_is_what_a_run_writes(rate: str) -> None:
    assert fields(custom_row(workload__request_rate=rate)) == []


@pytest.mark.parametrize(
    "rate",
    [
        4,
        4.0,
        None,
        "",
        "abc",
        "4",
        "4.00",
        "04.0",
        "4e0",
        "0.0",
        "-4.0",
        "Inf",
        "nan",
        "2..",
        "2..4..8",
        "2.0..20.0",
    ],
)
def test_no_other_spelling_of_a_rate_makes_a_new_configuration(rate: object) -> None:
    assert fields(custom_row(workload__request_rate=rate)) == ["workload.request_rate"]


def test_a_new_row_says_how_many_requests_there_were_at_once_or_how_they_came() -> None:
    assert fields(custom_row(workload__concurrent_requests=None)) == ["workload.concurrent_requests"]
    assert fields(custom_row(workload__concurrent_requests=None), Strength.PUBLISHED) == []


def test_any_load_may_be_custom() -> None:
    assert fields(custom_row(workload__concurrent_requests=64)) == []
