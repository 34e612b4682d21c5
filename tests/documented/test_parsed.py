"""Every command line in the documents is one that our own programs take, and every block of them is a shell's."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from sagellm_benchmark import cli
from sagellm_benchmark.engines import registry
from sagellm_benchmark.options import rules
from sagellm_benchmark.options.declare import parse
from sagellm_benchmark.options.run import RunOptions
from tests.documented.lines import (
    DOCUMENTS,
    LINES,
    NOT_RUN,
    OTHERS,
    OURS,
    OWN,
    PROGRAM,
    RUNNERS,
    Line,
    once,
    run_by,
)
from tests.documented.made import made, sessions
from tests.house import ROOT, load_noxfile

pytestmark = pytest.mark.no_cover

WORKFLOW, ENGINES = ".github/workflows/ci.yml", "scripts/engines.py"
SESSIONS = {"bench": "run", "upload": "publish"}
"""The program's command behind a nox session that is called otherwise."""


def ids(line: Line) -> str:
    return f"{line.where} {line.text}"


def test_the_documents_are_full_of_commands() -> None:
    assert len(OWN) > 100
    assert {line.words[0] for line in LINES} == {*OURS, *OTHERS}


def test_what_is_said_to_be_run_is_documented_and_what_runs_it_is_there() -> None:
    for beginning in (*NOT_RUN, *(beginning for beginnings in RUNNERS.values() for beginning in beginnings)):
        assert any(line.text.startswith(beginning) for line in LINES), beginning
    assert all((ROOT / file).is_file() for file in RUNNERS)


@pytest.mark.parametrize("file", [file for file in RUNNERS if file.startswith("tests/documented/")])
def test_what_runs_lines_takes_them_from_their_list(file: str) -> None:
    assert "run_by(__file__)" in (ROOT / file).read_text()


def test_only_these_lines_are_run_by_nothing() -> None:
    assert {line.text for line in LINES if line.runner is None} == {
        "nox -s documented",
        "python -m sglang.launch_server --model-path M",
        "lmdeploy serve api_server M",
    }


def test_the_workflow_runs_the_checks_that_it_is_said_to_run() -> None:
    checks = {line.words[-1] for line in run_by(f"{ROOT}/{WORKFLOW}")}
    assert checks <= {"ci", *load_noxfile().CHAINS["ci"]}
    assert "nox -s ci" in (ROOT / WORKFLOW).read_text()


STARTED = dict(
    re.findall(
        r"^\| `([\w.-]+)` \| [^|]+ \| `([^|]+)` \|$", (ROOT / "docs/engines.md").read_text(), re.MULTILINE
    )
)
"""The commands that `run` starts engines by, as they are documented."""


@pytest.mark.parametrize("name", STARTED)
def test_an_engine_is_started_as_documented(name: str) -> None:
    launch = registry.named(name).launch
    assert launch
    words = iter(" ".join(launch.command).replace("{bin}/", "").replace("{model}", "M").split())
    assert all(word in words for word in STARTED[name].replace("…", "{variant}").split())  # in this order


def test_the_session_engines_starts_all_that_need_no_gpu() -> None:
    measured = set(re.findall(r'Trial\("(.+?)"', (ROOT / ENGINES).read_text()))
    assert {STARTED[name] for name in measured} == {line.text for line in run_by(f"{ROOT}/{ENGINES}")}


def takes(words: list[str], *, in_prose: bool) -> None:
    """Parse as the program does; running text may leave out what must be said."""
    name, *rest = words
    if {"--help", "-h"} & set(words):
        assert name in cli.main.commands
        return
    try:
        cli.main.commands[name].make_context(name, rest)
    except click.MissingParameter:
        assert in_prose
        return
    if name == "run":
        rules.check(parse(RunOptions, rest))


@pytest.mark.parametrize("line", once([line for line in OWN if line.words[0] == PROGRAM]), ids=ids)
def test_the_program_takes_what_is_documented(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in [word for word in line.words if word.endswith("/")]:
        (tmp_path / folder).mkdir(exist_ok=True)
    takes(line.words[1:], in_prose=line.in_prose)


@pytest.mark.parametrize("line", once([line for line in OWN if line.words[0] in {"make", "nox"}]), ids=ids)
def test_make_and_nox_pass_on_what_the_program_takes(line: Line, tmp_path: Path) -> None:
    words = made(tmp_path, line.words)
    if line.words == ["make", "help"]:
        assert words == []
        return
    name, passed = sessions(words)
    assert callable(getattr(load_noxfile(), name, None)), f"there is no session {name}"
    if (known := SESSIONS.get(name, name)) in cli.main.commands:
        passed = [word for word in passed if not (name == "upload" and word == "--yes")]
        takes([known, *passed], in_prose=line.in_prose)


@pytest.mark.parametrize("line", once([line for line in OWN if line.words[0] == "bash"]), ids=ids)
def test_a_documented_script_is_there(line: Line) -> None:
    script = ROOT / line.words[1]
    assert script.is_file()
    subprocess.run(("bash", "-n", script), check=True)


def test_what_pip_is_asked_for_are_extras_of_ours() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    asked = {extra for line in LINES for extra in re.findall(r"isagellm-benchmark\[(\w+)\]", line.text)}
    assert asked
    assert asked <= set(extras)


@pytest.mark.parametrize("line", once([line for line in LINES if line.words[0] not in OURS]), ids=ids)
def test_other_makers_commands_are_a_shell_s(line: Line) -> None:
    subprocess.run(("bash", "-n", "-c", line.text), check=True)


def test_every_option_that_is_named_alone_is_one_of_some_command() -> None:
    known = {
        option
        for command in cli.main.commands.values()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    alone = {
        (document.name, option)
        for document in DOCUMENTS
        for option in re.findall(r"(?<!`)`(--[a-z][\w-]*)", document.read_text())
    }
    foreign = {
        "--help",
        *("--dtype", "--gpu-memory-utilization", "--host", "--interrupt_requests"),  # of engines
        *("--dashboard-host", "--node-ip-address"),  # of Ray
    }
    assert len(alone) > 100
    assert {(where, option) for where, option in alone if option not in known | foreign} == set()
