"""A third node whose monotonic clock runs fast, or is put forward in the middle of a load.

No system lets anybody do that to the real one, so every Python process on that node reads a clock of ours.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sagellm_benchmark.verdict import nodes as verdict
from tests.cluster.test_matrix_on_ray import joining
from tests.cluster.test_ray_nodes import Machines, load, machines, sending
from tests.fakes.openai_server import Script, serving
from tests.verdict.test_checks import evidence

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(300)]
__all__ = ["machines"]  # the fixture

CLOCK = """
import os, time
real, began = time.monotonic, time.monotonic()
time.monotonic = lambda: real() + {ahead}
"""
FAST = "(real() - began) * 0.01"
PUT_FORWARD = "0.25 * os.path.exists({file!r})"


@pytest.mark.parametrize(
    ("ahead", "least_s"), [(FAST, 0.02), (PUT_FORWARD, 0.25)], ids=["fast", "put forward"]
)
def test_a_node_whose_clock_moves_during_a_load_is_named(
    machines: Machines, tmp_path: Path, ahead: str, least_s: float
) -> None:
    word = tmp_path / "put forward"
    (tmp_path / "sitecustomize.py").write_text(CLOCK.format(ahead=ahead.format(file=str(word))))

    def beside(cluster: object) -> None:
        sending(cluster, processes=6)
        word.touch()

    with serving(Script()) as server, joining(environ={**os.environ, "PYTHONPATH": str(tmp_path)}):
        observed = load(server.base_url, tmp_path / "raw", 120, 20.0, beside=beside, nodes=3)
    assert len(list(observed.samples())) == 120
    (reason,) = (str(one) for one in verdict.one_clock(evidence([], nodes=observed.nodes)))
    worst = max(observed.nodes, key=lambda one: one.clock_bound_s or 0.0)
    assert f"the clock of client node {worst.name} is known to" in reason
    assert (worst.clock_bound_s or 0.0) >= least_s
    assert sum((one.clock_bound_s or 0.0) >= least_s for one in observed.nodes) == 1
