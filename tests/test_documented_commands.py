"""Every command line in the documents is one that our own programs take; what needs nothing from outside is run."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from sagellm_benchmark import cli
from sagellm_benchmark.errors import Exit
from sagellm_benchmark.files import to_json
from sagellm_benchmark.options import rules
from sagellm_benchmark.options.declare import parse
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.report.folder import save
from tests import command
from tests.fakes.openai_server import Script, serving
from tests.fakes.records import a_record
from tests.fakes.rows import new_row
from tests.house import ROOT, clean_environment, load_noxfile

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "README.zh-CN.md",
    ROOT / "WORKFLOW.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
OURS = ("sagellm-benchmark", "make", "nox", "bash")
OTHERS = {
    "git": "git's own; what we do with git has tests of its own",
    "pip": "installs from an index; tests/engines/test_default_weights.py does it with an index of its own",
    "uv": "installs from an index",
    "hf": "logs in at the Hub, as its own tool does",
    "eval": "changes the user's own shell; what it evaluates is parsed, and run in tests/report/test_terminal.py",
    "export": "changes the user's own shell",
    "python": "starts an engine of other makers",
    "docker": "starts an engine of other makers",
    "vllm": "starts an engine of other makers",
}
"""First words of command lines that are not run here, and why."""

SESSIONS = {"bench": "run", "upload": "publish"}
"""The program's command behind a nox session that is called otherwise."""

NOT_RUN = {
    "run": (
        "measures an engine that must be there, or from a cluster; what needs a server alone is run below",
        (
            "tests/test_run_started.py",
            "tests/test_run_versus.py",
            "tests/engines/test_environment.py",
            "tests/cluster/test_ray_nodes.py",
        ),
    ),
    "matrix": (
        "the same, several times",
        ("tests/matrix/test_command.py", "tests/cluster/test_matrix_on_ray.py"),
    ),
    "replay": ("measures again what somebody published", ("tests/evidence/test_replay.py",)),
    "verify": ("needs a published row", ("tests/evidence/test_verify.py",)),
    "publish": ("writes to the Hub; it is run against one of its own", ("tests/hub/test_commands.py",)),
    "clean": ("pushes to the code host; it is run against one of its own", ("tests/hub/test_commands.py",)),
    "submit": ("pushes to the code host; it is run against one of its own", ("tests/hub/test_submit.py",)),
    "rebuild": ("reads the Hub; it is run against one of its own", ("tests/hub/test_commands.py",)),
    "aggregate": ("reads the Hub, but for --offline, which is run", ("tests/hub/test_commands.py",)),
    "site": ("reads the Hub, but for --from a folder, which is run", ("tests/hub/test_commands.py",)),
    "regress": ("measures for minutes; it is run against a server", ("tests/test_regress.py",)),
    "sign": ("needs a run's evidence and a key", ("tests/evidence/test_signing.py",)),
    "withdraw": ("needs a published row and a key", ("tests/evidence/test_withdraw.py",)),
}
"""Commands that are parsed here and run elsewhere: why, and where."""

PARTLY_RUN = {
    "validate": ("tests/hub/test_commands.py",),  # --published asks a Hub
    "report": ("tests/test_data_frames.py",),  # --parquet needs an extra
}
"""Where the options are run that a command run here is not run with."""

PLACEHOLDER = "…"
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True, slots=True)
class Line:
    """A command line and where it stands; one in running text may leave out what it is about."""

    where: str
    text: str
    in_prose: bool

    @property
    def words(self) -> list[str]:
        return [word for word in shlex.split(self.text, comments=True) if word != PLACEHOLDER]


def lines_of(document: Path) -> Iterator[Line]:
    """What stands in code blocks or between backticks and begins with the name of a program."""
    fenced = False
    joined = re.sub(r"[ ]*\\\n\s*", " ", document.read_text())  # a command may go on in the next line
    for number, line in enumerate(joined.splitlines(), 1):
        where = f"{document.relative_to(ROOT)}:{number}"
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            code = re.split(r"\s{2,}|\s#", line.strip().removeprefix("$ "))[0]
            for part in re.split(r"\s*&&\s*|\s*\|\s*", code):
                yield from _commands(where, part, in_prose=False)
        else:
            for span in _SPAN.findall(line):
                for part in re.split(r"\s*&&\s*", span):
                    yield from _commands(where, part, in_prose=True)


