"""`aggregate` and `validate` through the real command, with files as bad as they come."""

from __future__ import annotations

import html
import json
import os
from pathlib import Path

import pytest

from sagellm_benchmark.files import to_json
from tests import command
from tests.board.boards import PUBLISHED
from tests.board.test_aggregate import a_run
from tests.fakes.hub_server import REPO, HubServer
from tests.fakes.rows import new_row

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

SINGLE = "hf_data/leaderboard_single.json"


def test_validate_prints_a_verdict_for_each_published_row(tmp_path: Path) -> None:
    done = command.run("validate", str(PUBLISHED), "--json", cwd=tmp_path)
    rows = json.loads(done.stdout)["rows"]
    assert done.returncode == 0
    assert [(row["valid"], row["reasons"]) for row in rows] == [(True, [])] * 23


def test_validate_refuses_each_of_them_as_new(tmp_path: Path) -> None:
    done = command.run("validate", str(PUBLISHED), "--as-new", "--json", cwd=tmp_path)
    rows = json.loads(done.stdout)["rows"]
    assert done.returncode == 3
    assert len(rows) == 23
    assert all(row["valid"] is False and row["reasons"] for row in rows)


def test_validate_without_files_looks_into_hf_data(tmp_path: Path) -> None:
    (tmp_path / "hf_data").mkdir()
    (tmp_path / SINGLE).write_bytes(to_json([new_row(metrics__ttft_ms=-1)]))
    done = command.run("validate", cwd=tmp_path)
    assert done.returncode == 3
    assert "leaderboard_single.json, row 0" in done.stdout
    assert "metrics.ttft_ms is -1; it must be" in done.stdout
    assert "0 of 1 row valid" in done.stdout


