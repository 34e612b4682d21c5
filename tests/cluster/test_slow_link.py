"""The second node is behind a link that is slow, slower one way than the other, or loses packets.

Both nodes have one clock, so the true offset between them is 0 whatever the link does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sagellm_benchmark.client.terms import Observed
from sagellm_benchmark.verdict import nodes as verdict
from tests.cluster.simulated import RAY, SMALL, ip, load, started
from tests.fakes.openai_server import Script, serving
from tests.verdict.test_checks import evidence

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(300)]

HERE, THERE = "10.203.78.1", "10.203.78.2"
HEAD = f"{HERE}:6396"
SPACE, NEAR, FAR = f"sagellm-slow-{os.getpid()}", "sagellm-near", "sagellm-far"


@dataclass
class Link:
    """The cable, which can be made worse and better."""

    process: subprocess.Popen[str]

    def be(self, there_s: float = 0.0, back_s: float = 0.0, lost: float = 0.0) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{there_s} {back_s} {lost}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()


@pytest.fixture(scope="module")
def cable() -> Iterator[Link]:
    if shutil.which("ip") is None or not os.access("/dev/net/tun", os.W_OK):
        pytest.skip("there is no `ip` or no /dev/net/tun, so no link can be slow")
    ip(f"netns add {SPACE}")
    command = [sys.executable, "-m", "tests.fakes.link", NEAR, FAR, SPACE]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for words in (
            f"addr add {HERE}/32 dev {NEAR}",
            f"link set {NEAR} up",
            f"-n {SPACE} link set lo up",
            f"-n {SPACE} addr add {THERE}/32 dev {FAR}",
            f"-n {SPACE} link set {FAR} up",
            f"route add {THERE} dev {NEAR} src {HERE}",
            f"-n {SPACE} route add {HERE} dev {FAR} src {THERE}",
        ):
            ip(words)
        yield Link(process)
    finally:
        process.communicate(timeout=30)
        subprocess.run(["ip", "netns", "del", SPACE], check=True)


@pytest.fixture(scope="module")
def link(cable: Link, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Link]:
    node = ["ip", "netns", "exec", SPACE, RAY, "start", f"--address={HEAD}", f"--node-ip-address={THERE}"]
    with started(HEAD, [[*node, *SMALL]], tmp_path_factory.mktemp("ray") / "log"):
        yield cable


def loaded(folder: Path) -> tuple[Observed, list[str]]:
    """A short load from both nodes, and what stands against it."""
    with serving(Script(itl_s=0.002), HERE) as server:
        observed = load(server.base_url, folder / "raw", 20, 20.0, head=HEAD)
    found = evidence([], nodes=observed.nodes)
    return observed, [str(one) for one in (*verdict.all_there(found), *verdict.one_clock(found))]


def off_by(observed: Observed) -> list[tuple[float, float]]:
    """By how much each node's clock was taken to be off, and by how much that may be wrong."""
    return [(abs(one.clock_offset_s or 0.0), one.clock_bound_s or 0.0) for one in observed.nodes]


@pytest.mark.parametrize(("there_s", "back_s"), [(0.02, 0.0), (0.0, 0.02)])
def test_a_slow_link_is_named_and_the_error_lies_within_the_bound(
    link: Link, tmp_path: Path, there_s: float, back_s: float
) -> None:
    link.be(there_s, back_s)
    observed, reasons = loaded(tmp_path)
    link.be()
    assert all(error_s <= bound_s for error_s, bound_s in off_by(observed))
    far = next(one for one in observed.nodes if THERE in one.name)
    (reason,) = reasons
    assert f"the clock of client node {far.name} is known only to within" in reason
    assert (far.clock_bound_s or 0.0) >= (there_s + back_s) / 2


def test_a_link_that_loses_some_packets_costs_neither_a_request_nor_the_bound(
    link: Link, tmp_path: Path
) -> None:
    link.be(lost=0.02)
    observed, _ = loaded(tmp_path)
    link.be()
    assert [one.lost for one in observed.nodes] == [None, None]
    assert len(list(observed.samples())) == 20
    assert all(error_s <= bound_s for error_s, bound_s in off_by(observed))
