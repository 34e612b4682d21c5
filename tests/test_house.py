"""The house's own rules: hooks that need no code host, workflows that trust nobody, one cheap core install."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house import ROOT, clean_environment
from tests.test_parity import WORKFLOWS, load, steps

PINNED = re.compile(r"^\s*(?:- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def workflow(name: str) -> dict[Any, Any]:
    return load(ROOT / ".github/workflows" / name)


def jobs(path: Path) -> list[dict[str, Any]]:
    return list(load(path)["jobs"].values())


each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def test_hooks_come_from_the_package_index_at_fixed_versions() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    for hook in repos[0]["hooks"]:
        assert hook["language"] == "python"
        assert all(re.fullmatch(r"[\w-]+==[\d.]+", tool) for tool in hook["additional_dependencies"])


def test_hooks_share_one_environment() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert len({tuple(hook["additional_dependencies"]) for hook in hooks}) == 1


@each_workflow
def test_an_action_is_pinned_by_its_commit_and_says_its_version(path: Path) -> None:
    used = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.match(line)] == []


def test_all_workflows_use_the_same_pins() -> None:
    pins = {step["uses"] for path in WORKFLOWS for step in steps(path) if "uses" in step}
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


@each_workflow
def test_a_workflow_may_nothing_and_its_jobs_say_what_they_need(path: Path) -> None:
    assert load(path)["permissions"] == {}
    signs = {"id-token", "attestations"}
    identity = {"upload-to-hf.yml": {"id-token", "pages"}, "release.yml": signs, "bench.yml": signs}
    asked = [set(job["permissions"]) for job in jobs(path)]
    assert all({"contents"} <= one <= {"contents"} | identity.get(path.name, set()) for one in asked)


def test_only_the_upload_may_push() -> None:
    may_write = [
        path.name
        for path in WORKFLOWS
        if any(job["permissions"]["contents"] == "write" for job in jobs(path))
    ]
    keeps = [
        path.name
        for path in WORKFLOWS
        for step in steps(path)
        if "checkout" in step.get("uses", "") and step["with"]["persist-credentials"]
    ]
    assert (may_write, keeps) == (["upload-to-hf.yml"], [])


@each_workflow
def test_nothing_from_outside_is_put_into_a_shell(path: Path) -> None:
    assert all("${{" not in step.get("run", "") for step in steps(path))


@each_workflow
def test_every_job_ends_in_time(path: Path) -> None:
    assert all(job["timeout-minutes"] <= 120 for job in jobs(path))


@each_workflow
def test_secrets_are_only_in_the_steps_that_publish_and_clean(path: Path) -> None:
    with_secret = [step["run"] for step in steps(path) if "secrets." in str(step)]
    assert with_secret == (
        ["nox -s publish -- --skip-invalid", "nox -s clean -- --yes"]
        if path.name == "upload-to-hf.yml"
        else []
    )
    assert path.read_text().count("secrets.") == len(with_secret)


@each_workflow
def test_no_workflow_runs_a_strangers_code_with_our_rights(path: Path) -> None:
    assert not set(load(path)["on"]) & {"pull_request_target", "workflow_run", "issue_comment"}


def test_the_upload_starts_on_rows_in_main_and_main_dev_and_by_hand() -> None:
    upload = workflow("upload-to-hf.yml")
    assert upload["name"] == "Upload to Hugging Face"
    assert upload["on"] == {
        "push": {"branches": ["main", "main-dev"], "paths": ["hf_data/*.json"]},
        "workflow_dispatch": None,
    }
    assert upload["concurrency"]["cancel-in-progress"] is False


def test_ci_runs_on_push_and_pull_request() -> None:
    assert set(workflow("ci.yml")["on"]) == {"push", "pull_request"}


def test_rows_in_a_pull_request_are_validated() -> None:
    assert workflow("validate-rows.yml")["on"] == {"pull_request": {"paths": ["hf_data/**"]}}


def test_the_scheduled_bench_is_off_until_a_runner_is_named() -> None:
    job, attest = (workflow("bench.yml")["jobs"][name] for name in ("bench", "attest"))
    assert job["if"] == "vars.BENCH_RUNNER != '' && github.repository == 'intellistream/sagellm-benchmark'"
    assert "self-hosted" in job["runs-on"]
    assert (attest["needs"], attest["runs-on"]) == ("bench", "ubuntu-latest")


def test_what_measures_may_sign_nothing_and_what_signs_runs_nothing_of_ours() -> None:
    job, attest = (workflow("bench.yml")["jobs"][name] for name in ("bench", "attest"))
    assert job["permissions"] == {"contents": "read"}
    assert attest["permissions"] == {"contents": "read", "id-token": "write", "attestations": "write"}
    assert [step["uses"].partition("@")[0] for step in attest["steps"]] == [
        "actions/download-artifact",
        "actions/attest",
    ]


@pytest.mark.parametrize("name", [".ci/run", "scripts/local_ci_fallback.sh", "scripts/nox.sh"])
def test_what_people_start_is_executable(name: str) -> None:
    mode = subprocess.run(
        ("git", "ls-files", "-s", name),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    ).stdout
    assert (ROOT / name).stat().st_mode & 0o111
    assert mode.startswith("100755") or not mode  # no git in an unpacked archive


@pytest.mark.parametrize("name", [".ci/run", "scripts/local_ci_fallback.sh", "scripts/nox.sh"])
def test_a_script_parses(name: str) -> None:
    shell = "sh" if name.endswith("nox.sh") else "bash"
    subprocess.run((shell, "-n", ROOT / name), check=True)


def test_what_runs_leave_behind_is_ignored() -> None:
    left = ["outputs/x", ".make/x", ".nox/x", "dist/x", "ci-report.md", ".venv/x"]
    found = subprocess.run(
        ("git", "check-ignore", "--no-index", *left), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 128 or found.stdout.split() == left  # 128: no checkout, an unpacked archive


def test_the_version_is_read_and_never_stated() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["dynamic"] == ["version"]
    assert "version" not in project


def test_no_page_still_holds_a_placeholder() -> None:
    pages = [page for folder in (".", "hf_data", ".github") for page in (ROOT / folder).glob("*.md")]
    assert ROOT / "README.md" in pages
    assert [page.name for page in pages if "@@" in page.read_text(encoding="utf-8")] == []
