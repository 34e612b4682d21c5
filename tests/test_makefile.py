"""What a user gives to make reaches the program as it is, and nothing else happens with it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house import ROOT, clean_environment

HOSTILE = [
    "x; touch pwned",
    "x && touch pwned",
    "x | touch pwned",
    "$(touch pwned)",
    "$(shell touch pwned)",
    "${shell touch pwned}",
    "$(eval x:=$(shell touch pwned))",
    "`touch pwned`",
    "$$(touch pwned)",
    "it's",
    'say "hello"',
    "a  b",
    "*",
    "~",
    "#no comment",
    "100%",
    "back\\slash",
    "-rf",
    "--help",
    "a=b",
    "two\nlines",
    "日本語",
    "$HOME",
    "$(MAKE)",
]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The Makefile beside a nox that only writes its arguments down."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    script = tmp_path / "scripts" / "nox.sh"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done > said\n')
    script.chmod(0o755)
    return tmp_path


def make(checkout: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("make", *words),
        cwd=checkout,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )


def said(checkout: Path) -> list[str]:
    return (checkout / "said").read_text().split("\0")[:-1]


def untouched(checkout: Path) -> bool:
    return sorted(path.name for path in checkout.iterdir()) == ["Makefile", "said", "scripts"]


@pytest.mark.parametrize("model", HOSTILE)
def test_a_value_on_the_command_line_arrives_as_typed(checkout: Path, model: str) -> None:
    make(checkout, "bench", f"MODEL={model}")
    assert said(checkout) == ["-s", "bench", "--", "--model", model]
    assert untouched(checkout)


@pytest.mark.parametrize("model", HOSTILE)
def test_a_value_in_the_environment_arrives_as_set(checkout: Path, model: str) -> None:
    make(checkout, "bench", MODEL=model)
    assert said(checkout) == ["-s", "bench", "--", "--model", model]
    assert untouched(checkout)


@pytest.mark.parametrize(
    "arguments", ["; touch pwned", "$(shell touch pwned)", "`touch pwned`", "> pwned", "| tee pwned"]
)
def test_further_options_are_split_at_blanks_and_nothing_else(checkout: Path, arguments: str) -> None:
    make(checkout, "bench", f"ARGS=--seed 7 * {arguments}")
    assert said(checkout) == ["-s", "bench", "--", "--seed", "7", "*", *arguments.split()]
    assert untouched(checkout)


def test_each_documented_value_has_its_option(checkout: Path) -> None:
    make(checkout, "bench", "MODEL=m", "BASE_URL=http://h:1", "WORKLOAD=Q1", "ENGINE=vllm", "ARGS=--seed 7")
    options = [
        "--model",
        "m",
        "--base-url",
        "http://h:1",
        "--workload",
        "Q1",
        "--engine",
        "vllm",
        "--seed",
        "7",
    ]
    assert said(checkout) == ["-s", "bench", "--", *options]


def test_what_is_not_given_is_not_passed(checkout: Path) -> None:
    make(checkout, "bench", "MODEL=")
    assert said(checkout) == ["-s", "bench", "--"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["aggregate"], ["-s", "aggregate", "--"]),
        (["aggregate", "OFFLINE=1"], ["-s", "aggregate", "--", "--offline"]),
        (["aggregate", "OFFLINE=0"], ["-s", "aggregate", "--"]),
        (["clean-published", "YES=no"], ["-s", "clean", "--"]),
        (["clean-published", "YES=1"], ["-s", "clean", "--", "--yes"]),
        (["clean", "YES=1"], ["-s", "clean_local", "--", "--yes"]),
        (["publish", "YES=1", "ARGS=--to board"], ["-s", "upload", "--", "--yes", "--to", "board"]),
        (["test", "ARGS=tests/board -k merge"], ["-s", "test", "--", "tests/board", "-k", "merge"]),
        (["tests"], ["-s", "tests", "--"]),
        (["perf", "ARGS=--check"], ["-s", "perf", "--", "--check"]),
        (["ci"], ["-s", "ci"]),
    ],
    ids=" ".join,
)
def test_a_target_becomes_its_session(checkout: Path, words: list[str], expected: list[str]) -> None:
    make(checkout, *words)
    assert said(checkout) == expected


def test_the_python_that_the_user_names_reaches_the_bootstrap(checkout: Path) -> None:
    (checkout / "scripts/nox.sh").write_text('#!/bin/sh\nprintf "%s\\0" "$PYTHON" > said\n')
    make(checkout, "ci", "PYTHON=/opt/my python/bin/python3.12")
    assert said(checkout) == ["/opt/my python/bin/python3.12"]


def test_a_failing_session_fails_make(checkout: Path) -> None:
    (checkout / "scripts/nox.sh").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(subprocess.CalledProcessError):
        make(checkout, "ci")


def test_make_alone_lists_every_target_with_a_line(checkout: Path) -> None:
    listed = make(checkout).stdout
    phony = (ROOT / "Makefile").read_text().rpartition(".PHONY:")[2].split()
    lines = [line.split(maxsplit=2) for line in listed.splitlines() if line.startswith("  make ")]
    assert [words[1] for words in lines] == phony
    assert all(len(words) == 3 for words in lines)
    assert listed == make(checkout, "help").stdout
