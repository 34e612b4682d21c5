from __future__ import annotations

from hypothesis import given

from sagellm_benchmark.board import derived
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.merge import merge
from sagellm_benchmark.files import to_json
from tests.board.boards import BOARDS, published_rows
from tests.fakes.rows import new_row


def made(*rows: object) -> list[Entry]:
    return list(merge(list(rows), []).entries)  # type: ignore[arg-type]  # odd rows are meant


def test_last_updated_is_the_newest_submission_in_utc() -> None:
    rows = made(
        new_row(metadata__submitted_at="2026-03-19T03:07:31.9+01:00"),
        new_row(engine="vllm", metadata__submitted_at="2026-03-19T01:59:59Z"),
    )
    assert derived.last_updated(rows) == {"last_updated": "2026-03-19T02:07:31Z"}


def test_a_board_without_times_was_last_updated_at_the_epoch() -> None:
    assert derived.last_updated(made({}, None)) == {"last_updated": "1970-01-01T00:00:00Z"}


def test_the_published_rows_form_groups_of_one_engine() -> None:
    snapshot = derived.compare(made(*published_rows()))
    assert snapshot["schema_version"] == "leaderboard-compare-snapshot/v1"
    assert snapshot["generated_at"] == "2026-02-23T14:38:39Z"
    assert snapshot["group_count"] == len(snapshot["groups"]) == 14
    assert snapshot["preferred_pair_count"] == 0


def test_sagellm_against_vllm_comes_first() -> None:
    engines = ("llama.cpp", "vllm", "sglang", "sagellm")
    (group,) = derived.compare(made(*(new_row(engine=engine) for engine in engines)))["groups"]
    assert [engine["engine"] for engine in group["engines"]] == ["sagellm", "vllm", "llama.cpp", "sglang"]
    assert (group["preferred_pair"]["left"], group["preferred_pair"]["right"]) == ("sagellm", "vllm")


def test_a_group_is_named_by_its_scope() -> None:
    (group,) = derived.compare(made(new_row()))["groups"]
    assert group["scope_key"] == "Qwen/Qwen2-7B|NVIDIA A100 80GB PCIe|FP16|Q1|single_gpu|1|1"
    assert group["scope"]["workload"] == "Q1"


def test_an_engine_is_there_with_its_best_row() -> None:
    slow, fast = new_row(engine_version="b1"), new_row(engine_version="b2", metrics__throughput_tps=99.0)
    (group,) = derived.compare(made(slow, fast))["groups"]
    (engine,) = group["engines"]
    assert (engine["engine_version"], engine["entry_id"]) == ("b2", fast["entry_id"])
    assert engine["metrics"]["throughput_tps"] == 99.0


def test_deltas_are_left_less_right() -> None:
    left = new_row(
        engine="sagellm", metrics__throughput_tps=90.0, metrics__tbt_ms=None, metrics__error_rate=0.01
    )
    right = new_row(engine="vllm", metrics__throughput_tps=60.0)
    (group,) = derived.compare(made(left, right))["groups"]
    deltas = group["preferred_pair"]["deltas"]
    assert deltas["throughput_tps"] == {"absolute": 30.0, "percent": 50.0}
    assert deltas["tbt_ms"] == {"absolute": None, "percent": None}
    assert deltas["error_rate"] == {"absolute": 0.01, "percent": None}


def test_older_names_of_a_workload_fall_into_its_group() -> None:
    rows = made(new_row(engine="vllm", workload__name="short"), new_row())
    assert derived.compare(rows)["preferred_pair_count"] == 1


@given(BOARDS)
def test_the_same_rows_give_the_same_files_in_any_order(rows: list[object]) -> None:
    entries = made(*rows)
    turned = list(reversed(entries))
    assert to_json(derived.compare(entries)) == to_json(derived.compare(turned))
    assert derived.last_updated(entries) == derived.last_updated(turned)


def test_a_row_from_the_end_of_time_does_not_stop_the_others() -> None:
    late = made(new_row(metadata__submitted_at="9999-12-31T23:59:59-12:00"))
    assert derived.last_updated(late) == {"last_updated": "9999-12-31T23:59:59Z"}
