from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sagellm_benchmark.board import schema
from sagellm_benchmark.board.identity import entry_id, identity
from sagellm_benchmark.runs.row import build
from sagellm_benchmark.verdict.metrics import ITL, THROUGHPUT, TTFT
from sagellm_benchmark.workload.workloads import WORKLOADS, Workload
from tests.fakes.records import DATASET, HARDWARE, LOAD, MODEL, SERVER, TOOL, a_record
from tests.fakes.samples import closed_loop, sample


def row(**changes: Any) -> dict[str, Any]:
    built = build(a_record(**changes))
    assert built is not None
    return built


def test_a_measured_rows_form_is_the_contracts() -> None:
    assert schema.problems(row()) == []


def test_versions_are_those_of_the_engines_components() -> None:
    packages = {"engine": "0.5.4.70", "core": "0.5.4.26", "gateway": "0.5.4.14", "comm": "0.5.4.15+local"}
    of_sagellm = replace(SERVER, engine="sagellm", engine_version="0.5.4.70", packages=packages)
    versions = row(server=of_sagellm)["versions"]
    assert versions["core"] == "0.5.4.26"
    assert versions["gateway"] == "0.5.4.14"
    assert versions["comm"] == "0.5.4.15"
    assert versions["protocol"] == "N/A"


def test_two_ways_to_split_a_model_over_chips_of_one_node_are_two_configurations() -> None:
    two = replace(HARDWARE, chip_count=2)
    whole = row(hardware=two)
    tensor = row(hardware=replace(two, tensor_parallel=2, pipeline_parallel=1))
    pipeline = row(hardware=replace(two, pipeline_parallel=2))
    assert "parallelism" not in whole
    assert tensor["parallelism"] == {"tensor_parallel": 2}
    assert len({identity(one) for one in (whole, tensor, pipeline)}) == 3


def test_a_row_is_publishable_when_nothing_speaks_against_it() -> None:
    assert "unpublishable" not in row()


def test_throughput_ttft_and_tbt_are_the_summarys_means() -> None:
    record = a_record()
    built = build(record)
    assert built is not None
    assert built["metrics"]["ttft_ms"] == record.summary.latency(TTFT).mean
    assert built["metrics"]["tbt_ms"] == record.summary.latency(ITL).mean
    assert built["metrics"]["throughput_tps"] == record.summary.value(THROUGHPUT)


def test_the_entry_id_is_the_content_own() -> None:
    assert row()["entry_id"] == entry_id(row())


def test_the_same_run_gives_the_same_row() -> None:
    assert row() == row()


def test_what_was_refused_is_left_out_rather_than_zero() -> None:
    assert "ttft_ms_p99" not in row()["metrics"]
    assert "ttft_ms_p99" in row(samples=closed_loop(200))["metrics"]


def test_unknown_memory_is_zero_and_says_so() -> None:
    metrics = row(peak_memory_mib=None)["metrics"]
    assert (metrics["peak_mem_mb"], metrics["peak_mem_source"]) == (0, "unknown")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": replace(MODEL, weights="dummy")}, "weights: dummy"),
        ({"valid": False, "reasons": ("not streamed",)}, "not valid: not streamed"),
        ({"hardware": replace(HARDWARE, chip_model=None)}, "--hardware"),
        ({"model": replace(MODEL, precision=None)}, "--precision"),
        ({"server": replace(SERVER, engine="openai")}, "--engine"),
        ({"server": replace(SERVER, engine_version=None)}, "--engine-version"),
        ({"sagellm_version": "N/A"}, "sagellm_version"),
        (
            {"hardware": replace(HARDWARE, vendor="AMD", chip_model="epyc"), "contention_share": 0.44},
            "other programs used 44%",
        ),
    ],
)
def test_what_stands_in_the_way_of_publishing_is_named(changes: dict[str, Any], words: str) -> None:
    (reason,) = row(**changes)["unpublishable"]
    assert words in reason


@pytest.mark.parametrize(("vendor", "chip"), [("NVIDIA", "H100"), ("AMD", "MI300X"), ("Other", "Abacus 3")])
def test_an_accelerator_does_not_mind_busy_processors(vendor: str, chip: str) -> None:
    hardware = replace(HARDWARE, vendor=vendor, chip_model=chip)
    assert "unpublishable" not in row(hardware=hardware, contention_share=0.44)


def test_a_run_without_numbers_has_no_row() -> None:
    assert build(a_record(samples=[sample(completion_tokens=None)])) is None


@pytest.mark.parametrize(
    ("chips", "nodes", "kind"), [(1, 1, "single_gpu"), (8, 1, "multi_gpu"), (16, 2, "multi_node")]
)
def test_the_configs_type_follows_the_hardware(chips: int, nodes: int, kind: str) -> None:
    cluster: dict[str, Any] = {
        "comm_backend": "NCCL",
        "topology_type": "ring",
        "topology": "ring",
        "inter_node_network": "IB",
    }
    built = row(
        hardware=replace(HARDWARE, chip_count=chips, node_count=nodes, **(cluster if nodes > 1 else {}))
    )
    assert built["config_type"] == kind
    assert schema.problems(built) == []


@pytest.mark.parametrize(
    ("typed", "published"),
    [
        ("run --base-url http://127.0.0.1:8000", "run --base-url BASE_URL"),
        ("run --base-url=http://GPU-box.corp/v1", "run --base-url=BASE_URL"),
        ("run --model /home/alice/my.gguf", "run --model my.gguf"),
        ("run --model ../weights/my.gguf", "run --model my.gguf"),
        ("run --model Qwen/Qwen2-7B", "run --model Qwen/Qwen2-7B"),
        ("run --dataset sharegpt:/data/chats.json", "run --dataset sharegpt:chats.json"),
    ],
)
def test_where_the_server_and_files_were_is_not_published(typed: str, published: str) -> None:
    built = row(tool=replace(TOOL, command=f"sagellm-benchmark {typed}"))
    assert built["metadata"]["reproducible_cmd"] == f"sagellm-benchmark {published}"


def test_texts_of_other_people_have_their_mean_lengths() -> None:
    built = row(dataset=replace(DATASET, name="sharegpt:x.json", uniform=False, exact=None))
    assert (built["workload"]["input_length"], built["workload"]["output_length"]) == (32, 11)


def test_conversations_of_ones_own_are_another_workload() -> None:
    custom = replace(WORKLOADS["Q1"], name="custom")
    assert row(workload=replace(custom, turns=3))["workload"]["name"] == "custom 3 turns"
    assert row(workload=custom)["workload"]["name"] == "custom"


def test_a_row_that_breaks_the_contract_says_so_itself() -> None:
    (reason,) = row(submitter="")["unpublishable"]
    assert "submitter" in reason


def test_rows_at_different_rates_are_different_configurations() -> None:
    rows = [row(load=replace(LOAD, rate_rps=rate)) for rate in (None, 1.0, 2.0, "inf")]
    assert len({identity(one) for one in rows}) == 4


@pytest.mark.parametrize(
    ("name", "turns", "concurrency", "shown"),
    [
        ("Q1", 1, 1, "Q1"),
        ("Q1", 1, 64, "custom"),
        ("Q1", 2, 64, "custom 2 turns"),
        ("mine", 1, 64, "mine"),
        ("short", 1, 2, "custom"),
    ],
)
def test_only_the_documented_load_has_the_documented_name(
    name: str, turns: int, concurrency: int, shown: str
) -> None:
    built = row(workload=Workload(name, 5, 32, 64, concurrency, turns))
    assert (built["workload"]["name"], built["metadata"]["notes"]) == (shown, f"Benchmark run: {shown}")
