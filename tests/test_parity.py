"""Laptop and Actions are the same thing: noxfile, Makefile, workflows, fallback script and CONTRIBUTING.md agree."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import nox
import pytest
import yaml

from tests.house import ROOT, clean_environment, load_noxfile

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
# What fetches, keeps or signs files; everything else is a session.
SET_UP = (
    "actions/checkout",
    "actions/setup-python",
    "actions/upload-artifact",
    "actions/download-artifact",
    "actions/attest",
    "actions/upload-pages-artifact",
    "actions/deploy-pages",
)
NOX = "python -m pip install --require-hashes --only-binary=:all: -r locks/nox.txt"
ONE_SESSION = re.compile(r"nox -s (?P<session>[a-z_]+)(?P<rest>( -- --(check|yes|published|skip-invalid))?)")

# What people run here, and the workflow that runs the same once it has installed that.
ONLY_THERE = ("release.yml",)  # the index trusts the workflow, and nobody's laptop
SAME = {
    "ci": "ci.yml",
    "publish": "upload-to-hf.yml",
    "bench": "bench.yml",
    "validate": "validate-rows.yml",
    "check-board": "check-board.yml",
}
AFTERWARDS = {"upload-to-hf.yml": ["site"]}  # shows what was done; here it is a target of its own


@pytest.fixture(scope="module")
def noxfile() -> ModuleType:
    return load_noxfile()


def load(workflow: Path) -> dict[Any, Any]:
    content = yaml.safe_load(workflow.read_text())
    assert isinstance(content, dict)
    content["on"] = content.pop(True)  # YAML 1.1 reads the key `on` as a boolean
    return content


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in load(workflow)["jobs"].values() for step in job["steps"]]


def faults(step: dict[str, Any]) -> list[str]:
    """Why a step is neither setting up nor one nox session."""
    if "uses" in step:
        return (
            []
            if step["uses"].partition("@")[0] in SET_UP and "run" not in step
            else ["does work by an action"]
        )
    if set(step) - {"run", "env", "name"}:
        return ["is more than a command and its environment"]
    run = step.get("run", "").strip()
    return [] if run == NOX or ONE_SESSION.fullmatch(run) else ["is not one nox session"]


def sessions(workflow: Path) -> list[str]:
    found = (ONE_SESSION.fullmatch(step["run"].strip()) for step in steps(workflow) if "run" in step)
    return [match["session"] for match in found if match and match["session"] != "install"]


def leaves(name: str, noxfile: ModuleType) -> list[str]:
    """A session, or the sessions that a chain consists of."""
    return list(noxfile.CHAINS.get(name, (name,)))


def recipe(target: str) -> str:
    """What make would hand to the shell for a target."""
    dry = subprocess.run(
        ("make", "-n", target), cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True
    )
    return dry.stdout.replace("\\\n", " ").strip()


def session_of(target: str) -> str:
    match = re.fullmatch(r"set -f; exec scripts/nox\.sh -s ([a-z_]+)( -- .*)?", recipe(target), re.DOTALL)
    assert match, f"{target} is not one nox session: {recipe(target)}"
    return match[1]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_each_step_of_a_workflow_sets_up_or_is_one_nox_session(workflow: Path) -> None:
    assert [(step, faults(step)) for step in steps(workflow) if faults(step)] == []


@pytest.mark.parametrize(
    "step",
    [
        {"run": "pytest"},
        {"run": "nox -s ci && pytest"},
        {"run": "nox -s ci\npytest"},
        {"run": "nox -s lint tests"},
        {"run": "python -m pip install nox"},
        {"run": "nox -s publish", "shell": "python"},
        {"run": "nox -s clean -- ${{ github.head_ref }}"},
        {"run": "nox -s publish", "continue-on-error": True},
        {"uses": "somebody/publishes@v1"},
    ],
    ids=str,
)
def test_a_step_that_does_anything_else_is_noticed(step: dict[str, Any]) -> None:
    assert faults(step)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_names_sessions_that_exist(workflow: Path, noxfile: ModuleType) -> None:
    assert sessions(workflow)
    assert all(callable(getattr(noxfile, name, None)) for name in sessions(workflow))


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "help"])
def test_a_make_target_is_one_nox_session_that_exists(target: str, noxfile: ModuleType) -> None:
    assert callable(getattr(noxfile, session_of(target), None))


@pytest.mark.parametrize("target", SAME)
def test_a_make_target_runs_what_its_workflow_runs(target: str, noxfile: ModuleType) -> None:
    there = [
        leaf for name in sessions(ROOT / ".github/workflows" / SAME[target]) for leaf in leaves(name, noxfile)
    ]
    assert leaves(session_of(target), noxfile) + AFTERWARDS.get(SAME[target], []) == there


def test_every_workflow_can_be_run_here() -> None:
    assert {workflow.name for workflow in WORKFLOWS} == {*SAME.values(), *ONLY_THERE}


def sees_a_secret(step: dict[str, Any]) -> bool:
    """Whether the step's own environment holds more than what anybody may know."""
    return any(
        "secrets." in str(value) or "github.token" in str(value) for value in step.get("env", {}).values()
    )


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_is_installed_where_a_secret_is_seen(workflow: Path) -> None:
    jobs = load(workflow)["jobs"].values()
    for job in jobs:
        secret = [place for place, step in enumerate(job["steps"]) if sees_a_secret(step)]
        installed = [place for place, step in enumerate(job["steps"]) if step.get("run") == "nox -s install"]
        assert not secret or max(installed, default=len(job["steps"])) < min(secret)
        assert "environment" in job or not secret
        assert not any("secrets." in str(part) for part in (job.get("env"), load(workflow).get("env")))


