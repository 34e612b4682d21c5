from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sagellm_benchmark.machine.accelerators import Chip, used_by
from sagellm_benchmark.machine.processes import family


@pytest.mark.slow
def test_the_chips_of_a_process_are_those_of_its_children_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as child:
        listed = [Chip("a", pids=frozenset({child.pid})), Chip("b", pids=frozenset({1})), Chip("c")]
        assert used_by([os.getpid()], listed) == [listed[0]]
        assert child.stdin is not None
        child.stdin.close()


@pytest.mark.slow
def test_a_process_that_is_gone_has_no_family() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert family([child.pid]) == frozenset()
