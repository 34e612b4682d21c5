"""numpy's BLAS starts no threads in our own processes, and as many as it likes in an engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sagellm_benchmark.blas import for_others, start_no_threads, without_threads

IMPORTS = "import os, numpy; print(len(os.listdir('/proc/self/task')))"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists the threads of a process")
def test_a_process_of_ours_has_one_thread_after_numpy_is_imported() -> None:
    command = [sys.executable, "-c", IMPORTS]
    ended = subprocess.run(command, env=without_threads({}), capture_output=True, text=True, check=True)
    assert int(ended.stdout) == 1


def test_what_is_said_for_this_process_is_kept_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"PATH": "/bin", "OPENBLAS_NUM_THREADS": "4"}
    monkeypatch.setattr("os.environ", environ)
    start_no_threads()
    assert environ == without_threads({"PATH": "/bin", "OPENBLAS_NUM_THREADS": "4"})
    assert for_others(environ) == {"PATH": "/bin", "OPENBLAS_NUM_THREADS": "4"}
