"""Environments are made once: later runs install nothing, and whatever changes is installed again."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.house import load_noxfile


class Session:
    """Stands for nox's session: writes down what would run, and makes the folder that virtualenv would make."""

    def __init__(self, *posargs: str) -> None:
        self.posargs = list(posargs)
        self.ran: list[list[str]] = []
        self.environment: dict[str, str] = {}

    def run(self, *command: str, env: dict[str, str] | None = None, **_: Any) -> None:
        self.ran.append(list(command))
        self.environment = env or {}
        if "virtualenv" in command:
            Path(command[-1]).mkdir(parents=True)

    def log(self, *_: object) -> None:
        """What people would read is not looked at."""

    def installed(self) -> list[str]:
        """What pip was asked for, each call's last word."""
        return [command[-1] for command in self.ran if "pip" in command]


@pytest.fixture
def noxfile(tmp_path: Path) -> ModuleType:
    """The noxfile as it is in a checkout of its own."""
    module = load_noxfile()
    module.ROOT = tmp_path  # type: ignore[attr-defined]
    module.ENVIRONMENTS = tmp_path / ".nox"  # type: ignore[attr-defined]
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return module


def bench(noxfile: ModuleType, *posargs: str) -> Session:
    session = Session(*posargs)
    noxfile.bench.func(session)
    return session


def test_what_is_locked_is_installed_by_hash_and_runs_no_package_s_own_code(noxfile: ModuleType) -> None:
    session = Session()
    noxfile.install.func(session)
    first, second = (command for command in session.ran if "pip" in command)
    assert {"--require-hashes", "--only-binary=:all:", str(noxfile.ROOT / "locks" / "app.txt")} <= set(first)
    assert {"--no-deps", "--no-build-isolation"} <= set(second)
    publishing = Session()
    noxfile.publish.func(publishing)
    assert publishing.installed() == []


def test_the_first_run_makes_the_environment_with_the_engine_and_the_weights(noxfile: ModuleType) -> None:
    session = bench(noxfile)
    assert session.installed() == [".[embedded]", noxfile.WEIGHTS]
    assert "--no-deps" in session.ran[2]


def test_a_second_run_only_runs(noxfile: ModuleType) -> None:
    bench(noxfile)
    session = bench(noxfile, "--model", "two words")
    program = str(noxfile.ENVIRONMENTS / "app" / "bin" / "sagellm-benchmark")
    assert session.ran == [[program, "run", "--model", "two words"]]


def test_an_engine_elsewhere_needs_no_engine_here(noxfile: ModuleType) -> None:
    assert bench(noxfile, "--base-url", "http://h:1").installed() == ["."]


@pytest.mark.parametrize("given", [("--engine", "sagellm"), ("--engine=vllm",), ("--launch", "x {port}")])
def test_an_engine_of_the_users_needs_not_ours(given: tuple[str, ...], noxfile: ModuleType) -> None:
    assert bench(noxfile, *given).installed() == ["."]


def test_the_embedded_engine_is_installed_when_it_is_named(noxfile: ModuleType) -> None:
    assert bench(noxfile, "--engine", "llama.cpp").installed() == [".[embedded]", noxfile.WEIGHTS]


def test_an_engine_named_in_the_environment_needs_none_here(
    noxfile: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGELLM_BASE_URL", "http://h:1")
    assert bench(noxfile).installed() == ["."]


def test_an_empty_address_in_the_environment_names_no_engine(
    noxfile: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGELLM_BASE_URL", "")
    assert bench(noxfile).installed() == [".[embedded]", noxfile.WEIGHTS]


@pytest.mark.parametrize(
    ("given", "run"),
    [
        ([], ["--board"]),
        (["--json"], ["--json", "--board"]),
        (["--check"], ["--check"]),
        (["--record", "--json"], ["--record", "--json"]),
    ],
)
def test_perf_is_one_command_whose_answer_is_one_document(
    noxfile: ModuleType, given: list[str], run: list[str]
) -> None:
    noxfile.perf.func(Session(*given))  # makes the environment
    session = Session(*given)
    noxfile.perf.func(session)
    assert [command[1:] for command in session.ran] == [["scripts/perf.py", *run]]


def test_what_the_engine_brought_is_not_installed_again_for_the_other_commands(noxfile: ModuleType) -> None:
    bench(noxfile)
    session = Session("--offline")
    noxfile.aggregate.func(session)
    assert [command[1:] for command in session.ran] == [["aggregate", "--offline"]]


def test_other_wishes_are_installed(noxfile: ModuleType) -> None:
    bench(noxfile)
    (noxfile.ROOT / "pyproject.toml").write_text("[project]\ndependencies = []\n")
    assert bench(noxfile).installed() == [".[embedded]", noxfile.WEIGHTS]


def test_an_environment_of_another_python_is_made_anew(noxfile: ModuleType) -> None:
    home = noxfile.ENVIRONMENTS / "app"
    home.mkdir(parents=True)
    (home / "made-for").write_text("3.8\n")
    session = Session()
    session.run = lambda *command, **_: session.ran.append(list(command))  # type: ignore[method-assign]
    noxfile.make_environment(session, home)
    assert "--clear" in session.ran[0]
    noxfile.make_environment(session, home)
    assert len(session.ran) == 1


def test_an_interrupted_installation_is_done_again(noxfile: ModuleType) -> None:
    class Interrupted(Session):
        def run(self, *command: str, env: dict[str, str] | None = None, **_: Any) -> None:
            super().run(*command, env=env)
            if "pip" in command:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        noxfile.bench.func(Interrupted())
    assert bench(noxfile).installed() == [".[embedded]", noxfile.WEIGHTS]


def test_a_session_finds_the_programs_of_its_environment_first(noxfile: ModuleType) -> None:
    path = bench(noxfile).environment["PATH"]
    assert path.startswith(str(noxfile.ENVIRONMENTS / "app" / "bin"))
