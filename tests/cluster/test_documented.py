"""The lines of docs/cluster.md, typed into machines at the addresses that they name; only Slurm is a stand-in.

Each machine says that it has eight processors, as those of the examples have.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.errors import Exit
from tests.documented.lines import PROGRAM, run_by
from tests.documented.world import PLAN
from tests.fakes import machines
from tests.fakes.machines import Machine
from tests.house import ROOT
from tests.waiting import wait_for

RAY = find_spec("ray") is not None
pytestmark = [
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not RAY, reason="Ray is not installed: nox -s cluster"),
    pytest.mark.skipif(
        RAY and not machines.allowed(), reason="this system allows no namespaces, so no machines"
    ),
]

LINES = [line.text for line in run_by(__file__)]
SERVER, ADDRESSES = "10.0.0.9", [f"10.0.0.{number}" for number in (1, 2, 3, 4)]
AT = f"sagellm-benchmark run --base-url http://{SERVER}:8000"
SHORT = " --concurrency 64 --no-calibrate"  # 4,096 requests take these processors minutes
MEASURED = (Exit.DONE, Exit.INVALID_RUN)  # four machines share these processors: figures may be spoiled
TOKEN = Path(".ray/auth_token")
WITH_TOKEN = "export RAY_AUTH_MODE=token\n"


def documented(beginning: str) -> str:
    """The one line that begins so."""
    found = [line for line in LINES if line.startswith(beginning)]
    assert len(found) == 1, f"lines of docs/cluster.md that begin with {beginning}: {found}"
    return found[0]


NEW_TOKEN = documented("ray get-auth-token")
HEAD, NODE, STOP = documented("ray start --head"), documented("ray start --address"), documented("ray stop")
WITH_DASHBOARD = HEAD.replace("--include-dashboard=false", "--dashboard-host=10.0.0.1")
FROM_FOUR = documented(f"{AT} --workload Q5 --concurrency 4096 --on ray://auto")
FROM_TWO = documented(f"{AT} --workload Q5 --on ray://auto --client-nodes 2 --client-processes 4")
SAME_RAY = documented("pip install")
OF_A_CLUSTER = documented("sagellm-benchmark run … --on")
PLANNED = documented("sagellm-benchmark matrix plan.toml --on")
JOB, NO_JOB = documented("ray job submit"), documented("ray job stop")
OUTSIDE = "export RAY_API_SERVER_ADDRESS=http://10.0.0.1:8265"
_, _, BELOW = (ROOT / "docs/cluster.md").read_text().partition("\n## Slurm\n")
BATCH = BELOW.partition("\n\n")[0].replace("\n    ", "\n").strip()


@dataclass(frozen=True, slots=True)
class Room:
    """Four machines with one token, and a folder that all of them can reach."""

    machines: tuple[Machine, ...]
    shared: Path

    def types(self, line: str, at: int = 1, **more: str) -> str:
        """Expect lines to do what they should on the machine with this number; give what is told."""
        done = self.machines[at - 1].type(WITH_TOKEN + line, **more)
        assert done.returncode in (MEASURED if PROGRAM in line else (0,)), f"{line}\n{done.stdout}"
        return done.stdout

    def sent_from(self, at: int = 1) -> int:
        """How many nodes have sent the only load that is kept on a machine."""
        (summary,) = self.machines[at - 1].home.glob("outputs/*/*/*_001/summary.json")
        return len(orjson.loads(summary.read_bytes())["client"]["nodes"])


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    environment = {
        "PATH": machines.path_with(Path(sys.executable).parent),
        "LC_ALL": "C.UTF-8",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_OVERRIDE_RESOURCES": '{"CPU": 8}',
        "SAGELLM_ACCEPT_BUSY": "1",
    }
    with machines.network(SERVER, ADDRESSES, tmp_path, environment) as (*found, switch):
        log = tmp_path / "log"
        log.touch()
        serves = f"python -m tests.fakes.openai_server --host {SERVER} --port 8000 --itl-s 0.005"
        assert switch.type(f"{serves} >{log} 2>&1 </dev/null &", PYTHONPATH=str(ROOT)).returncode == 0
        wait_for(log.read_text)
        token(tuple(found))
        yield Room(tuple(found), tmp_path / "shared")


def token(found: tuple[Machine, ...]) -> None:
    """Make a token on the first machine, and copy it to the others."""
    done = found[0].type(NEW_TOKEN)
    assert done.returncode == 0, done.stdout
    for machine in found[1:]:
        (machine.home / TOKEN).parent.mkdir()
        shutil.copy(found[0].home / TOKEN, machine.home / TOKEN)


def joined(room: Room, *numbers: int, head: str = HEAD) -> None:
    """Start the head as the document does, and nodes on other machines."""
    room.types(head)
    for number in numbers:
        room.types(NODE.replace("10.0.0.2", ADDRESSES[number - 1]), at=number)


def test_two_machines_by_hand(room: Room) -> None:
    room.types(f"export RAY_worker_niceness=0\n{HEAD}")
    room.types(f"export RAY_worker_niceness=0\n{NODE}", at=2)
    room.types(FROM_TWO)
    assert room.sent_from() == 2
    for number in (1, 2):
        room.types(f"{STOP}\n! pgrep -x raylet", at=number)


def test_a_load_from_four_machines(room: Room) -> None:
    joined(room, 2, 3, 4)
    room.types(FROM_FOUR + SHORT)
    assert room.sent_from() == 4


def test_an_existing_cluster_and_its_own_version_of_ray(room: Room) -> None:
    joined(room, 2)
    room.types(SAME_RAY.replace("VERSION", version("ray")))
    room.types(OF_A_CLUSTER.replace(" …", f" --base-url http://{SERVER}:8000 --workload Q5"))
    assert room.sent_from() == 2


def test_a_plan_on_a_cluster(room: Room) -> None:
    joined(room, 2)
    (room.machines[0].home / "plan.toml").write_text(PLAN.format(f"http://{SERVER}:8000"))
    room.types(PLANNED)
    assert len(list(room.machines[0].home.glob("outputs/matrix/**/summary.json"))) == 1


def test_a_job_sent_by_a_machine_that_is_no_node(room: Room) -> None:
    joined(room, 2, head=WITH_DASHBOARD)
    told = room.types(f"{OUTSIDE}\n{JOB.replace('/shared', str(room.shared))}", at=4)
    assert "Running entrypoint for job" in told
    assert len(list(room.shared.glob("outputs/*/*/*_001/report.html"))) == 1


def test_a_job_that_is_stopped_keeps_what_was_measured(room: Room) -> None:
    joined(room, 2, head=WITH_DASHBOARD)
    begin, words = JOB.split(" -- ")
    long = f"{words.replace('/shared', str(room.shared))} --requests 100000 --no-calibrate"
    room.types(f"{OUTSIDE}\n{begin} --no-wait --submission-id ID -- {long}", at=4)
    wait_for(lambda: "/100000 requests" in room.types(f"{OUTSIDE}\nray job logs ID", at=4), 90)
    assert "stopped" in room.types(f"{OUTSIDE}\n{NO_JOB}", at=4)
    wait_for(lambda: list(room.shared.glob("outputs/*/*/*_001/report.html")), 90)


def test_a_job_of_slurm(room: Room, tmp_path: Path) -> None:
    """The block as a batch script; `srun` here starts its command once on each machine, as Slurm's own does."""
    commands = tmp_path / "bin"
    commands.mkdir()
    started = [shlex.join(machine.typing('"$0" "$@"', RAY_AUTH_MODE="token")) for machine in room.machines]
    script(commands / "srun", "\n".join(f'{one} "$@" &\nnodes="$nodes $!"' for one in started) + "\n" + AWAIT)
    script(
        commands / "scontrol",
        f"[ \"$*\" = 'show hostnames 10.0.0.[1-4]' ] && printf '%s\\n' {' '.join(ADDRESSES)}",
    )
    done = subprocess.run(
        ("bash", "-eo", "pipefail", "-c", BATCH + SHORT),
        env={"PATH": machines.path_with(commands), "SLURM_JOB_NODELIST": "10.0.0.[1-4]"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in MEASURED, done.stdout + done.stderr
    assert room.sent_from() == 4


AWAIT = "for node in $nodes; do wait $node || code=$?; done\nexit ${code:-0}"


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_every_line_of_the_document_is_typed() -> None:
    typed = {NEW_TOKEN, HEAD, NODE, STOP, FROM_FOUR, FROM_TWO, SAME_RAY, OF_A_CLUSTER, PLANNED, JOB, NO_JOB}
    in_the_batch = {line for line in LINES if line.startswith(("srun", "scontrol")) or "$head" in line}
    assert typed | in_the_batch == set(LINES)
    assert all(line in " ".join(BATCH.replace("\\\n", " ").split()) for line in in_the_batch)
