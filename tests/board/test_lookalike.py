from __future__ import annotations

from typing import Any

import pytest

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.lookalike import folded, skeleton
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.board.schema import problems
from sagellm_benchmark.board.submission import Examined, Examiner
from tests.fakes.rows import new_row


def examined(*rows: dict[str, Any], known: tuple[dict[str, Any], ...] = ()) -> Examined:
    found = [Found("rows.json", at, row) for at, row in enumerate(rows)]
    return Examiner(map(Entry.of, known)).examine(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Qwen2-7B", "qwen2-7b"),
        ("Qwen2-7B", "Qwen2-7Β"),  # a Greek capital beta, folded only
        ("Llama-3.0", "Llama-3.O"),
        ("InternLM", "lnternLM"),
        ("gemma", "gernrna"),
        ("model-1", "model-l"),
        ("Ｑwen", "Qwen"),
        ("random", "rand0m"),
        ("Qwen2-7B", "Qwen2_7B"),
        ("Qwen2-7B", "Qwen2-7B."),
        ("A100 80GB", "A100-80GB"),
    ],
)
def test_names_that_look_alike_have_one_skeleton_or_differ_in_case(one: str, other: str) -> None:
    alike = skeleton(one) == skeleton(other) or folded(one) == folded(other)
    assert alike is ("Β" not in other)  # what is not ASCII is refused before


@pytest.mark.parametrize(
    ("one", "other"), [("Qwen-V2", "Qwen-V1"), ("a", "b"), ("x 1", "x1"), ("0.5.1", "0.5.10")]
)
def test_names_that_do_not_look_alike_are_two(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)
    assert folded(one) != folded(other)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("model__name", "qwen/qwen2-7b"),
        ("model__name", "Qwen/Qwen2-7B "),
        ("model__name", "Qwen/Qwеn2-7B"),  # a Cyrillic е
        ("model__name", "Qwen/Qwen2\u200b-7B"),
        ("model__name", "Ｑwen/Qwen2-7B"),
        ("model__name", "Qwen/Qwen2-7Ｂ"),
        ("model__name", "Qwen/Qwen2  7B"),
        ("hardware__chip_model", "NVIDIA A1OO 80GB PCIe"),
        ("hardware__chip_model", "NVIDIA A100 80GB PCle"),
        ("workload__dataset", "Random"),
        ("workload__dataset", "randorn"),
        ("engine_version", "B6000"),
        ("engine_version", "b6OOO"),
        ("engine_version", "b6000\u00a0"),
        ("model__quantization", "Ｑ4"),
        ("engine", "IIama.cpp"),
        ("engine", "l1ama.cpp"),
        ("workload__name", "q1"),
        ("workload__name", "Ql"),
        ("workload__name", "QI"),
        ("workload__name", "Q1."),
        ("sagellm_version", "0.6.00"),
        ("sagellm_version", "0.6.0.0"),
    ],
)
def test_a_name_that_only_looks_like_a_known_one_is_no_new_identity(field: str, name: str) -> None:
    known = new_row()
    done = examined(new_row(**{field: name, "metrics__throughput_tps": 78.0}), known=(known,))
    assert (len(done.new), len(done.refused)) == (0, 1)
    assert field.replace("__", ".") in str(done.refused[0])


def test_the_second_of_two_rows_handed_in_must_bear_the_first_ones_name() -> None:
    done = examined(new_row(), new_row(model__name="qwen/QWEN2-7B"))
    assert len(done.new) == 1
    assert 'it must be "Qwen/Qwen2-7B", as rows already have it' in str(done.refused[0])


def test_a_known_name_stays_usable_though_an_older_row_has_one_that_looks_like_it() -> None:
    older = [new_row(model__name=name) for name in ("Qwen/Qwen2-7B", "qwen/qwen2-7b")]
    done = examined(
        *(new_row(model__name=row["model"]["name"], metrics__throughput_tps=78.0) for row in older),
        known=tuple(older),
    )
    assert len(done.new) == 2


@pytest.mark.parametrize(
    "name",
    [
        "Intel(R) Xeon(R) Platinum 8369B CPU @ 2.90GHz",
        "AMD EPYC 7763 64-Core Processor",
        "Apple M2 Pro",
        "Ascend 910B3",
    ],
)
def test_names_that_machines_give_are_names(name: str) -> None:
    assert problems(new_row(hardware__chip_model=name)) == []


def test_a_name_like_that_of_a_documented_workload_is_refused_before_any_row_has_that() -> None:
    done = examined(new_row(workload__name="QI", metadata__notes=""))
    assert 'workload.name is "QI"; it must be "Q1"' in str(done.refused[0])


@pytest.mark.parametrize("version", ["0.6.1", "0.6.10", "0.60.0", "10.6.0"])
def test_another_version_is_another_version(version: str) -> None:
    done = examined(new_row(sagellm_version=version), known=(new_row(),))
    assert (len(done.new), done.refused) == (1, ())


@pytest.mark.parametrize(
    "split", [{}, {"tensor_parallel": 0}, {"tensor_parallel": -1}, {"data_parallel": True}]
)
def test_how_a_model_is_split_is_said_by_whole_numbers_or_not_at_all(split: dict[str, Any]) -> None:
    assert any("parallelism" in str(problem) for problem in problems(new_row(parallelism=split)))


@pytest.mark.parametrize("place", ["cluster", "row"])
def test_nothing_but_how_a_model_is_split_makes_another_configuration(place: str) -> None:
    split = {"tensor_parallel": 2, "made up": 1}
    cluster = {
        "node_count": 2,
        **dict.fromkeys(("comm_backend", "topology_type", "interconnect", "topology"), "x"),
    }
    if place == "cluster":
        row = new_row(cluster={**cluster, "parallelism": split}, config_type="multi_node")
    else:
        row = new_row(parallelism=split)
    assert any('parallelism is "made up"' in str(problem) for problem in problems(row))
