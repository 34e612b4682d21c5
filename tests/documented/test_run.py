"""Command lines of the documents are run as they are written; what runs the others is in `lines.RUNNERS`.

Only this is changed: addresses lead to a server of the tests, ids are those of rows that they published, and a last
option or two make loads short and agree to what a person would be asked.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import pytest

from sagellm_benchmark.commands.shared import DATASET
from sagellm_benchmark.errors import Exit
from sagellm_benchmark.hub.store import PAGE
from tests.documented import world
from tests.documented.lines import OWN, PROGRAM, Line, run_by
from tests.documented.made import commands_of
from tests.documented.world import Published, World
from tests.evidence.support import PUBLISHABLE
from tests.fakes.team import git
from tests.fakes.tiny_model import write_tiny
from tests.house import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

MEASURED = (Exit.DONE, Exit.INVALID_RUN)  # a busy machine may spoil the figures, which are not looked at
MEASURING = ("run", "regress", "replay")
OF_THE_DATASET = (
    "aggregate",
    "clean",
    "publish",
    "rebuild",
    "replay",
    "sign",
    "site",
    "submit",
    "verify",
    "withdraw",
)
SHORT = (
    "--workload",
    "custom",
    "--input-tokens",
    "16",
    "--output-tokens",
    "4",
    "--warmup",
    "0",
    "--no-calibrate",
)
IDS = re.compile("0b4f7c52-…?")


def to_run(*programs: str) -> list[Line]:
    return [line for line in run_by(__file__) if line.words[0] in programs]


NAMED = "sagellm-benchmark verify"  # in running text, which does not say of what
TYPED = [line for line in to_run(PROGRAM) if line.text != NAMED]
PYARROW = pytest.mark.skipif(
    find_spec("pyarrow") is None, reason="the extra `parquet` is not installed: nox -s datasets"
)
NEEDS = {
    "make bench MODEL=./my.gguf": (pytest.mark.engine,),
    "sagellm-benchmark report --parquet requests.parquet": (PYARROW,),
}
"""What lines need beside the program itself."""
MADE = [line for line in to_run("make", "nox") if line.text not in {"make help", "nox -s version_guard"}]


def asked_for(lines: list[Line]) -> list[Any]:
    """Lines as parameters of a test."""
    return [pytest.param(line, id=line.text, marks=NEEDS.get(line.text, ())) for line in lines]


def short(words: Sequence[str]) -> list[str]:
    """What makes a documented load short: of options that are given twice, the last one counts."""
    if words[0] not in ("run", "regress") or "--help" in words:
        return []
    if "--search-goodput" in words:
        return [*SHORT, "--rate", "40", "--duration", "0.1", "--slo", "ttft=1ms"]  # never kept
    repeats = ["--repeats", "4"] if any(word.startswith("--versus") for word in words) else []
    repeats = ["--repeats", "2"] if words[0] == "regress" else repeats
    return [*SHORT, "--requests", "2", *repeats, *(("--rate", "200") if "--rate" in words else ())]


def filled(words: Sequence[str], where: World, entry_id: str) -> list[str]:
    """The words with this test's addresses and ids, and what makes a load short or would be answered by a person."""
    found = [re.sub(r"^http://[\w.]+:8000$", where.server.base_url, word) for word in words]
    found = [IDS.sub(entry_id, word).replace("~", str(where.root)) for word in found]
    found = [word.replace("/shared/board", str(where.root / "board")) for word in found]
    if "--model" in found and "--base-url" in found:  # `MODEL=…`: the model that the server has
        found[found.index("--model") + 1] = world.PACE.model
    return [*found, *short(found), *(["--yes"] if found[0] == "clean" and "--yes" not in found else [])]


def prepare(where: World, words: Sequence[str], request: pytest.FixtureRequest) -> str:
    """Put there what the command needs; gives the id of a published row."""
    name = words[0]
    world.add_files(where)
    if name in OF_THE_DATASET and not {"--merge-only", "--from"} & set(words):
        found: Published = request.getfixturevalue("published")
        world.add_published(where, found)
        return str(found.row["entry_id"])
    if name in ("compare", "report"):
        world.add_runs(where, words)
    if "./my.gguf" in words:
        write_tiny(where.checkout).path.rename(where.checkout / "my.gguf")
    elif "--engine" in words or "--model" in words:
        world.add_engines(where)
    if name == "regress" and "--record" not in words:
        load = ["--base-url", where.server.base_url]
        assert where.run(["regress", "--record", *load, *short(["regress"])]).returncode in MEASURED
    return ""


