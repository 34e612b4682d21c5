from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sagellm_benchmark.board.aggregate import Report, Skipped
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.merge import merge
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.board.validate import Checked, Validation
from sagellm_benchmark.board.waiting import Unsound
from sagellm_benchmark.report.board import (
    aggregate_json,
    aggregate_text,
    validation_markdown,
    validation_text,
)
from sagellm_benchmark.report.job_summary import add_to_job_summary
from tests.fakes.rows import new_row, new_rows


def a_report(published: list[Any], submitted: list[Any], **changes: Any) -> Report:
    merged = merge(published, submitted)
    facts: dict[str, Any] = {
        "outputs": Path("outputs"),
        "hf_data": Path("hf_data"),
        "outcomes": tuple((Path(f"outputs/{at}/row.json"), one) for at, one in enumerate(merged.outcomes)),
        "left_out": (),
        "damaged": (),
        "unsound": (),
        "kept": 0,
        "total": len(merged.entries),
        "written": ("leaderboard_single.json",),
        "offline": False,
        **changes,
    }
    return Report(**facts)


def checked(*reasons: str, row: Any = None) -> Checked:
    return Checked(Found("rows.json", 0, row), reasons)


def test_each_run_has_a_line_with_what_became_of_it() -> None:
    slow, fast = new_row(metrics__throughput_tps=10.0), new_row()
    lines = aggregate_text(a_report([slow], [fast, new_row(engine="vllm")])).splitlines()
    assert lines[0] == "2 finished runs under outputs/: 1 added, 1 improved"
    assert lines[1].split("  ")[1] == "improved"
    assert f"77.0 tok/s  was 10.0 tok/s ({slow['entry_id'][:8]})" in lines[1]
    assert lines[2].split()[0] == "added"


def test_rows_that_lay_there_and_may_not_be_published_are_told_with_their_reasons() -> None:
    unsound = Unsound(Entry.of(new_row()), ("entry_id is not its own",))
    text = aggregate_text(a_report([], [], unsound=(unsound,)))
    assert f"  {new_row()['entry_id']}  {new_row()['model']['name']}\n    entry_id is not its own" in text
    facts = aggregate_json(a_report([], [], unsound=(unsound,)))
    assert facts["unsound"] == [{"entry_id": new_row()["entry_id"], "reasons": ["entry_id is not its own"]}]


def test_a_beaten_run_names_what_it_was_beaten_by() -> None:
    fast = new_row()
    text = aggregate_text(a_report([fast], [new_row(metrics__throughput_tps=None)]))
    assert f"–  by 77.0 tok/s ({fast['entry_id'][:8]})" in " ".join(text.split(" "))


def test_what_was_skipped_is_listed_with_its_reasons_and_what_to_do() -> None:
    left = Skipped(Path("outputs/a"), ("weights: dummy",))
    damaged = Skipped(Path("outputs/b"), ("cut off", "and \x1b[31mred"))
    text = aggregate_text(a_report([], [], left_out=(left,), damaged=(damaged,)))
    assert "1 left out, 1 damaged" in text
    assert "  outputs/a\n    weights: dummy" in text
    assert "  outputs/b\n    cut off\n    and �[31mred" in text
    assert "next:  delete or repair" in text


def test_a_long_list_is_cut_and_counted() -> None:
    text = aggregate_text(a_report([], new_rows(201)))
    assert "and 1 more; --json lists them all" in text


def test_json_lists_runs_by_their_fate() -> None:
    said = aggregate_json(a_report([new_row()], [new_row(), new_row(metrics__throughput_tps=1.0)]))
    assert [row["file"] for row in said["already_there"]] == ["outputs/0/row.json"]
    assert [row["other"] for row in said["beaten"]] == [new_row()["entry_id"]]
    assert said["added"] == said["improved"] == []


def test_a_long_validation_is_cut_and_counted() -> None:
    text = click.unstyle(validation_text(Validation((checked("bad"),) * 201, ("gone",), 2)))
    assert text.startswith("✗ gone\n✗ rows.json, row 0  no entry_id\n    bad")
    assert text.endswith("✗ and 1 more; --json lists them all\n0 of 201 rows valid")


def test_a_job_summary_is_added_to_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("before\n")
    validation = Validation((checked(), *[checked("bad")] * 200), ("gone",), 2)
    add_to_job_summary(validation_markdown(validation), {"GITHUB_STEP_SUMMARY": str(path)})
    lines = path.read_text().splitlines()
    assert lines[0] == "before"
    assert "| | | ✗ gone |" in lines
    assert "| | | and 2 more |" in lines
    assert not any("| valid |" in line for line in lines)  # refused rows come first


def test_outside_a_workflow_there_is_no_summary() -> None:
    add_to_job_summary(validation_markdown(Validation((), (), 0)), {})


def test_a_row_that_would_be_refused_as_new_is_told_apart_from_a_valid_one(tmp_path: Path) -> None:
    old = Checked(Found("rows.json", 1, None), (), ("engine is missing",))
    validation = Validation((checked(), old), (), 1)
    assert click.unstyle(validation_text(validation)).splitlines() == [
        "2 of 2 rows valid",
        "1 of them only because they are published already; --as-new says what new ones lack",
    ]
    add_to_job_summary(validation_markdown(validation), {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")})
    rows = [line for line in (tmp_path / "summary").read_text().splitlines() if line.startswith("| rows")]
    assert rows == [
        "| rows&#46;json, row 1 |  | valid if already published; refused as new&#58; engine is missing |",
        "| rows&#46;json, row 0 |  | valid |",
    ]


def test_a_verdict_is_green_where_all_rows_are_valid_and_red_where_one_is_not() -> None:
    green, red = "\x1b[32m", "\x1b[31m"
    assert validation_text(Validation((checked(),), (), 1)).startswith(green)
    assert validation_text(Validation((checked(), checked("bad")), (), 1)).splitlines()[-1].startswith(red)
