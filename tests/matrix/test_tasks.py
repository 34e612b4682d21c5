"""Cells that share an engine which has to be started are measured in one go; others one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.matrix.plan import Cell, Needs, cells, read
from sagellm_benchmark.matrix.tasks import Task, blocks, tasks

PLAN = """
repeats = 2

[options]
num_cpus = 2

[[engines]]
name = "a"
engine = "vllm"
num_gpus = 1

[[engines]]
name = "b"
engine = "sagellm"
num_gpus = 4
num_cpus = 8

[[models]]
model = "M"

[[loads]]
concurrency = 1

[[loads]]
concurrency = 2
"""


def found(folder: Path, text: str = PLAN) -> tuple[Cell, ...]:
    (folder / "plan.toml").write_text(text)
    return cells(read(folder / "plan.toml"), lambda _: "1")


def shape(found: tuple[Task, ...]) -> list[tuple[str, int, int]]:
    """Engine, repeat and number of cells of each task."""
    return [(task.cells[0].names[0], task.cells[0].repeat, len(task.cells)) for task in found]


def test_engines_that_are_started_take_turns_with_every_repeat(tmp_path: Path) -> None:
    grouped = tasks(found(tmp_path), lambda _: True)
    assert shape(grouped) == [("a", 0, 2), ("b", 0, 2), ("b", 1, 2), ("a", 1, 2)]


def test_servers_that_run_already_take_turns_with_every_cell(tmp_path: Path) -> None:
    every = found(tmp_path)
    assert [task.cells for task in tasks(every, lambda _: False)] == [(cell,) for cell in every]


def test_all_engines_of_a_repeat_are_measured_on_one_node_of_a_cluster_in_their_order(tmp_path: Path) -> None:
    first, second = blocks(tasks(found(tmp_path), lambda _: True), lambda _: None)
    assert shape(first) == [("a", 0, 2), ("b", 0, 2)]
    assert shape(second) == [("b", 1, 2), ("a", 1, 2)]


def test_another_model_can_be_measured_on_another_node(tmp_path: Path) -> None:
    two = PLAN.replace("[[loads]]", '[[models]]\nmodel = "N"\n\n[[loads]]', 1)
    grouped = blocks(tasks(found(tmp_path, two), lambda _: True), lambda _: None)
    assert [(block[0].cells[0].names[1], len(block)) for block in grouped] == [
        ("M", 2),
        ("N", 2),
        ("N", 2),
        ("M", 2),
    ]


def test_servers_that_run_on_one_machine_are_measured_by_one_cell_at_a_time(tmp_path: Path) -> None:
    every = found(tmp_path, PLAN.replace("num_gpus = 4\nnum_cpus = 8", "num_gpus = 1"))
    ((joined,),) = blocks(tasks(every, lambda _: False), lambda _: "10.0.0.5")
    assert joined.cells == every


def test_servers_of_two_machines_are_measured_beside_each_other(tmp_path: Path) -> None:
    every = found(tmp_path)
    grouped = blocks(tasks(every, lambda _: False), lambda cell: cell.names[0])
    assert [task.cells for (task,) in grouped] == [
        tuple(cell for cell in every if cell.names[0] == name) for name in ("a", "b")
    ]


def test_another_model_is_another_server(tmp_path: Path) -> None:
    two = PLAN.replace("[[loads]]", '[[models]]\nmodel = "N"\n\n[[loads]]', 1)
    assert len(tasks(found(tmp_path, two), lambda _: True)) == 8


def test_no_cell_is_lost_by_grouping(tmp_path: Path) -> None:
    every = found(tmp_path)
    grouped = tasks(every, lambda cell: cell.names[0] == "a")
    assert sorted(cell.id for task in grouped for cell in task.cells) == sorted(cell.id for cell in every)


def test_what_is_done_is_left_out(tmp_path: Path) -> None:
    task = tasks(found(tmp_path), lambda _: True)[0]
    first, second = task.cells
    assert task.without([first.id]).cells == (second,)


def test_an_engine_says_what_it_takes_of_a_node_and_else_the_plan(tmp_path: Path) -> None:
    needs = {cell.names[0]: cell.needs for cell in found(tmp_path)}
    assert needs == {"a": Needs(num_cpus=2, num_gpus=1), "b": Needs(num_cpus=8, num_gpus=4)}


def test_where_a_cell_is_measured_is_no_part_of_what_is_measured(tmp_path: Path) -> None:
    ids = [cell.id for cell in found(tmp_path)]
    assert [cell.id for cell in found(tmp_path, PLAN.replace("num_gpus = 4", "num_gpus = 2"))] == ids


@pytest.mark.parametrize("value", ["true", '"one"', "-1", "1e9"])
def test_other_needs_are_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(DataError, match=r"num_cpus = .* is not allowed"):
        found(tmp_path, PLAN.replace("num_cpus = 2", f"num_cpus = {value}"))