def _commands(where: str, text: str, *, in_prose: bool) -> Iterator[Line]:
    inside = re.search(r"\$\((.+)\)", text)
    if text.startswith("eval ") and inside:
        text = inside[1]
    if len(text.split()) > 1 and text.split()[0] in {*OURS, *OTHERS} and "=" not in text.split()[1][:1]:
        yield Line(where, text, in_prose)


LINES = [line for document in DOCUMENTS for line in lines_of(document)]
OWN = [line for line in LINES if line.words[0] in OURS]


def ids(line: Line) -> str:
    return f"{line.where} {line.text}"


def test_the_documents_are_full_of_commands() -> None:
    assert len(OWN) > 100
    assert {line.words[0] for line in LINES} >= {"sagellm-benchmark", "make", "nox", "bash", "pip", "git"}


def takes(words: list[str], *, in_prose: bool) -> click.Context | None:
    """Parse as the program does; None where running text leaves out what must be said."""
    name, *rest = words
    if name == "--help":
        return None
    try:
        context = cli.main.commands[name].make_context(name, rest)
    except click.exceptions.Exit:  # --help, --version
        return None
    except click.MissingParameter:
        assert in_prose
        return None
    if name == "run":
        rules.check(parse(RunOptions, rest))
    return context


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Makefile beside a nox that only writes its arguments down."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "Makefile").write_bytes((ROOT / "Makefile").read_bytes())
    script = folder / "scripts" / "nox.sh"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\nprintf "%s\\0" "$@" > said\n')
    script.chmod(0o755)
    return folder


def made(checkout: Path, words: list[str]) -> list[str]:
    """What nox is asked for by a make command."""
    given = {name: value for name, _, value in (word.partition("=") for word in words if "=" in word)}
    assert set(given) <= {"MODEL", "BASE_URL", "WORKLOAD", "ENGINE", "OFFLINE", "YES", "ARGS", "PYTHON"}, (
        given
    )
    filled = [word.replace(PLACEHOLDER, "" if word.startswith("ARGS=") else "x") for word in words]
    subprocess.run(("make", *filled), cwd=checkout, env=clean_environment(), check=True, capture_output=True)
    return (checkout / "said").read_text().split("\0")[:-1]


