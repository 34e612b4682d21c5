"""scripts/local_ci_fallback.sh runs ci, writes the report, and shows the result where it is asked to."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from coverage import CoverageData

from tests.fakes.code_host import code_host_server
from tests.house import ROOT, clean_environment

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

# Stands for nox: writes the results that nox would, to the file that --report names, and leaves with CODE.
NOX = """#!/bin/sh
[ "$1" = --report ] || exit 99
[ -z "$RESULTS" ] || printf '%s' "$RESULTS" > "$2"
[ -z "$JUNIT" ] || printf '%s' "$JUNIT" > "${2%/*}/tests.xml"
[ -z "$COVERAGE" ] || cp "$COVERAGE" .coverage
shift 2
echo "nox $*"
[ -z "$CORRECTED" ] || echo "# corrected" >> noxfile.py
exit "${CODE:-0}"
"""
PASSED = {"lint": 61.25, "version_guard": 0.1, "tests": 90.0, "build": 12.0}
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b")


def results(durations: dict[str, float], failed: str = "") -> str:
    sessions = [
        {"name": name, "result": "failed" if name == failed else "success", "duration": seconds}
        for name, seconds in {"ci": 0.0, **durations}.items()
    ]
    return json.dumps({"result": 1, "sessions": sessions})


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout with the real scripts and noxfile, and a nox that only pretends."""
    tree = tmp_path / "a checkout"
    (tree / "scripts").mkdir(parents=True)
    for name in (
        "scripts/local_ci_fallback.sh",
        "scripts/ci_report.py",
        "noxfile.py",
        "pyproject.toml",
        ".gitignore",
    ):
        shutil.copy(ROOT / name, tree / name)
    program(tree / "scripts/nox.sh", NOX)
    program(tree / ".nox/dev/bin/python", f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    git(tree, "init", "-q", "-b", "main")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "x")
    git(tree, "remote", "add", "origin", "git@github.com:me/it.git")
    return tree


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def git(tree: Path, *words: str) -> str:
    command = (*GIT, "-C", str(tree), *words)
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=clean_environment()
    ).stdout.strip()


