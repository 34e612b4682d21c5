"""Children are heard with a timeout and leave nobody behind, whatever they do about it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from sagellm_benchmark.children import Child, Patience, child
from tests.waiting import wait_for

PYTHON = sys.executable
HASTY = Patience(closed_s=0.05, terminated_s=0.05)
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


def script(text: str) -> tuple[str, ...]:
    return (PYTHON, "-c", f"import os, signal, subprocess, sys, time\n{text}")


def started(process: Child) -> int:
    """The number that the child wrote first."""
    line = process.first_line(30)
    assert line
    return int(line)


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_child_is_told_and_heard() -> None:
    with child(script("print(sys.stdin.readline().upper(), flush=True)")) as process:
        assert process.tell(b"hello\n")
        assert process.first_line(30) == b"HELLO"


def test_what_comes_behind_the_first_line_is_kept() -> None:
    with child(script("sys.stdout.write('one\\ntwo'); sys.stdout.flush(); sys.stdin.read()")) as process:
        assert process.first_line(30) == b"one"
        assert process.unread == b"two"


def test_a_silent_child_is_waited_for_only_so_long() -> None:
    with child(script("sys.stdin.read()")) as process:
        assert process.first_line(0.05) is None


def test_a_child_that_ended_without_a_word_is_told_from_a_silent_one() -> None:
    with child(script("sys.exit(3)")) as process:
        assert process.first_line(30) == b""
        assert process.ended(30)
        assert process.process.returncode == 3
        wait_for(lambda: not process.tell(b"still there?\n"))


def test_a_child_has_a_session_of_its_own() -> None:
    with child(script("print(os.getsid(0), flush=True); sys.stdin.read()")) as process:
        assert started(process) == process.pid != os.getsid(0)


def test_a_child_ends_by_itself_when_its_input_does() -> None:
    with child(script("print(1, flush=True); sys.stdin.read(); sys.exit(7)")) as process:
        started(process)
    assert process.process.returncode == 7


def test_one_without_an_input_is_terminated() -> None:
    with child(script("print(1, flush=True); time.sleep(600)"), stdin=False) as process:
        started(process)
    assert process.process.returncode == -signal.SIGTERM


def test_one_that_ignores_every_request_is_killed() -> None:
    with child(script(f"{DEAF}; print(1, flush=True); time.sleep(600)"), patience=HASTY) as process:
        started(process)
    assert process.process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("own_end", ["sys.stdin.read()", "os._exit(0)"], ids=["stays", "ends first"])
def test_what_a_child_has_started_goes_with_it(own_end: str) -> None:
    grandchild = f"import signal, time; {DEAF}; print(1, flush=True); time.sleep(600)"
    text = f"""
inner = subprocess.Popen([sys.executable, "-c", {grandchild!r}], stdout=subprocess.PIPE)
inner.stdout.readline()
print(inner.pid, flush=True)
{own_end}
"""
    with child(script(text), patience=HASTY) as process:
        pid = started(process)
    wait_for(lambda: is_gone(pid))


def test_an_error_inside_ends_the_child_too() -> None:
    with pytest.raises(ZeroDivisionError), child(script("sys.stdin.read()")) as process:
        raise ZeroDivisionError
    assert process.process.returncode is not None


def test_output_and_errors_go_where_they_should(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        command = script("print('said', flush=True); print('wrong', file=sys.stderr)")
        with child(command, stdin=False, output=file, errors=file) as process:
            assert process.ended(30)
    assert sorted(log.read_text().split()) == ["said", "wrong"]


def test_a_command_that_is_not_there_is_an_error_of_the_system() -> None:
    with pytest.raises(FileNotFoundError), child(("/no/such/command",)):
        pass