def sessions(words: list[str]) -> tuple[str, list[str]]:
    """The session and what is passed on."""
    own, passed = (
        (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    )
    flag, name = own
    assert flag == "-s"
    return name, passed


@pytest.mark.parametrize("line", [line for line in OWN if line.words[0] == "sagellm-benchmark"], ids=ids)
def test_the_program_takes_what_is_documented(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in [word for word in line.words if word.endswith("/")]:
        (tmp_path / folder).mkdir(exist_ok=True)
    takes(line.words[1:], in_prose=line.in_prose)


@pytest.mark.parametrize("line", [line for line in OWN if line.words[0] in {"make", "nox"}], ids=ids)
def test_make_and_nox_pass_on_what_the_program_takes(line: Line, checkout: Path) -> None:
    program, *words = line.words
    if program == "make" and words == ["help"]:
        return
    name, passed = sessions(made(checkout, words) if program == "make" else words)
    assert callable(getattr(load_noxfile(), name, None)), f"there is no session {name}"
    if (known := SESSIONS.get(name, name)) in cli.main.commands:
        passed = [word for word in passed if not (name == "upload" and word == "--yes")]
        takes([known, *passed], in_prose=line.in_prose)


@pytest.mark.parametrize("line", [line for line in OWN if line.words[0] == "bash"], ids=ids)
def test_a_documented_script_is_there(line: Line) -> None:
    script = ROOT / line.words[1]
    assert script.is_file()
    subprocess.run(("bash", "-n", script), check=True)


def runs_here(words: list[str]) -> bool:
    """Whether a command needs nothing but what the test puts before it."""
    name = words[0]
    if name == "compare" and any(".json" in word for word in words):
        return False  # results of other tools; tests/report/test_compare_command.py and its like read such
    if "--parquet" in words or "png" in words:
        return False  # need an extra; test_library.py and test_pictures.py write them where that is installed
    if "--help" in words or name not in NOT_RUN:
        return True
    return "--offline" in words or (name == "site" and "hf_data" in words)


RUN = sorted(
    {
        tuple(line.words[1:])
        for line in OWN
        if line.words[0] == "sagellm-benchmark" and runs_here(line.words[1:])
        if takes(line.words[1:], in_prose=True) is not None or "--help" in line.words
    }
)


@pytest.mark.slow
@pytest.mark.parametrize("words", RUN, ids=" ".join)
def test_what_needs_nothing_from_outside_does_what_it_says(words: tuple[str, ...], tmp_path: Path) -> None:
    for at, word in enumerate(words):
        if "/" in word and not word.startswith("-"):
            save(tmp_path / word, a_record(peak_memory_mib=300.0 + at))  # no two runs are one
    (tmp_path / "hf_data").mkdir(exist_ok=True)
    (tmp_path / "hf_data" / "leaderboard_single.json").write_bytes(to_json([new_row()]))
    if words[0] == "report":
        (
            save(tmp_path / "outputs/vllm/Qwen2-7B/Q1_20260309_001", a_record()).folder / "requests.jsonl"
        ).touch()
    for row in [word for word in words if word == "FILE"]:
        (tmp_path / row).write_text("[]")
    done = command.run(*words, cwd=tmp_path)
    assert done.returncode in {Exit.DONE, Exit.INVALID_RUN}, done.stdout + done.stderr
    assert done.stdout.strip()


def asks_a_server(words: tuple[str, ...]) -> bool:
    """Whether a run needs nothing but a server: it starts no engine, and sends from this machine."""
    return words[0] == "run" and not {"--model", "--engine", "--on", "--help"} & set(words)


ASKING = sorted({tuple(line.words[1:]) for line in OWN if asks_a_server(tuple(line.words[1:]))})


def soon(words: tuple[str, ...]) -> tuple[str, ...]:
    """What makes a documented run short: of options that are given twice, the last one counts."""
    load = (*("--workload", "custom", "--input-tokens", "16", "--output-tokens", "4"), "--no-calibrate")
    if "--search-goodput" in words:
        return (*load, "--rate", "40", "--duration", "0.1", "--slo", "ttft=1ms")  # never kept
    rounds = ("--repeats", "4") if "--versus" in words else ()
    return (*load, "--requests", "4", *rounds, *(("--rate", "200") if "--rate" in words else ()))


@pytest.mark.slow
@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_a_documented_run_measures_a_server(words: tuple[str, ...], tmp_path: Path) -> None:
    with serving(Script(itl_s=0.001, ttft_s=0.003)) as server:
        asked = [re.sub(r"^http://\S+$", server.base_url, word) for word in words]
        environment = {"SAGELLM_BASE_URL": server.base_url}
        done = command.run(*asked, *soon(words), cwd=tmp_path, env=environment)
    assert done.returncode in {Exit.DONE, Exit.INVALID_RUN}, done.stdout + done.stderr
    assert list(tmp_path.glob("outputs/*/*/*/report.html"))


def test_every_command_is_run_here_or_says_where() -> None:
    documented = {line.words[1] for line in OWN if line.words[0] == "sagellm-benchmark"}
    here = {words[0] for words in RUN}
    assert {name for name in documented if name in cli.main.commands} <= here | set(NOT_RUN)


def stated(words: Sequence[str]) -> set[tuple[str, str]]:
    """Each option of a command line, with its command."""
    return {(words[0], word) for word in words[1:] if word.startswith("-") and word not in {"--", "--help"}}


def documented_options() -> set[tuple[str, str]]:
    """Each option that a document gives to a command of ours, by the program's name or by nox."""
    found = set()
    for line in OWN:
        program, *words = line.words
        if program == "nox":
            words = [SESSIONS.get(words[1], words[1]), *words[2:]]
        if words[0] in cli.main.commands:
            found |= stated(words)
    return found


def test_every_documented_option_is_run_here_or_where_its_command_is() -> None:
    here = set().union(*map(stated, (*RUN, *ASKING)))
    elsewhere = {name: paths for name, (_, paths) in NOT_RUN.items()} | PARTLY_RUN
    tests = {name: [(ROOT / path).read_text() for path in paths] for name, paths in elsewhere.items()}
    for name, option in sorted(documented_options() - here):
        typed = re.compile(rf"""["' ]{re.escape(option)}["'= ]""")
        assert any(map(typed.search, tests.get(name, ()))), f"no test runs {name} {option}"