def fallback(tree: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("bash", tree / "scripts/local_ci_fallback.sh", *words),
        cwd="/",
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def report(tree: Path) -> str:
    return (tree / "ci-report.md").read_text()


def test_it_runs_ci_from_any_folder_and_reports_each_step(checkout: Path) -> None:
    answer = fallback(checkout, RESULTS=results(PASSED))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("nox -s ci\n")
    page = report(checkout)
    assert "# Local CI: passed" in page
    assert git(checkout, "rev-parse", "HEAD") in page
    assert "| tree | clean |" in page
    assert [line for line in page.splitlines() if line.startswith("| `nox -s")] == [
        "| `nox -s lint` | success | 61.2 s |",
        "| `nox -s version_guard` | success | 0.1 s |",
        "| `nox -s tests` | success | 90.0 s |",
        "| `nox -s build` | success | 12.0 s |",
    ]


def test_a_failed_step_is_reported_and_its_exit_code_kept(checkout: Path) -> None:
    answer = fallback(
        checkout, CODE="7", RESULTS=results({"lint": 1.0, "version_guard": 0.1}, failed="version_guard")
    )
    assert answer.returncode == 7
    page = report(checkout)
    assert "# Local CI: FAILED" in page
    assert "| `nox -s version_guard` | failed | 0.1 s |" in page
    assert "| `nox -s build` | not run | – |" in page


JUNIT = """<?xml version="1.0"?><testsuites><testsuite tests="4">
<testcase classname="tests.a.test_b" name="test_fine"/>
<testcase classname="tests.a.test_b" name="test_with[a|b`]"><failure message="no">trace</failure></testcase>
<testcase classname="tests.a.test_b" name="test_never_set_up"><error message="no">trace</error></testcase>
<testcase classname="tests.a.test_b" name="test_elsewhere"><skipped message="no"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def measured(checkout: Path, tmp_path: Path) -> str:
    """What coverage kept of a module: it ran 3 lines of 3, and 1 branch of 2."""
    module = checkout / "measured.py"
    module.write_text("import os\nif os.name:\n    known = True\n")
    data = CoverageData(str(tmp_path / "measured"))
    data.add_arcs({str(module): [(-1, 1), (1, 2), (2, 3), (3, -1)]})
    data.close()
    return str(tmp_path / "measured")


def test_failed_tests_are_named_and_counted_beside_the_coverage(checkout: Path, measured: str) -> None:
    fallback(checkout, CODE="1", RESULTS=results(PASSED, failed="tests"), JUNIT=JUNIT, COVERAGE=measured)
    page = report(checkout)
    assert "4 tests: 1 passed, 2 failed, 1 skipped. Branch coverage: 80.0 %." in page
    assert [line for line in page.splitlines() if line.startswith("- ")] == [
        "- `tests.a.test_b::test_with[a b ]`",
        "- `tests.a.test_b::test_never_set_up`",
    ]


def test_where_the_tests_never_ended_no_earlier_ones_are_reported(checkout: Path, measured: str) -> None:
    fallback(checkout, RESULTS=results(PASSED), JUNIT=JUNIT, COVERAGE=measured)
    fallback(checkout, CODE="1", RESULTS=results({"lint": 1.0}, failed="lint"))
    assert "Tests: no results" in report(checkout)


def test_old_results_are_never_reported_again(checkout: Path) -> None:
    fallback(checkout, RESULTS=results(PASSED))
    assert fallback(checkout, CODE="2", RESULTS="").returncode == 2
    assert report(checkout).count("not run") == 4


def test_a_dirty_tree_is_said_to_be_dirty_whatever_its_files_are_called(checkout: Path) -> None:
    (checkout / "new | <b>`x`").write_text("")
    fallback(checkout, RESULTS=results(PASSED))
    (line,) = [line for line in report(checkout).splitlines() if line.startswith("| tree")]
    assert "dirty, 1 changed files" in line
    assert line.count("|") == 3
    assert line.count("`") == 2


def test_what_the_hooks_correct_does_not_make_the_checked_tree_dirty(checkout: Path) -> None:
    fallback(checkout, RESULTS=results(PASSED), CORRECTED="yes")
    assert "| tree | clean |" in report(checkout)


def test_an_unknown_option_runs_nothing(checkout: Path) -> None:
    answer = fallback(checkout, "--publish")
    assert answer.returncode == 2
    assert "usage" in answer.stderr
    assert answer.stdout == ""


def status(
    tree: Path, answer: int = 201, **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[object]]:
    """Run with --status against a code host; what came back and what it was sent."""
    path = f"/repos/me/it/statuses/{git(tree, 'rev-parse', 'HEAD')}"
    with code_host_server({path: (answer, {"message": "no"})}) as server:
        settings = {"GITHUB_API_URL": server.url, "GITHUB_TOKEN": "ghs_secret"} | environment
        done = fallback(tree, "--status", RESULTS=results(PASSED), **settings)
    return done, [request.body for request in server.asked]


def test_a_status_is_posted_beside_the_commit(checkout: Path) -> None:
    answer, sent = status(checkout)
    assert answer.returncode == 0, answer.stderr
    (body,) = sent
    assert isinstance(body, dict)
    assert (body["state"], body["context"]) == ("success", "local-ci")


def test_a_failure_is_posted_as_one_and_still_fails(checkout: Path) -> None:
    answer, sent = status(checkout, CODE="1")
    assert answer.returncode == 1
    (body,) = sent
    assert isinstance(body, dict)
    assert body["state"] == "failure"


def test_a_dirty_tree_is_never_posted_as_its_commit(checkout: Path) -> None:
    (checkout / "new").write_text("")
    answer, sent = status(checkout)
    assert (answer.returncode, sent) == (4, [])
    assert "commit them" in answer.stderr


def test_without_a_token_nothing_is_posted_and_it_says_so(checkout: Path) -> None:
    answer, sent = status(checkout, GITHUB_TOKEN="")
    assert (answer.returncode, sent) == (4, [])
    assert "GITHUB_TOKEN" in answer.stderr


def test_a_refused_status_is_told_without_the_token(checkout: Path) -> None:
    answer, sent = status(checkout, answer=403)
    assert answer.returncode == 4
    assert len(sent) == 1
    assert "ghs_secret" not in answer.stdout + answer.stderr + report(checkout)


def test_without_the_program_the_report_is_written_all_the_same(checkout: Path) -> None:
    bare = f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c \"import sys; sys.modules['sagellm_benchmark'] = None; "
    bare += (
        'import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name=\'__main__\')" "$@"\n'
    )
    program(checkout / ".nox/dev/bin/python", bare)
    answer, sent = status(checkout, CODE="1")
    assert (answer.returncode, sent) == (1, [])
    assert "could not be installed" in answer.stderr
    assert "FAILED" in report(checkout)


def test_without_any_python_it_says_so_and_keeps_the_exit_code(checkout: Path) -> None:
    shutil.rmtree(checkout / ".nox/dev")
    answer = fallback(checkout, CODE="9", RESULTS="")
    assert answer.returncode == 9
    assert answer.stderr.startswith("no report")
    assert not (checkout / "ci-report.md").exists()
