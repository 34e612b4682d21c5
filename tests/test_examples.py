"""The files that people copy follow the rules that our own workflows follow, and their commands are understood."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from sagellm_benchmark.options.declare import parse
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.runs.limit import limit
from tests.house import ROOT

OURS = "bin/sagellm-benchmark "
WORKFLOWS = sorted((ROOT / "docs/examples").glob("*.yml"))


def jobs(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(path.read_text())["jobs"].values())


def commands(path: Path) -> list[list[str]]:
    """The words of each command of ours, without what the workflow itself fills in."""
    runs = [step["run"] for job in jobs(path) for step in job["steps"] if "run" in step]
    found = [
        line.split("sagellm-benchmark ", 1)[1]
        for text in runs
        for line in text.splitlines()
        if "bin/sagellm-benchmark " in line
    ]
    return [[word for word in shlex.split(line) if not word.startswith("$RECORD")] for line in found]


def test_there_are_examples() -> None:
    assert [path.name for path in WORKFLOWS] == ["sagellm-performance.yml"]
    assert [words[0] for words in commands(WORKFLOWS[0])] == ["run", "regress"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_our_hooks_hold_them_to_the_schema_and_to_what_is_safe(path: Path) -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = {hook["id"]: hook for repo in config["repos"] for hook in repo["hooks"]}
    name = path.relative_to(ROOT).as_posix()
    for hook in ("workflow-schema", "workflow-security"):
        assert re.search(hooks[hook]["files"], name)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_nobody_may_write(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for job in jobs(path):
        assert job["permissions"] == {"contents": "read"}
        uses = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/checkout@[0-9a-f]{40}", one) for one in uses)
        assert not any("${{" in step.get("run", "") for step in job["steps"])


def test_their_commands_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("env-base", "env-change", "env-main"):
        (tmp_path / name).mkdir()
    first, second = commands(WORKFLOWS[0])
    assert [limit(text).name for text in parse(RunOptions, first[1:]).fail_if] == [
        "throughput",
        "ttft.mean",
        "itl.mean",
    ]
    assert second[1] == "--baseline"
    assert parse(RunOptions, second[3:]).engine == "sagellm"
