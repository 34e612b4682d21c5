"""The upload workflow's own commands, from a push of hf_data/ to the dataset and back to an empty hf_data/."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import yaml

from sagellm_benchmark.board.entry import SINGLE
from tests.command import environment
from tests.fakes.hub_server import WRITER, HubServer
from tests.fakes.rows import new_rows
from tests.fakes.team import Team, git
from tests.house import ROOT, load_noxfile
from tests.test_parity import NOX

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

WORKFLOW = ROOT / ".github" / "workflows" / "upload-to-hf.yml"
DATASET = "intellistream/sagellm-benchmark-results"
INSTALLING = (NOX, "nox -s install")
PROJECT = ("noxfile.py", "pyproject.toml")
RUNNER = """#!/bin/sh
exec "{python}" -m sagellm_benchmark "$@"
"""
THIRD_PUSH = """#!/bin/sh
[ -e "{third}/pushed" ] && exit 0
touch "{third}/pushed"
unset $(git rev-parse --local-env-vars) GIT_QUARANTINE_PATH
git -C "{third}/clone" push --quiet origin HEAD:{branch}
"""


def commands() -> list[tuple[str, dict[str, str]]]:
    """Every `run:` of the workflow in its order, with the step's environment; secrets are the tests' own."""
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    steps = [step for job in jobs for step in job["steps"] if "run" in step]
    steps = [step for step in steps if step["run"] not in INSTALLING]  # the runner has it already
    found = [(step["run"], {**step.get("env", {})}) for step in steps]
    assert found
    return [(run, {name: secret(value) for name, value in env.items()}) for run, env in found]


def secret(value: str) -> str:
    known = {"${{ secrets.HF_TOKEN }}": WRITER, "${{ vars.HF_OIDC_RESOURCE }}": ""}
    return known.get(str(value), str(value))


class Runner:
    """A machine that runs the workflow: nox and an environment for it that is already installed."""

    def __init__(self, home: Path, hub: HubServer) -> None:
        self.home = home
        noxfile = load_noxfile()
        app = home / "envs" / noxfile.CORE.environment
        (app / "bin").mkdir(parents=True)
        (app / "made-for").write_text(f"{sys.version}\n{app}\n")
        noxfile.CORE.stamp(app).touch()
        program = app / "bin" / "sagellm-benchmark"
        program.write_text(RUNNER.format(python=sys.executable))
        program.chmod(0o755)
        self.env = environment(home, HF_ENDPOINT=hub.url, NOX_ENVDIR=str(home / "envs"))
        self.env["PATH"] = f"{Path(sys.executable).parent}:{self.env['PATH']}"

    def run(self, team: Team, commit: str) -> str:
        """Check the pushed commit out, as the workflow does, and run its commands; gives what they said."""
        shutil.rmtree(self.home / "work", ignore_errors=True)
        git(self.home, "clone", "--quiet", f"--branch={team.branch}", team.remote.as_uri(), "work")
        git(self.home / "work", "reset", "--quiet", "--hard", commit)
        said = ""
        for command, env in commands():
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
                cwd=self.home / "work",
                env=self.env | env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                check=False,
            )
            said += done.stdout
            assert done.returncode == 0, said
        return said


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer(repo=DATASET) as server:
        yield server


def test_every_push_reaches_the_dataset_and_leaves_hf_data_empty(tmp_path: Path, hub: HubServer) -> None:
    branch = "main-dev"  # a harder one than main, where git would be by itself
    team = Team(tmp_path, branch, {name: (ROOT / name).read_bytes() for name in PROJECT})
    (tmp_path / "runner").mkdir()
    runner = Runner(tmp_path / "runner", hub)
    a, b, c = new_rows(3)
    third = tmp_path / "third"
    third.mkdir()
    two = team.clone("two")

    team.submit(team.clone("one"), a)
    first_push = git(tmp_path / "one", "rev-parse", "HEAD")
    git(two, "pull", "--quiet")
    team.submit(two, a, b)
    second_push = git(two, "rev-parse", "HEAD")
    git(third, "clone", "--quiet", f"--branch={branch}", team.remote.as_uri(), "clone")
    (third / "clone" / "hf_data" / SINGLE).write_bytes(orjson.dumps([a, b, c]))
    git(third / "clone", "commit", "--quiet", "-am", "add a third result")
    third_push = git(third / "clone", "rev-parse", "HEAD")
    hook = team.remote / "hooks" / "pre-receive"
    hook.write_text(THIRD_PUSH.format(third=third, branch=branch))
    hook.chmod(0o755)

    said = "".join(runner.run(team, pushed) for pushed in (first_push, second_push, third_push))

    held = orjson.loads(hub.repos[DATASET].head.files[SINGLE])
    assert sorted(row["entry_id"] for row in held) == sorted(row["entry_id"] for row in (a, b, c))
    assert [name for name in team.files() if name.startswith("hf_data/")] == ["hf_data/README.md"]
    assert "add a third result" in team.log()
    assert WRITER not in said