def does(where: World, words: Sequence[str], entry_id: str) -> None:
    """Run a command of the program, and see that it did what it should."""
    asked = filled(words, where, entry_id)
    done = where.run(asked)
    measures = words[0] in (*MEASURING, "compare", "matrix")
    if words[0] == "replay" and "the new run is not valid" in done.stderr:  # on a busy machine
        return
    assert done.returncode in (MEASURED if measures else (Exit.DONE,)), f"{asked}\n{done.stdout}{done.stderr}"
    assert done.stdout.strip()
    if words[0] == "run" and "--help" not in words:
        assert list(where.checkout.glob("outputs/*/*/*/report.html"))


@pytest.mark.parametrize("line", asked_for(TYPED))
def test_a_documented_command_does_what_it_says(
    line: Line, here: World, request: pytest.FixtureRequest
) -> None:
    words = line.words[1:]
    does(here, words, prepare(here, words, request))


ALREADY = {tuple(line.words[1:]) for line in TYPED}


@pytest.mark.parametrize("line", asked_for(MADE))
def test_what_make_or_nox_comes_to_does_what_it_says(
    line: Line, here: World, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> None:
    commands = commands_of(tmp_path_factory.mktemp("made"), line.words)
    assert {program for program, *_ in commands} == {PROGRAM}
    still_to_run = [words for _, *words in commands if tuple(words) not in ALREADY]
    entry_id = prepare(here, still_to_run[0], request) if still_to_run else ""
    for words in still_to_run:
        does(here, words, entry_id)


def test_readme_s_first_lines_bring_a_run_from_a_new_clone_to_the_board(here: World) -> None:
    """make, nox, the noxfile and the program, all real; only nothing is installed."""
    world.add_nox(here)
    publishable = " ".join(PUBLISHABLE).replace("NVIDIA H100 80GB HBM3", "H100")
    for line in ("make bench", "make aggregate", "make submit", "make publish YES=1"):
        assert line.removesuffix(" YES=1") in {one.text for one in OWN}
        done = here.shell(
            line, **({"ARGS": f"{publishable} --requests 2 --no-calibrate"} if line == "make bench" else {})
        )
        assert done.returncode == Exit.DONE, f"{line}\n{done.stdout}{done.stderr}"
    head = here.hub.repos[DATASET].head
    assert head.files["leaderboard_single.json"].count(b'"entry_id"') == 1
    left = git(here.remote, "ls-tree", "-r", "--name-only", "main").splitlines()
    assert left == sorted([*world.CHECKED_OUT, "hf_data/README.md"]), "hf_data/ is empty again"
    assert PAGE not in head.files


def test_the_steps_of_git_are_git_s(here: World) -> None:
    world.add_files(here)
    typed = [line.text for line in to_run("git") if line.words[1] != "ls-remote"]
    clone = next(text for text in typed if text.startswith("git clone"))
    assert sorted(typed) == sorted([clone, "git add hf_data", "git commit", "git push", "git pull"])
    steps = f"git add hf_data && git commit -m rows && git push && git pull && cd .. && {clone} another"
    done = here.shell(steps)
    assert done.returncode == 0, done.stderr
    assert (here.root / "another" / "hf_data" / "leaderboard_single.json").is_file()


def test_the_pinned_action_s_commit_is_asked_for_as_documented(here: World) -> None:
    git(here.checkout, "push", "-q", str(here.remote), "HEAD:refs/tags/vX.Y.Z")
    (line,) = (line for line in to_run("git") if line.words[1] == "ls-remote")
    actions = f"url.{here.remote.as_uri()}.insteadOf"
    done = here.shell(
        line.text, GIT_CONFIG_COUNT="4", GIT_CONFIG_KEY_3=actions, GIT_CONFIG_VALUE_3=line.words[2]
    )
    assert done.stdout.split() == [git(here.checkout, "rev-parse", "HEAD").strip(), "refs/tags/vX.Y.Z"]


@pytest.mark.parametrize("line", to_run("export"), ids=lambda line: line.text)
def test_a_variable_is_exported_as_documented(line: Line, here: World) -> None:
    done = here.shell(f"{line.text} && env")
    assert set(line.words[1:]) <= set(done.stdout.splitlines())


def test_what_of_the_checks_takes_a_moment_is_run() -> None:
    assert subprocess.run(("make", "help"), cwd=ROOT, capture_output=True, check=True).stdout
    assert subprocess.run((sys.executable, "scripts/version_guard.py"), cwd=ROOT, check=True).returncode == 0


def test_every_line_that_is_run_here_is_run() -> None:
    run = {line.text for line in (*TYPED, *MADE)} | {
        "make help",
        "nox -s version_guard",
        NAMED,
    }
    others = {line.text for line in to_run("git", "export")}  # test by test, above
    assert {line.text for line in run_by(__file__)} == run | others
