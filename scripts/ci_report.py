"""Write ci-report.md about a run of `nox -s ci`, and with --status show its result beside the commit.

Called by local_ci_fallback.sh in the checkout's root; leaves with ci's own exit code.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import runpy
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

REPORT = Path("ci-report.md")
MOST_CHANGES = 10
MOST_FAILED = 50
NOT_POSTED = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One session of ci; `seconds` is None if it never ran."""

    name: str
    result: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Tests:
    """What pytest counted; `coverage` in percent, None if it was not measured."""

    run: int
    skipped: int
    failed: tuple[str, ...]
    coverage: float | None


@dataclass(frozen=True, slots=True)
class Tree:
    """What was checked. A dirty tree is not its commit."""

    commit: str
    branch: str
    changes: tuple[str, ...]
    remote: str


def read_steps(results: Path, order: tuple[str, ...]) -> list[Step]:
    """The documented steps in their order, each with what nox's own report says of it."""
    try:
        sessions = json.loads(results.read_text(encoding="utf-8"))["sessions"]
    except FileNotFoundError:
        sessions = []  # nox itself did not come up
    ran = {session["name"]: session for session in sessions}
    return [_step(name, ran.get(name)) for name in order]


def _step(name: str, ran: dict[str, object] | None) -> Step:
    if ran is None:
        return Step(name, "not run", None)
    seconds = ran.get("duration")
    return Step(name, str(ran["result"]), float(seconds) if isinstance(seconds, (int, float)) else None)


def read_tests(folder: Path) -> Tests | None:
    """What the session `tests` left in nox's folder; None if it did not get that far."""
    try:
        cases = ET.parse(folder / "tests.xml").getroot().findall(".//testcase")  # noqa: S314 - see above
    except (FileNotFoundError, ET.ParseError):  # pytest never ended
        return None
    failed = [
        f"{case.get('classname', '')}::{case.get('name', '')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Tests(len(cases), skipped, tuple(failed), _coverage())


def _coverage() -> float | None:
    """What the tests covered of the package, in percent, as coverage itself says it."""
    said = _output(sys.executable, "-m", "coverage", "report", "--format=total", "--precision=1")
    try:
        return float(said)
    except ValueError:  # it says in words that nothing was measured
        return None


def read_tree(before: str) -> Tree:
    """The tree as it was when ci began: its commit on the first line, then what git status said."""
    commit, *changes = before.splitlines()
    return Tree(
        commit=commit,
        branch=_output("git", "rev-parse", "--abbrev-ref", "HEAD").strip(),
        changes=tuple(line[3:] for line in changes),
        remote=_output("git", "remote", "get-url", "origin").strip(),
    )


def _output(*command: str) -> str:
    answer = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, timeout=60
    )
    return answer.stdout if answer.returncode == 0 else ""


def render(tree: Tree, steps: list[Step], tests: Tests | None, *, code: int, now: datetime) -> str:
    """The page. Names of branches and files are anybody's, so they stand in cells that they cannot leave."""
    rows = [
        ("commit", _cell(tree.commit)),
        ("branch", _cell(tree.branch)),
        ("tree", _changes(tree)),
        (
            "machine",
            f"{_cell(_processor())}, {os.cpu_count()} processors, {_memory_gb():.0f} GB, {_cell(platform.platform())}",
        ),
        (
            "versions",
            f"Python {platform.python_version()}, nox {metadata.version('nox')}, {_output('git', '--version').strip()}",
        ),
        ("finished", now.strftime("%Y-%m-%d %H:%M UTC")),
    ]
    lines = [f"# Local CI: {'passed' if code == 0 else 'FAILED'}", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in rows]
    lines += ["", "| step | result | time |", "|---|---|---|"]
    lines += [f"| `nox -s {step.name}` | {step.result} | {_time(step.seconds)} |" for step in steps]
    lines += _tests(tests)
    return "\n".join([*lines, "", "Written by `bash scripts/local_ci_fallback.sh`.", ""])


