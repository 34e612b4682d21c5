"""What a terminal shows while something runs and when it is over; what a pipe gets instead."""

from __future__ import annotations

import io
import json
import os
import pty
import shlex
import subprocess
import sys
import termios
import threading
import webbrowser
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from sagellm_benchmark import cli
from sagellm_benchmark.client.terms import Progress
from sagellm_benchmark.engines import registry
from sagellm_benchmark.errors import Exit
from sagellm_benchmark.report import opening
from sagellm_benchmark.report.folder import Finished, save
from sagellm_benchmark.report.progress import ProgressLine, TokenRate, progress_text
from sagellm_benchmark.report.screen import Screen
from sagellm_benchmark.report.terminal import render_terminal
from sagellm_benchmark.report.view import view
from sagellm_benchmark.typed import typed
from sagellm_benchmark.words import speaking
from tests import command
from tests.fakes.openai_server import Script, serving
from tests.fakes.records import a_record

STREAMING = Script(itl_s=0.001)
SMALL = (
    "--no-calibrate",
    "--warmup",
    "0",
    "--workload",
    "custom",
    "--input-tokens",
    "20",
    "--output-tokens",
    "16",
)


class Pipe(io.StringIO):
    """Says when the first line is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        done = super().write(text)
        self.written.set()
        return done


def test_a_pipe_gets_a_line_from_time_to_time() -> None:
    pipe = Pipe()
    with ProgressLine(pipe, every_s=0.01) as line:
        line.say("Q1: 3/5 requests")
        assert pipe.written.wait(30)
    assert set(pipe.getvalue().splitlines()) == {"Q1: 3/5 requests"}


def test_a_short_command_says_nothing_in_a_pipe() -> None:
    pipe = Pipe()
    with ProgressLine(pipe, every_s=3600) as line:
        line.say("working")
    assert pipe.getvalue() == ""


def test_quiet_says_nothing_at_all() -> None:
    pipe = Pipe()
    with ProgressLine(pipe, quiet=True, every_s=0.001) as line:
        line.say("working")
        assert not line._teller.is_alive()
    assert pipe.getvalue() == ""


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (120, "Q1 on a model with a rather long name: 3/5 requests, 12 s, 8 s to go"),
        (51, "Q1 on a model with…: 3/5 requests, 12 s, 8 s to go"),
    ],
)
def test_a_line_is_as_wide_as_the_terminal_and_keeps_its_figures(columns: int, said: str) -> None:
    assert moving(columns, "Q1 on a model with a rather long name") == said


def test_chinese_letters_take_two_columns() -> None:
    assert moving(40, "工作负载在一个名字很长的模型上") == "工作负…: 3/5 requests, 12 s, 8 s to go"


def moving(columns: int, label: str) -> str:
    """What a terminal of that width shows while a load runs."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (24, columns))
    with os.fdopen(its, "w") as stream, ProgressLine(stream) as line:
        line.load(label, Progress(3, 0, 5, 12.0))
        said = os.read(ours, 4096).decode()
    os.close(ours)
    return said.rpartition("\x1b[2K")[2]


def test_progress_says_how_fast_tokens_come() -> None:
    said = progress_text(Progress(2, 1, 8, 10.0, tokens=900), 128.4)
    assert said == "2/8 requests, 1 failed, ≈ 128 tokens/s, 10 s, 30 s to go"


def test_the_rate_is_that_of_the_last_seconds() -> None:
    rate = TokenRate()
    assert rate(Progress(0, 0, 9, 0.0, tokens=0)) is None
    assert rate(Progress(0, 0, 9, 1.0, tokens=1000)) == 1000
    assert rate(Progress(0, 0, 9, 10.0, tokens=1000)) == 0  # it has stood still since
    assert rate(Progress(0, 0, 9, 11.0, tokens=1100)) == 100 / 10


def test_another_load_has_a_rate_of_its_own() -> None:
    rate = TokenRate()
    rate(Progress(9, 0, 9, 100.0, tokens=9000))
    assert rate(Progress(0, 0, 9, 1.0, tokens=10)) is None


def test_the_verdict_has_a_colour() -> None:
    assert "\x1b[32m\x1b[1mVALID" in render_terminal(view(a_record()))
    assert "\x1b[31m\x1b[1mINVALID" in render_terminal(view(a_record(valid=False, reasons=("it was busy",))))


def test_a_reason_is_read_once() -> None:
    lines = render_terminal(view(a_record(valid=False, reasons=("the machine was busy",)))).splitlines()
    assert sum("the machine was busy" in line for line in lines) == 1


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """A run of somebody who is in no checkout."""
    monkeypatch.chdir(tmp_path)
    return save(tmp_path / "outputs/vllm/m/Q1_20260309_001", a_record())


