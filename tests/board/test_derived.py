from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given

from sagellm_benchmark.board import derived, snapshot
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.folder import COMPARE
from sagellm_benchmark.board.identity import submission_path
from sagellm_benchmark.board.merge import merge
from sagellm_benchmark.files import to_json
from tests.board.boards import BOARDS, published_rows
from tests.fakes.rows import new_row

pytestmark = pytest.mark.no_cover

ENGINE: dict[str, Any] = {
    "engine": "sagellm",
    "engine_version": "0.5.4.68",
    "entry_id": "0ae7cd99-3b21-40c9-ad63-febc05c37dba",
    "submitted_at": "2026-03-18T10:24:10.502293+00:00",
    "canonical_path": "canonical/b8581955c424b33d9dae_leaderboard.json",
    "metrics": {
        "ttft_ms": 5280.4,
        "tbt_ms": 118.5,
        "throughput_tps": 10.1,
        "output_throughput_tps": 10.1,
        "error_rate": 0.0,
    },
}
GROUP: dict[str, Any] = {
    "scope_key": "Qwen/Qwen2.5-0.5B-Instruct|Ascend|FP16|vllm_random|single_gpu|1|1",
    "category": "single",
    "scope": {
        "model": "Qwen/Qwen2.5-0.5B-Instruct",
        "hardware": "Ascend",
        "precision": "FP16",
        "workload": "vllm_random",
        "config_type": "single_gpu",
        "chip_count": 1,
        "node_count": 1,
    },
    "engines": [ENGINE, ENGINE],
    "preferred_pair": {
        "left": ENGINE,
        "right": ENGINE,
        "deltas": {
            "throughput_pct_left_vs_right": -72.9,
            "ttft_pct_left_vs_right": 186.7,
            "tbt_pct_left_vs_right": 238.9,
        },
        "winners": {"throughput": "right", "ttft": "right", "tbt": "right"},
    },
}
READ: dict[str, Any] = {
    "schema_version": "leaderboard-compare-snapshot/v1",
    "generated_at": "2026-03-18T10:24:22.686500+00:00",
    "group_count": 1,
    "preferred_pair_count": 1,
    "groups": [GROUP],
    "preferred_pairs": [GROUP],
}
"""A comparison as the leaderboard page reads it: every field that it has, with the type that it has."""


def made(*rows: object) -> list[Entry]:
    return list(merge(list(rows), []).entries)  # type: ignore[arg-type]  # odd rows are meant


def compare(board: list[Entry]) -> dict[str, Any]:
    """What readers find in the board's comparison."""
    found: dict[str, Any] = json.loads(derived.tables(board)[COMPARE])
    return found


def compared(*rows: object) -> dict[str, Any]:
    return compare(made(*rows))


def shape(value: Any) -> Any:
    """The fields of a value and their types; of an array those of its first element."""
    if isinstance(value, dict):
        return {name: shape(child) for name, child in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value)


def test_the_comparison_has_every_field_that_the_page_reads_and_its_type() -> None:
    snapshot = compared(new_row(engine="sagellm"), new_row(engine="vllm"))
    assert shape(snapshot) == shape(READ)
    assert snapshot["preferred_pairs"] == snapshot["groups"]


def test_both_sides_of_a_pair_are_whole_engines() -> None:
    (group,) = compared(new_row(engine="sagellm"), new_row(engine="vllm"))["groups"]
    pair = group["preferred_pair"]
    assert [pair["left"], pair["right"]] == group["engines"]
    assert [pair["left"]["engine"], pair["right"]["engine"]] == ["sagellm", "vllm"]


def test_deltas_are_percent_of_the_right_one_and_the_better_one_wins() -> None:
    left = new_row(engine="sagellm", metrics__throughput_tps=90.0, metrics__ttft_ms=30.0)
    right = new_row(engine="vllm", metrics__throughput_tps=60.0, metrics__ttft_ms=40.0)
    (group,) = compared(left, right)["groups"]
    assert group["preferred_pair"]["deltas"] == {
        "throughput_pct_left_vs_right": 50.0,
        "ttft_pct_left_vs_right": -25.0,
        "tbt_pct_left_vs_right": 0.0,
    }
    assert group["preferred_pair"]["winners"] == {"throughput": "left", "ttft": "left", "tbt": "tie"}


