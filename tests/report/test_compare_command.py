"""`sagellm-benchmark compare` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.errors import Exit
from sagellm_benchmark.report.folder import save
from tests import command
from tests.fakes import foreign
from tests.fakes.records import a_record
from tests.runs.test_comparison import repeat

pytestmark = pytest.mark.no_cover


def a_run(folder: Path, ttft: float, seed: int = 0, **changes: Any) -> None:
    folder.mkdir()
    save(folder, a_record(repeats=[repeat(seed + i, ttft) for i in range(4)], **changes))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    a_run(tmp_path / "before", 0.100)
    a_run(tmp_path / "again", 0.1, seed=10)
    a_run(tmp_path / "after", 0.12, seed=20)
    return tmp_path


def test_a_regression_ends_with_6_and_is_in_the_jobs_summary(runs: Path) -> None:
    summary = runs / "summary.md"
    done = command.run(
        "compare",
        "before",
        "after",
        "--fail-if",
        "ttft>+5%",
        cwd=runs,
        env={"GITHUB_STEP_SUMMARY": str(summary)},
    )
    assert done.returncode == Exit.INVALID_RUN
    assert "B is slower" in done.stdout
    assert "regression: ttft>+5%" in done.stdout
    assert "### B is slower" in summary.read_text()


def test_a_run_that_is_as_fast_passes(runs: Path) -> None:
    done = command.run("compare", "before", "again", "--fail-if", "ttft>+5%", cwd=runs)
    assert done.returncode == Exit.DONE
    assert "cannot tell" in done.stdout


def test_several_runs_are_each_compared_with_the_first_as_json(runs: Path) -> None:
    done = command.run("compare", "before", "again", "after", "--json", cwd=runs)
    found = json.loads(done.stdout)
    assert [(one["a"], one["b"], one["verdict"]) for one in found] == [
        ("before", "again", "cannot tell"),
        ("before", "after", "slower"),
    ]
    assert found[1]["figures"]["ttft.mean"]["difference"] == pytest.approx(0.19, abs=0.02)


def test_a_rows_file_can_stand_for_a_run(runs: Path) -> None:
    done = command.run("compare", "before/Q1_leaderboard.json", "after", cwd=runs)
    assert done.returncode == Exit.DONE
    assert "a leaderboard row does not say how sure its figures are" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("before",), Exit.USAGE, "nothing to compare"),
        (("before", "gone"), Exit.DATA, "cannot read gone: No such file or directory\nnext:  check its name"),
        (("before", "before/REPORT.md"), Exit.DATA, "not JSON"),
        (("before", "after", "--fail-if", "speed>1%"), Exit.USAGE, "--fail-if"),
    ],
)
def test_what_cannot_be_compared_is_named(runs: Path, words: tuple[str, ...], code: Exit, said: str) -> None:
    done = command.run("compare", *words, cwd=runs)
    assert (done.returncode, said in done.stderr) == (code, True)


def test_an_invalid_run_needs_force(runs: Path) -> None:
    a_run(runs / "bad", 0.1, valid=False, reasons=("not streamed",))
    assert command.run("compare", "before", "bad", cwd=runs).returncode == Exit.DATA
    forced = command.run("compare", "before", "bad", "--force", cwd=runs)
    assert (forced.returncode, "attention: bad is not valid" in forced.stdout) == (Exit.DONE, True)


def test_another_clients_results_stand_beside_a_run(runs: Path) -> None:
    foreign.write_guidellm(runs / "benchmarks.json", foreign.guidellm())
    done = command.run("compare", "before", "benchmarks.json", "--force", cwd=runs)
    assert done.returncode == Exit.DONE, done.stderr
    assert "benchmarks.json (guidellm)" in done.stdout
    assert "not checked of B: " in done.stdout
    told = command.run("compare", "before", "benchmarks.json", "--force", "--lang", "zh", cwd=runs)
    assert "  B 未检查：" in told.stdout
    assert "回答的文本和要求的长度：文件中没有; 事件之间的间隔：guidellm 只保存" in told.stdout


def test_the_jobs_summary_of_a_comparison_is_chinese_where_the_workflow_says_so(runs: Path) -> None:
    summary = runs / "summary.md"
    chinese = {"GITHUB_STEP_SUMMARY": str(summary), "SAGELLM_LANG": "zh"}
    command.run("compare", "before", "after", "--fail-if", "ttft>+5%", cwd=runs, env=chinese)
    said = summary.read_text()
    assert said.startswith("### B 更慢\n\nA: before, B: after\n\n- **退步**: ttft&gt;+5%")
    assert "| 数字 | A | B | 差异 | 95 % | B 的结论 |" in said
    assert "| TTFT 均值, ms |" in said
