"""The second node has a network of its own, whose cable is cut in the middle of a load."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.simulated import RAY, SMALL, ip, named_and_gone, sending, started
from tests.fakes.openai_server import Script, serving

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.timeout(300)]

HERE, THERE = "10.203.77.1", "10.203.77.2"
HEAD = f"{HERE}:6394"
SPACE, CABLE = f"sagellm-{os.getpid()}", "sagellm-cable"


@pytest.fixture
def cable() -> Iterator[None]:
    """A network of its own, and a cable to it, which goes with it."""
    if shutil.which("ip") is None:
        pytest.skip("there is no `ip`, so no cable can be cut")
    ip(f"netns add {SPACE}")
    try:
        ip(f"link add {CABLE} type veth peer name end netns {SPACE}")
        ip(f"addr add {HERE}/32 dev lo")  # which stays, and is reached from here, when the cable is cut
        ip(f"link set {CABLE} up")
        ip(f"-n {SPACE} link set lo up")
        ip(f"-n {SPACE} link set end up")
        ip(f"-n {SPACE} addr add {THERE}/32 dev lo")
        ip(f"route add {THERE} dev {CABLE} src {HERE}")
        ip(f"-n {SPACE} route add {HERE} dev end src {THERE}")
        yield
    finally:
        subprocess.run(["ip", "netns", "del", SPACE], check=True)
        subprocess.run(["ip", "addr", "del", f"{HERE}/32", "dev", "lo"], capture_output=True, check=False)


@pytest.fixture
def machines(cable: None, tmp_path: Path) -> Iterator[None]:
    node = ["ip", "netns", "exec", SPACE, RAY, "start", f"--address={HEAD}", f"--node-ip-address={THERE}"]
    with started(HEAD, [[*node, *SMALL]], tmp_path / "log"):
        yield


def test_a_cut_cable_ends_the_load_with_the_nodes_name_and_leaves_nothing(
    machines: None, tmp_path: Path
) -> None:
    def cut(cluster: object) -> None:
        sending(cluster)
        subprocess.run(["ip", "link", "set", CABLE, "down"], check=True)

    with serving(Script(itl_s=0.005), HERE) as server:
        named_and_gone(cut, server.base_url, tmp_path, HEAD)
