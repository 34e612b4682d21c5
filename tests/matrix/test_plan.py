from __future__ import annotations

from pathlib import Path

import pytest

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.matrix.plan import Cell, Options, cells, read

PLAN = """
name = "nightly"
repeats = 2

[options]
requests = 20

[[engines]]
name = "old"
base-url = "http://127.0.0.1:1"

[[engines]]
name = "new"
base-url = "http://127.0.0.1:2"

[[workloads]]
workload = "Q1"

[[loads]]
concurrency = 1

[[loads]]
concurrency = 8
"""


def written(folder: Path, text: str = PLAN) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def found(folder: Path, text: str = PLAN, version: str = "1.0") -> tuple[Cell, ...]:
    def version_of(_: Options) -> str:
        return version

    return cells(read(written(folder, text)), version_of)


def test_axes_are_multiplied_out(tmp_path: Path) -> None:
    named = {(cell.names, cell.repeat) for cell in found(tmp_path)}
    assert named == {
        ((engine, "", "Q1", load), repeat) for engine in ("old", "new") for load in "18" for repeat in (0, 1)
    }


def test_engines_take_turns_the_other_way_round_each_time(tmp_path: Path) -> None:
    order = [cell.names[0] for cell in found(tmp_path)]
    assert order == ["old", "new", "new", "old", "new", "old", "old", "new"]


def test_loads_come_the_other_way_round_in_every_second_repeat(tmp_path: Path) -> None:
    order = [(cell.names[3], cell.repeat) for cell in found(tmp_path) if cell.names[0] == "old"]
    assert order == [("1", 0), ("8", 0), ("8", 1), ("1", 1)]


def test_a_cell_says_its_options_to_run_one_word_each(tmp_path: Path) -> None:
    first = found(tmp_path)[0]
    assert first.words[:4] == (
        "--requests=20",
        "--base-url=http://127.0.0.1:1",
        "--workload=Q1",
        "--concurrency=1",
    )


def test_engines_are_asked_the_same_prompts_and_repeats_others(tmp_path: Path) -> None:
    seeds = {(cell.names, cell.repeat): cell.words[-1] for cell in found(tmp_path)}
    assert seeds[("old", "", "Q1", "1"), 0] == seeds[("new", "", "Q1", "1"), 0]
    assert len(set(seeds.values())) == 4


def test_a_changed_plan_keeps_the_ids_of_what_stays(tmp_path: Path) -> None:
    before = {cell.id for cell in found(tmp_path)}
    after = {cell.id for cell in found(tmp_path, PLAN + "\n[[loads]]\nconcurrency = 16\n")}
    assert before < after
    assert len(after - before) == 4


def test_another_engine_version_is_another_measurement(tmp_path: Path) -> None:
    old = {cell.id for cell in found(tmp_path, version="1.0")}
    assert not old & {cell.id for cell in found(tmp_path, version="1.1")}


def test_names_are_for_people_and_change_no_id(tmp_path: Path) -> None:
    renamed = PLAN.replace('"nightly"', '"weekly"').replace('name = "old"', 'name = "older"')
    assert [cell.id for cell in found(tmp_path)] == [cell.id for cell in found(tmp_path, renamed)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("repeats = 0", "repeats = 0 is not allowed"),
        ("repeats = true", "repeats = True is not allowed"),
        ("engine = 1", "there is no 'engine'"),
        ("loads = 3", "loads must be tables"),
        ("loads = []", "loads must be tables"),
        ("[[loads]]\nconcurrency = [1]", "concurrency must be a text"),
        ("[[loads]]\nseed = 1", "'seed' cannot be set in a plan"),
        ("[[loads]]\noutput-dir = 'x'", "'output-dir' cannot be set in a plan"),
        ("[[loads]]\n'--json' = true", "'--json' cannot be set in a plan"),
        ("[[loads]]\nrate = 1\n[[workloads]]\nrate = 2", "rate is stated in two places"),
        ("[[loads]]\nrate = 1\n[[loads]]\nrate = 1", "two of the loads have the same name"),
        ("name = ' '", "name must be a text"),
        ("x", "is not TOML"),
    ],
)
def test_what_is_wrong_with_a_plan_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(written(tmp_path, text))


def test_a_plan_of_too_many_cells_is_refused(tmp_path: Path) -> None:
    loads = "".join(f"[[loads]]\nconcurrency = {n}\n" for n in range(1, 12))
    with pytest.raises(DataError, match="has 11,000 cells"):
        read(written(tmp_path, f"repeats = 1000\n{loads}"))


def test_a_plan_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read(tmp_path / "none.toml")
