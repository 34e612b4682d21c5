from __future__ import annotations

import subprocess
import sys

import psutil

from sagellm_benchmark.machine.memory import peak_memory_mib

HOLD = "import sys; block = b'x' * (100 << 20); del block; print('held', flush=True); sys.stdin.read()"
HOLD_IN_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"


def start(code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_the_peak_is_remembered_after_the_memory_is_given_back() -> None:
    with start(HOLD) as process:
        peak = peak_memory_mib([process.pid])
        process.communicate()
    assert peak is not None
    if sys.platform == "linux":
        assert 100 <= peak < 200


def test_children_are_counted_too() -> None:
    with start(HOLD_IN_CHILD) as process:
        peak = peak_memory_mib([process.pid])
        process.communicate()
    assert peak is not None
    if sys.platform == "linux":
        assert peak > 100


def test_a_process_that_is_gone_has_no_peak() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert peak_memory_mib([process.pid]) is None


def test_one_that_has_ended_and_waits_to_be_reaped_has_none_either() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read()  # until it has ended
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        assert peak_memory_mib([process.pid]) is None
