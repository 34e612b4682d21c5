"""A library that never returns: the call ends in time, and so does the program."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sagellm_benchmark.hanging import within

HANGS = """
import atexit, sys, threading
from sagellm_benchmark.hanging import leave, within
atexit.register(threading.Event().wait)  # a library that cleans up for ever
for call in (threading.Event().wait, int):
    try:
        within(0.01, call)
    except TimeoutError:
        print("out of time", end="; ")
leave(6)
"""


def test_a_call_returns_or_raises_what_it_would_have() -> None:
    assert within(30, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        within(30, lambda: 1 // 0)


def test_a_call_may_run_out_of_time_by_itself_and_others_go_on() -> None:
    with pytest.raises(TimeoutError):
        within(30, lambda: (_ for _ in ()).throw(TimeoutError))
    assert within(30, lambda: 7) == 7


@pytest.mark.slow
def test_a_library_that_hangs_is_asked_once_and_the_program_ends_with_its_own_code() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (6, "out of time; out of time; ")