def test_nobody_wins_what_was_not_measured() -> None:
    rows = new_row(engine="sagellm", metrics__tbt_ms=None), new_row(engine="vllm", metrics__ttft_ms=0.0)
    (group,) = compared(*rows)["groups"]
    pair = group["preferred_pair"]
    assert pair["deltas"]["tbt_pct_left_vs_right"] is pair["deltas"]["ttft_pct_left_vs_right"] is None
    assert pair["winners"] == {"throughput": "tie", "ttft": "right", "tbt": "tie"}
    assert pair["left"]["metrics"]["tbt_ms"] is None


@pytest.mark.parametrize(
    "other",
    [
        {"workload__concurrent_requests": 64},
        {"workload__request_rate": "4.0"},
        {"workload__input_length": 33},
        {"workload__output_length": 65},
        {"model__quantization": "AWQ"},
        {"model__weights": "dummy"},
    ],
)
def test_another_load_is_no_comparison(other: dict[str, Any]) -> None:
    one, many = new_row(engine="vllm"), new_row(engine="sagellm", **other)
    snapshot = compared(one, many)
    assert (snapshot["group_count"], snapshot["preferred_pair_count"]) == (2, 0)
    assert len({group["scope_key"] for group in snapshot["groups"]}) == 1


def test_what_can_be_compared_stands_before_what_cannot_under_one_key() -> None:
    alone = new_row(engine="sglang", workload__concurrent_requests=1000)
    first, second = compared(new_row(engine="sagellm"), new_row(engine="vllm"), alone)["groups"]
    assert first["scope_key"] == second["scope_key"]
    assert first["preferred_pair"] is not None
    assert second["preferred_pair"] is None


def test_a_row_is_found_where_it_lies() -> None:
    (group,) = compared(new_row())["groups"]
    assert group["engines"][0]["canonical_path"] == submission_path(new_row())
    legacy = compared(published_rows()[0])["groups"][0]["engines"][0]
    assert legacy["canonical_path"] == "leaderboard_single.json"


def test_a_scope_counts_in_numbers_and_says_on_how_many_nodes() -> None:
    cluster = dict.fromkeys(("comm_backend", "topology_type", "interconnect", "topology"), "x")
    row = new_row(config_type="multi_node", cluster=cluster | {"node_count": 2}, hardware__chip_count=16)
    (group,) = compared(row)["groups"]
    assert (group["category"], group["scope"]["chip_count"], group["scope"]["node_count"]) == ("multi", 16, 2)
    assert group["scope_key"] == "Qwen/Qwen2-7B|NVIDIA A100 80GB PCIe|FP16|Q1|multi_node|16|2"


@pytest.mark.parametrize(
    ("workload", "notes", "shown"),
    [
        ("short", "", "Q1"),
        ("Chain of thought", "", "Q7"),
        ("custom", "Benchmark run: q5", "Q5"),
        ("mine", "", "mine"),
        ("", "stress_test of mine", "Q5"),
    ],
)
def test_a_workload_is_called_as_the_page_calls_it(workload: str, notes: str, shown: str) -> None:
    row = new_row(workload__name=workload, metadata__notes=notes)
    assert compared(row)["groups"][0]["scope"]["workload"] == shown


def test_its_own_comparison_is_sound_and_anything_else_is_named() -> None:
    assert snapshot.problems(READ) == []
    wrong = json.loads(json.dumps(READ))
    wrong["groups"][0]["preferred_pair"]["left"] = "sagellm"
    del wrong["groups"][0]["scope"]["node_count"]
    wrong["preferred_pairs"][0]["engines"][0]["metrics"]["ttft_ms"] = "fast"
    assert {problem.field for problem in snapshot.problems(wrong)} == {
        "preferred_pair.left",
        "scope.node_count",
        "metrics.ttft_ms",
    }
    assert snapshot.problems([]) != []