def test_the_next_command_is_the_program_where_there_is_no_make(
    finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    Screen(as_json=False).close([finished], None)
    assert "next    sagellm-benchmark aggregate" in capsys.readouterr().out


def test_the_next_command_is_a_make_target_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scripts").mkdir()
    for name in ("Makefile", "noxfile.py", "scripts/nox.sh"):
        (tmp_path / name).touch()
    assert typed("aggregate --offline", "aggregate OFFLINE=1") == "make aggregate OFFLINE=1"


def test_after_an_invalid_run_nothing_is_suggested_that_was_just_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = save(tmp_path / "outputs/vllm/m/Q1_20260309_001", a_record(valid=False, reasons=("it was busy",)))
    Screen(as_json=False).close([run], None)
    said = capsys.readouterr().out
    assert "next    fix what ✗ names, then measure again" in said
    assert "sagellm-benchmark report" not in said


DESK = {"DISPLAY": ":0"}


def test_nobody_is_asked_in_a_pipe(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[str] = []
    monkeypatch.setattr(webbrowser, "open", launched.append)
    opening.offer(finished.folder / "report.html", None, DESK)  # under pytest, standard input is no terminal
    assert launched == []


def test_the_page_is_opened_where_that_is_asked_for(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[str] = []

    def launch(url: str) -> bool:
        launched.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", launch)
    opening.offer(finished.folder / "report.html", True, {})
    assert launched == [(finished.folder / "report.html").as_uri()]


def test_where_no_browser_is_it_says_so_and_names_the_page(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = finished.folder / "report.html"
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    opening.offer(page, True, {})
    assert capsys.readouterr().err == f"  no browser was found; the page is {page}\n"


@pytest.mark.parametrize(
    ("environ", "asks"),
    [(DESK, True), ({}, False), (DESK | {"CI": "true"}, False), (DESK | {"SSH_CONNECTION": "1"}, False)],
)
def test_only_somebody_at_a_desktop_is_asked(
    environ: dict[str, str], asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True)
    assert opening.at_a_desktop(environ) is asks


COMMANDS = sorted(set(cli.main.commands) - {"merge-driver", "completion"})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_quiet_and_speak_json_or_chinese(name: str) -> None:
    options = {flag for one in cli.main.commands[name].params for flag in one.opts}
    assert {"--json", "--quiet", "-q", "--lang"} <= options


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell: str) -> None:
    done = CliRunner().invoke(cli.main, ["completion", shell])
    assert f"_SAGELLM_BENCHMARK_COMPLETE={shell}_complete" in done.output


def test_a_shell_is_told_our_commands() -> None:
    asked = {
        "_SAGELLM_BENCHMARK_COMPLETE": "bash_complete",
        "COMP_WORDS": "sagellm-benchmark agg",
        "COMP_CWORD": "1",
    }
    done = CliRunner().invoke(cli.main, [], env=asked, prog_name="sagellm-benchmark")
    assert done.output.splitlines() == ["plain,aggregate"]


def test_the_list_of_commands_says_of_each_what_it_does_to_the_last_word() -> None:
    told = CliRunner().invoke(cli.main, ["--help"]).output
    assert told.count("...") == 1  # in the line of usage


def test_tab_offers_an_engine_that_was_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "engines", lambda: (*registry.OURS, replace(registry.OURS[0], name="mine")))
    asked = {
        "_SAGELLM_BENCHMARK_COMPLETE": "bash_complete",
        "COMP_WORDS": "sagellm-benchmark run --engine mi",
        "COMP_CWORD": "3",
    }
    done = CliRunner().invoke(cli.main, [], env=asked, prog_name="sagellm-benchmark")
    assert done.output.splitlines() == ["plain,mine"]


def test_a_note_of_several_lines_is_told_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    with speaking("zh"):
        Screen(as_json=False).note(
            "this cannot be published as it is:\n  precision is not known; state it with --precision"
        )
    assert capsys.readouterr().err == "按现在的样子不能发布：\n  不知道精度；请用 --precision 说明\n"


# --- the real command


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("report", "--pl"), "--plot"),
        (("run", "--workload", "Q"), "Q1 Q2 Q3 Q4 Q5 Q6 Q7 Q8"),
        (("run", "--workload", "c"), "custom"),
        (("run", "--engine", "L"), "lmdeploy llama.cpp llama-cpp-python"),
    ],
)
def test_tab_completes_in_a_real_bash(words: tuple[str, ...], offered: str) -> None:
    line = ("sagellm-benchmark", *words)
    asked = (
        'eval "$(sagellm-benchmark completion bash)"',
        f"COMP_WORDS=({shlex.join(line)})",
        f"COMP_CWORD={len(words)}",
        "_sagellm_benchmark_completion sagellm-benchmark",
        'echo "${COMPREPLY[*]}"',
    )
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "--norc", "-c", "\n".join(asked)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (offered + "\n", "")


@pytest.mark.slow
def test_json_is_all_that_standard_output_gets_and_quiet_leaves_nothing(tmp_path: Path) -> None:
    with serving(STREAMING) as server:
        told = command.run("run", "--base-url", server.base_url, *SMALL, "--json", cwd=tmp_path)
        quiet = command.run("run", "--base-url", server.base_url, *SMALL, "--quiet", cwd=tmp_path)
    assert json.loads(told.stdout)[0]["summary"]["valid"] is True
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (Exit.DONE, "", "")


@pytest.mark.with_children
@pytest.mark.no_cover
@pytest.mark.slow
def test_a_search_says_one_line_a_step_and_one_report(tmp_path: Path) -> None:
    search = ("--slo", "ttft=1ms", "--search-goodput", "--rate", "40", "--duration", "0.4")
    with serving(Script(itl_s=0.001, ttft_s=0.01)) as server:
        done = command.run("run", "--base-url", server.base_url, *SMALL, *search, cwd=tmp_path)
    steps = [line for line in done.stdout.splitlines() if line.startswith("  step ")]
    assert len(steps) == 6, done.stdout + done.stderr
    assert all("✗ missed" in line for line in steps)
    assert done.stdout.count("TTFT   ") == 0


def on_a_terminal(*arguments: str, cwd: Path, **env: str) -> str:
    """What the command writes where its output is a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*command.PROGRAM, *arguments],
        cwd=cwd,
        env=command.environment(cwd, **env),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # how Linux says that nobody writes to it any more
        pass
    os.close(ours)
    process.wait(60)
    return seen.decode()


@pytest.mark.slow
@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_colour_where_that_is_asked(env: dict[str, str], coloured: bool, finished: Finished) -> None:
    seen = on_a_terminal("report", str(finished.folder), cwd=finished.folder, **env)
    assert "VALID" in seen
    assert ("\x1b[" in seen) is coloured
