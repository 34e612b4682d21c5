"""What a matrix came to: where its cells were measured is said where it matters."""

from __future__ import annotations

from dataclasses import replace

from sagellm_benchmark.matrix.ledger import Result
from sagellm_benchmark.report.matrix import render_page, render_results

ONE = Result(
    id="0123456789abcdef",
    names=("a", "M", "Q1", "4"),
    repeat=0,
    command=(),
    valid=True,
    failure=None,
    folder="cells/0123456789abcdef/outputs/run",
    throughput_tps=100.0,
    ttft_ms=10.0,
    tpot_ms=5.0,
    error_rate=0.0,
)
OTHER = replace(ONE, names=("b", "M", "Q1", "4"))


def test_engines_that_were_compared_on_different_nodes_are_said_to_be() -> None:
    results = [replace(ONE, node="n1 (10.0.0.1)"), replace(OTHER, node="n2 (10.0.0.2)")]
    said = "⚠ 1 of 1 comparisons have engines on different nodes"
    assert said in render_results(results)
    assert said in render_page("m", results)


def test_engines_on_one_node_are_compared_without_a_word() -> None:
    results = [replace(one, node="n1 (10.0.0.1)") for one in (ONE, OTHER)]
    results += [replace(one, node="n2 (10.0.0.2)", repeat=1) for one in (ONE, OTHER)]
    assert "⚠" not in render_results(results)
    assert (
        "repeat 2: [VALID](<cells/0123456789abcdef/outputs/run/REPORT.md>), on n2 (10.0.0.2)"
        in render_page("m", results)
    )


def test_a_matrix_of_this_machine_says_nothing_of_nodes() -> None:
    assert "on" not in render_page("m", [ONE, OTHER]).rpartition("## Measurements")[2].split()
    assert "⚠" not in render_results([ONE, OTHER])