@given(BOARDS)
def test_whatever_the_rows_are_the_comparison_is_sound(rows: list[object]) -> None:
    found = compared(*rows)
    assert snapshot.problems(found) == []
    assert all(math.isfinite(value) for value in _numbers(found))


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for child in value for number in _numbers(child)]
    return [value] if isinstance(value, float) else []


def test_last_updated_is_the_newest_submission_in_utc() -> None:
    rows = made(
        new_row(metadata__submitted_at="2026-03-19T03:07:31.9+01:00"),
        new_row(engine="vllm", metadata__submitted_at="2026-03-19T01:59:59Z"),
    )
    assert derived.last_updated(rows) == {"last_updated": "2026-03-19T02:07:31Z"}


def test_a_board_without_times_was_last_updated_at_the_epoch() -> None:
    assert derived.last_updated(made({}, None)) == {"last_updated": "1970-01-01T00:00:00Z"}


def test_the_published_rows_form_groups_of_one_engine() -> None:
    found = compared(*published_rows())
    assert found["schema_version"] == "leaderboard-compare-snapshot/v1"
    assert found["generated_at"] == "2026-02-23T14:38:39Z"
    assert found["group_count"] == len(found["groups"]) == 14
    assert found["preferred_pair_count"] == 0


def test_sagellm_against_vllm_comes_first() -> None:
    engines = ("llama.cpp", "vllm", "sglang", "sagellm")  # the page knows four others by name
    (group,) = compared(*(new_row(engine=engine) for engine in engines))["groups"]
    assert [engine["engine"] for engine in group["engines"]] == ["sagellm", "vllm", "sglang", "llama.cpp"]
    assert group["preferred_pair"]["left"]["engine"] == "sagellm"
    assert group["preferred_pair"]["right"]["engine"] == "vllm"


def test_a_group_is_named_by_its_scope() -> None:
    (group,) = compared(new_row())["groups"]
    assert group["scope_key"] == "Qwen/Qwen2-7B|NVIDIA A100 80GB PCIe|FP16|Q1|single_gpu|1|1"
    assert group["scope"]["workload"] == "Q1"


def test_an_engine_is_there_with_its_best_row() -> None:
    slow, fast = new_row(engine_version="b1"), new_row(engine_version="b2", metrics__throughput_tps=99.0)
    (group,) = compared(slow, fast)["groups"]
    (engine,) = group["engines"]
    assert (engine["engine_version"], engine["entry_id"]) == ("b2", fast["entry_id"])
    assert engine["metrics"]["throughput_tps"] == 99.0


def test_older_names_of_a_workload_fall_into_its_group() -> None:
    rows = made(new_row(engine="vllm", workload__name="short"), new_row())
    assert compare(rows)["preferred_pair_count"] == 1


@given(BOARDS)
def test_the_same_rows_give_the_same_files_in_any_order(rows: list[object]) -> None:
    entries = made(*rows)
    turned = list(reversed(entries))
    assert compare(entries) == compare(turned)
    assert derived.last_updated(entries) == derived.last_updated(turned)


def test_a_row_from_the_end_of_time_does_not_stop_the_others() -> None:
    late = made(new_row(metadata__submitted_at="9999-12-31T23:59:59-12:00"))
    assert derived.last_updated(late) == {"last_updated": "9999-12-31T23:59:59Z"}


@pytest.mark.parametrize("engines", [(), ("vllm",), ("vllm", "sagellm"), ("vllm", "sagellm", "sglang")])
def test_the_comparison_is_written_group_by_group_as_it_would_be_as_a_whole(engines: tuple[str, ...]) -> None:
    rows = [new_row(engine=engine, model__name=name) for engine in engines for name in ("a/b", "c/d")]
    content = derived.tables(merge([], rows).entries)[COMPARE]
    assert content == to_json(json.loads(content))
