"""Machines on one network: each with its own address, processes, home and temporary files, made of Linux namespaces.

What is started on a machine ends with it. The disk is everybody's own, so paths mean the same everywhere.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

MACHINE = ("unshare", "--net", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child=SIGKILL")
FIRST = (
    "echo ready; read"  # until our end of its input is closed, by us or by our death; bash buries the dead
)
PREFIX = 24
OWN_FOLDERS = ("/dev/shm", "/tmp/ray")  # noqa: S108 - where Ray itself keeps what belongs to one machine, unless told


@dataclass(frozen=True, slots=True)
class Machine:
    """The processes that `pid` may see, at this address."""

    pid: int
    address: str
    home: Path
    environment: Mapping[str, str]

    def typing(self, line: str, **more: str) -> list[str]:
        """Return the command that types lines into a shell there, which stops at the first that fails."""
        given = {**self.environment, "HOME": str(self.home), **more}
        inside = ("nsenter", "--target", str(self.pid), "--net", "--pid", "--mount")
        variables = [f"{name}={value}" for name, value in given.items()]
        return [*inside, "env", "-i", "-C", str(self.home), *variables, "bash", "-eo", "pipefail", "-c", line]

    def type(self, line: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Type lines into a shell there; what it says on standard error comes with its output.

        A file takes it: what a line leaves running would hold a pipe open.
        """
        with tempfile.TemporaryFile("w+") as said:
            command = self.typing(line, **more)
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False)
            said.seek(0)
            return subprocess.CompletedProcess(command, ended.returncode, said.read())


def allowed() -> bool:
    """Whether this system lets us make machines."""
    try:
        return subprocess.run([*MACHINE, "ip", "link"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@contextmanager
def network(
    server: str, addresses: list[str], root: Path, environment: Mapping[str, str]
) -> Iterator[tuple[Machine, ...]]:
    """Give machines at these addresses, the last of which is at `server` and is the switch between them."""
    with ExitStack() as stack:
        switch = stack.enter_context(_held())
        _inside(
            switch,
            *("ip link set lo up", "ip link add switch type bridge", "ip link set switch up"),
            f"ip addr add {server}/{PREFIX} dev switch",
        )
        machines = []
        for number, address in enumerate(addresses, 1):
            home = root / f"home-{number}"
            home.mkdir()
            machines.append(Machine(stack.enter_context(_held()), address, home, environment))
            _plug(switch, f"port{number}", machines[-1], server)
        yield *machines, Machine(switch, server, root, environment)


def _plug(switch: int, port: str, machine: Machine, gateway: str) -> None:
    """Connect a machine, whose way to everything else is the switch."""
    _inside(
        switch,
        f"ip link add {port} type veth peer name eth0 netns {machine.pid}",
        f"ip link set {port} master switch up",
    )
    _inside(
        machine.pid,
        *("ip link set lo up", f"ip addr add {machine.address}/{PREFIX} dev eth0", "ip link set eth0 up"),
        f"ip route add default via {gateway}",
        *(f"mkdir -p {folder} && mount -t tmpfs none {folder}" for folder in OWN_FOLDERS),
    )


def _inside(pid: int, *lines: str) -> None:
    command = ("nsenter", "--target", str(pid), "--net", "--mount", "sh", "-ec", "\n".join(lines))
    subprocess.run(command, check=True)


@contextmanager
def _held() -> Iterator[int]:
    """Hold namespaces open by a process in them, and give its number as it is seen from here."""
    holder = subprocess.Popen((*MACHINE, "bash", "-c", FIRST), stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        (inside,) = psutil.Process(holder.pid).children()
        yield inside.pid
    finally:
        holder.kill()
        holder.wait()
        for file in (holder.stdin, holder.stdout):
            assert file is not None
            file.close()


def path_with(*first: Path) -> str:
    """PATH, with these folders before all others."""
    return os.pathsep.join((*map(str, first), os.environ["PATH"]))