def test_a_secret_is_told_from_other_settings() -> None:
    assert sees_a_secret({"env": {"A": "${{ secrets.A }}"}})
    assert not sees_a_secret({"env": {"A": "${{ vars.A }}"}})


def test_rows_alone_start_no_checks_of_the_code_and_no_workflow_runs_twice() -> None:
    on = load(ROOT / ".github/workflows/ci.yml")["on"]
    assert on["push"] == {"branches": ["main", "main-dev"], "paths-ignore": ["hf_data/**"]}
    assert on["pull_request"] == {"paths-ignore": ["hf_data/**"]}


@pytest.mark.parametrize("name", ["nox", "app", "release"])
def test_every_locked_package_has_one_version_and_its_hashes(name: str, noxfile: ModuleType) -> None:
    assert name in noxfile.LOCKS
    text = (ROOT / "locks" / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    loose = [line for line in lines if not re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+.*--hash=sha256:", line)]
    assert lines
    assert loose == []
    assert "://" not in text


def test_the_lock_of_the_program_holds_all_that_it_depends_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {re.split(r"[^A-Za-z0-9._-]", one)[0] for one in project["project"]["dependencies"]}
    wanted |= {re.split(r"[^A-Za-z0-9._-]", one)[0] for one in project["build-system"]["requires"]}
    locked = re.findall(r"^([a-z0-9._-]+)==", (ROOT / "locks/app.txt").read_text(), re.MULTILINE)
    assert {name.lower().replace("_", "-") for name in wanted} <= set(locked)


def test_the_fallback_runs_what_the_ci_workflow_runs() -> None:
    script = (ROOT / "scripts/local_ci_fallback.sh").read_text()
    commands = [line for line in script.splitlines() if "nox.sh" in line and not line.startswith("#")]
    assert [re.findall(r"-s (\w+)", line) for line in commands] == [
        sessions(ROOT / ".github/workflows/ci.yml")
    ]
    assert not re.search(r"^\s*(pytest|ruff|mypy|pre-commit|twine|make)\b", script, re.MULTILINE)


def test_ci_run_is_make_ci() -> None:
    lines = (ROOT / ".ci/run").read_text().splitlines()
    assert [line for line in lines if line.startswith("exec")] == ["exec make ci"]


def test_the_order_of_the_checks_is_the_documented_one(noxfile: ModuleType) -> None:
    documented = re.findall(r"^\d+\. `nox -s (\w+)`", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert list(noxfile.CHAINS["ci"]) == documented == ["lint", "version_guard", "tests", "build"]


class Recorder:
    """Stands for nox's session where only the queue matters."""

    def __init__(self, name: str, posargs: list[str]) -> None:
        self.name = name
        self.posargs = posargs
        self.queue: list[tuple[str, list[str]]] = []
        self.skipped = ""

    def notify(self, name: str, posargs: list[str]) -> None:
        self.queue.append((name, posargs))

    def skip(self, reason: str) -> None:
        self.skipped = reason


def queued(noxfile: ModuleType, chain: str, *posargs: str) -> list[tuple[str, list[str]]]:
    session = Recorder(chain, list(posargs))
    getattr(noxfile, chain).func(session)
    return session.queue


def test_ci_queues_its_steps_in_their_order(noxfile: ModuleType) -> None:
    assert queued(noxfile, "ci") == [("lint", []), ("version_guard", []), ("tests", []), ("build", [])]


@pytest.mark.parametrize("chain", ["ci", "upload"])
def test_no_success_of_a_chain_stands_above_a_step_that_failed(noxfile: ModuleType, chain: str) -> None:
    session = Recorder(chain, [])
    getattr(noxfile, chain).func(session)
    assert session.skipped.endswith(", ".join(noxfile.CHAINS[chain]))


def test_a_failed_step_ends_its_chain() -> None:
    assert nox.options.stop_on_first_error


def test_yes_answers_only_the_question_before_the_push(noxfile: ModuleType) -> None:
    assert queued(noxfile, "upload", "--yes", "--skip-invalid") == [
        ("publish", ["--skip-invalid"]),
        ("clean", ["--yes"]),
    ]


def test_what_is_cleaned_is_looked_for_where_it_was_published(noxfile: ModuleType) -> None:
    where = ["--repo", "me/rows", "--to", "a folder", "--hf-data", "rows"]
    assert queued(noxfile, "upload", "--hf-data=rows", "--repo", "me/rows", "--to=a folder") == [
        ("publish", where),
        ("clean", where),
    ]


def test_the_upload_is_its_chain(noxfile: ModuleType) -> None:
    assert [name for name, _ in queued(noxfile, "upload")] == list(noxfile.CHAINS["upload"])


@pytest.mark.parametrize("option", ["--dry-run", "--merge-only"])
def test_where_nothing_is_sent_nothing_is_cleaned(noxfile: ModuleType, option: str) -> None:
    assert queued(noxfile, "upload", option) == [("publish", [option])]


def test_ci_tries_the_pythons_that_the_package_names(noxfile: ModuleType) -> None:
    matrix = load(ROOT / ".github/workflows/ci.yml")["jobs"]["ci"]["strategy"]["matrix"]["python"]
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    assert matrix == list(noxfile.PYTHONS) == named