def test_validate_has_nothing_against_no_rows(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text("[]")
    done = command.run("validate", "rows.json", cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "0 of 0 rows valid")


def test_validate_without_any_file_says_that_there_is_none(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    done = command.run("validate", cwd=tmp_path, env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert (done.returncode, "no files to check" in done.stdout) == (0, True)
    assert "no files to check" in summary.read_text()


def test_validate_tells_which_rows_pass_only_because_they_may_be_published(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    forged = new_row(metrics__throughput_tps=1e6)
    del forged["schema_version"]
    (tmp_path / "rows.json").write_bytes(to_json([new_row(), forged]))
    done = command.run("validate", "rows.json", cwd=tmp_path, env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert done.returncode == 0
    assert "1 of them only because they are published already" in done.stdout
    assert summary.read_text().count("refused as new") == 1


def test_a_job_summary_that_cannot_be_written_keeps_no_verdict_back(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_bytes(to_json([new_row(metrics__ttft_ms=-1)]))
    done = command.run("validate", "rows.json", cwd=tmp_path, env={"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert done.returncode == 3
    assert "0 of 1 row valid" in done.stdout
    assert done.stderr == "the job summary could not be written: Is a directory\n"


def test_a_workflows_job_summary_gets_a_table_that_no_row_can_break(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    bad = new_row(metadata__notes="<img src=x> | **bold** \u202e", entry_id="a|b")
    links = [
        new_row(entry_id=address)
        for address in ("https://evil.example", "www.evil.example", "a@evil.example")
    ]
    (tmp_path / "rows.json").write_bytes(to_json([new_row(), bad, *links]))
    done = command.run("validate", "rows.json", cwd=tmp_path, env={"GITHUB_STEP_SUMMARY": str(summary)})
    table = summary.read_text()
    assert done.returncode == 3
    assert "| rows&#46;json, row 0 |" in table
    assert "| valid |" in table
    assert not any(text in table for text in ("<img", "://", "www.", "a@"))
    assert all(line.count("|") == 4 for line in table.splitlines() if line.startswith("|"))


def test_a_workflows_job_summary_stays_small_enough_to_be_shown(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    rows = [{"entry_id": f"{number}" + "|" * 10_000, "model": "|" * 10_000} for number in range(150)]
    (tmp_path / "rows.json").write_bytes(to_json(rows))
    command.run("validate", "rows.json", cwd=tmp_path, env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert 100_000 < summary.stat().st_size < 600_000
    assert "more |" in summary.read_text().splitlines()[-2]


def test_a_file_name_cannot_command_a_workflow(tmp_path: Path) -> None:
    name = "x\n::error title=pwned::y\x1b[2J.json"
    (tmp_path / name).write_bytes(to_json([new_row(metrics__ttft_ms=-1)]))
    done = command.run("validate", name, cwd=tmp_path)
    assert "\n::" not in done.stdout
    assert "\x1b" not in done.stdout


def test_a_name_that_is_no_text_is_told_as_json(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.json")
    (tmp_path / name).write_text("nothing")
    done = command.run("validate", name, "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (3, "")
    assert len(json.loads(done.stdout)["damaged"]) == 1


HOSTILE = {
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a row of 10 MB": to_json([new_row(extra="x" * 10_000_000)]),
    "100,000 rows": b"[" + b"{}," * 99_999 + b"{}]",
    "NaN": b'[{"metrics": {"ttft_ms": NaN}}]',
    "1e999": b"[1e999]",
    "UTF-16": "[]".encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf[]",
    "a long number": b"[" + b"9" * 1_000_000 + b"]",
    "a repeated key": b'[{"entry_id": "a", "entry_id": "b"}]',
    "nothing": b"",
    "zeros": bytes(1_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_validate_refuses_a_hostile_file_in_bounded_time_and_memory(tmp_path: Path, name: str) -> None:
    (tmp_path / "rows.json").write_bytes(HOSTILE[name])
    done = command.run("validate", "--as-new", "rows.json", cwd=tmp_path, timeout=30)
    assert done.returncode == 3
    assert "rows.json" in done.stdout
    assert "Traceback" not in done.stderr
    assert len(done.stdout) < 20_000
    assert done.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "missing"])
def test_validate_refuses_what_is_no_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "rows.json"
    if kind == "link":
        path.symlink_to(PUBLISHED)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    done = command.run("validate", "rows.json", cwd=tmp_path, timeout=30)
    assert done.returncode == 3
    assert "rows.json" in done.stdout


def test_aggregate_writes_both_boards_and_says_what_to_type_next(tmp_path: Path) -> None:
    a_run(tmp_path / "outputs", new_row())
    done = command.run("aggregate", "--offline", cwd=tmp_path)
    assert done.returncode == 0
    assert "1 finished run under outputs/: 1 added" in done.stdout
    assert "next:  sagellm-benchmark publish" in done.stdout
    assert json.loads((tmp_path / SINGLE).read_bytes()) == [new_row()]
    assert (tmp_path / "hf_data/leaderboard_multi.json").read_bytes() == b"[]\n"


def test_aggregate_merges_with_the_published_board(tmp_path: Path) -> None:
    better = new_row(metrics__throughput_tps=79.0)
    a_run(tmp_path / "outputs", better)
    published = [*json.loads(PUBLISHED.read_bytes()), new_row()]
    with HubServer() as hub:
        hub.history.add({"leaderboard_single.json": to_json(published), "README.md": b"card"}, "earlier")
        done = command.run("aggregate", "--repo", REPO, "--json", cwd=tmp_path, env={"HF_ENDPOINT": hub.url})
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert (said["kept"], said["rows"]) == (23, 24)
    assert [row["other"] for row in said["improved"]] == [new_row()["entry_id"]]
    assert better in json.loads((tmp_path / SINGLE).read_bytes())


def test_aggregate_stops_at_a_published_board_that_is_damaged(tmp_path: Path) -> None:
    a_run(tmp_path / "outputs", new_row())
    with HubServer() as hub:
        hub.history.add({"leaderboard_single.json": b'{"not": "a board"}'}, "a slip")
        done = command.run("aggregate", "--repo", REPO, cwd=tmp_path, env={"HF_ENDPOINT": hub.url})
    assert done.returncode == 3
    assert "the published leaderboard_single.json" in done.stderr
    assert not (tmp_path / "hf_data").exists()


def test_aggregate_twice_changes_nothing(tmp_path: Path) -> None:
    a_run(tmp_path / "outputs", new_row())
    command.run("aggregate", "--offline", cwd=tmp_path)
    before = (tmp_path / SINGLE).read_bytes()
    done = command.run("aggregate", "--offline", cwd=tmp_path)
    assert "nothing to change" in done.stdout
    assert (tmp_path / SINGLE).read_bytes() == before


def test_aggregate_ends_with_3_when_a_run_is_damaged_and_keeps_the_others(tmp_path: Path) -> None:
    a_run(tmp_path / "outputs", b"{", "Q1_20261120_001")
    a_run(tmp_path / "outputs", new_row(), "Q1_20261120_002")
    done = command.run("aggregate", "--offline", "--json", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert done.returncode == 3
    assert "Q1_20261120_001" in said["damaged"][0]["file"]
    assert [row["entry_id"] for row in said["added"]] == [new_row()["entry_id"]]
    assert json.loads((tmp_path / SINGLE).read_bytes()) == [new_row()]


def test_aggregate_without_the_hub_ends_with_4_and_changes_nothing(tmp_path: Path) -> None:
    a_run(tmp_path / "outputs", new_row())
    (tmp_path / "hf_data").mkdir()
    (tmp_path / SINGLE).write_bytes(b"[]")
    done = command.run("aggregate", cwd=tmp_path)
    assert done.returncode == 4
    assert "--offline" in done.stderr
    assert "sagellm-benchmark aggregate --offline" in done.stderr
    assert [path.name for path in (tmp_path / "hf_data").iterdir()] == ["leaderboard_single.json"]
    assert (tmp_path / SINGLE).read_bytes() == b"[]"


def test_quiet_is_silent_about_waiting_until_it_gives_up(tmp_path: Path) -> None:
    done = command.run("aggregate", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: ")


def test_aggregate_leaves_a_damaged_board_as_it_was(tmp_path: Path) -> None:
    a_run(tmp_path / "outputs", new_row())
    (tmp_path / "hf_data").mkdir()
    (tmp_path / SINGLE).write_bytes(b"[{")
    done = command.run("aggregate", "--offline", cwd=tmp_path)
    assert done.returncode == 3
    assert SINGLE in done.stderr
    assert (tmp_path / SINGLE).read_bytes() == b"[{"


def test_aggregate_names_dummy_weights_as_left_out(tmp_path: Path) -> None:
    a_run(tmp_path / "outputs", new_row(model__weights="dummy"))
    done = command.run("aggregate", "--offline", cwd=tmp_path)
    assert done.returncode == 0
    assert "1 left out" in done.stdout
    assert "weights: dummy" in done.stdout


def test_aggregate_without_runs_says_how_to_make_one(tmp_path: Path) -> None:
    done = command.run("aggregate", "--offline", cwd=tmp_path)
    assert done.returncode == 0
    assert "sagellm-benchmark run" in done.stdout


def test_a_refused_row_is_told_in_chinese_on_screen_and_in_the_jobs_summary(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    (tmp_path / "rows.json").write_bytes(to_json([new_row(metrics__ttft_ms=-1)]))
    chinese = {"GITHUB_STEP_SUMMARY": str(summary), "SAGELLM_LANG": "zh"}
    done = command.run("validate", "rows.json", "gone.json", cwd=tmp_path, env=chinese)
    assert "✗ 无法读取 gone.json：没有这个文件或文件夹" in done.stdout
    assert "✗ rows.json，第 0 条  " in done.stdout
    assert "metrics.ttft_ms 是 -1" in done.stdout
    said = html.unescape(summary.read_text())
    assert said.startswith("### 排行榜记录\n\n| 记录 | entry_id | 结论 |")
    assert "✗ 无法读取 gone.json：没有这个文件或文件夹" in said
    assert "✗ metrics.ttft_ms 是 -1" in said
