"""Every command line in the documents is one that our own programs take, and every block of them is a shell's."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from sagellm_benchmark import cli
from sagellm_benchmark.options import rules
from sagellm_benchmark.options.declare import parse
from sagellm_benchmark.options.run import RunOptions
from tests.documented.lines import (
    DOCUMENTS,
    LINES,
    ONLY_PARSED,
    OTHERS,
    OURS,
    OWN,
    PROGRAM,
    RUN_ELSEWHERE,
    Line,
    once,
)
from tests.documented.made import made, sessions
from tests.house import ROOT, load_noxfile

SESSIONS = {"bench": "run", "upload": "publish"}
"""The program's command behind a nox session that is called otherwise."""


def ids(line: Line) -> str:
    return f"{line.where} {line.text}"


def test_the_documents_are_full_of_commands() -> None:
    assert len(OWN) > 100
    assert {line.words[0] for line in LINES} >= {*OURS, "pip", "git", "ray", "kubectl"}


def test_what_is_not_run_is_documented() -> None:
    for beginning in (*ONLY_PARSED, *RUN_ELSEWHERE, *OTHERS):
        assert any(line.text.startswith(beginning) for line in LINES), beginning


def test_reasons_name_tests_that_are_there() -> None:
    for reason in (*ONLY_PARSED.values(), *OTHERS.values()):
        assert all((ROOT / path).exists() for path in re.findall(r"tests/[\w/.]+", reason)), reason


def test_what_runs_a_line_elsewhere_names_it() -> None:
    for beginning, where in RUN_ELSEWHERE.items():
        said = (ROOT / where.partition(",")[0]).read_text()
        asked = "nox -s ci" if where.endswith("a step of ci") else beginning.removeprefix("bash ")
        assert asked in said, beginning
    steps = load_noxfile().CHAINS["ci"]
    assert {one.split()[-1] for one, where in RUN_ELSEWHERE.items() if "step" in where} <= set(steps)


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