def _tests(tests: Tests | None) -> list[str]:
    """How many there were, how much they cover, and the names of those that failed."""
    if tests is None:
        return ["", "Tests: no results, pytest did not come to its end."]
    passed = tests.run - tests.skipped - len(tests.failed)
    counts = (
        f"{tests.run:,} tests: {passed:,} passed, {len(tests.failed):,} failed, {tests.skipped:,} skipped"
    )
    covered = "not measured" if tests.coverage is None else f"{tests.coverage:.1f} %"
    lines = ["", f"{counts}. Branch coverage: {covered}."]
    lines += ["", "Failed:", ""] if tests.failed else []
    lines += [f"- {_cell(name)}" for name in tests.failed[:MOST_FAILED]]
    more = len(tests.failed) - MOST_FAILED
    return [*lines, f"- and {more} more"] if more > 0 else lines


def _changes(tree: Tree) -> str:
    if not tree.changes:
        return "clean"
    listed = ", ".join(map(_cell, tree.changes[:MOST_CHANGES]))
    return f"dirty, {len(tree.changes)} changed files: {listed}{' …' if len(tree.changes) > MOST_CHANGES else ''}"


def _cell(text: str) -> str:
    """Text as code inside one cell of a table."""
    line = "".join(char if char.isprintable() else " " for char in text)
    return f"`{line.replace('`', ' ').replace('|', ' ')}`" if line else "unknown"


def _time(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f} s"


def _processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return _output("sysctl", "-n", "machdep.cpu.brand_string").strip() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def post(tree: Tree, *, code: int) -> str:
    """Show the result beside the commit; returns what to tell. Raises the program's own errors."""
    from sagellm_benchmark.codehost import code_host  # noqa: PLC0415 - absent where ci could not even install it
    from sagellm_benchmark.errors import DataError  # noqa: PLC0415

    if tree.changes:
        raise DataError(
            "no status is posted: the tree has changes, so it is not the commit",
            hint="commit them, then run again",
        )
    host = code_host(os.environ, tree.remote)
    if host is None:
        raise DataError(
            "no status is posted: no token or no repository",
            hint="set GITHUB_TOKEN, and GITHUB_REPOSITORY=owner/name",
        )
    host.post_status(
        tree.commit, passed=code == 0, description=f"nox -s ci on {platform.system()} {platform.machine()}"
    )
    return f"posted to {host.repository} beside {tree.commit[:12]}"


def main(arguments: list[str]) -> int:
    """Report, post if asked, and pass ci's exit code on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tree", required=True, help="what git rev-parse HEAD and git status --porcelain said before"
    )
    parser.add_argument("--results", type=Path, required=True, help="what nox --report wrote")
    parser.add_argument("--code", type=int, required=True, help="nox's exit code")
    parser.add_argument("--status", action="store_true", help="show the result beside the commit")
    asked = parser.parse_args(arguments)
    tree = read_tree(asked.tree)
    steps = read_steps(asked.results, runpy.run_path("noxfile.py")["CHAINS"]["ci"])
    tests = read_tests(asked.results.parent)
    page = render(tree, steps, tests, code=asked.code, now=datetime.now(UTC))
    REPORT.write_text(page, encoding="utf-8")
    print(f"{page}\nin {REPORT.resolve()}")
    return _status(tree, asked.code) if asked.status else asked.code


def _status(tree: Tree, code: int) -> int:
    try:
        from sagellm_benchmark.errors import BenchmarkError  # noqa: PLC0415
    except ImportError:
        print("error: no status is posted: the checks could not be installed", file=sys.stderr)
        return code or NOT_POSTED
    try:
        print(post(tree, code=code))
    except BenchmarkError as error:
        print(f"error: {error.message}\nnext:  {error.hint}", file=sys.stderr)
        return code or NOT_POSTED
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
