"""Sixteen publishers at once, and publishers that are killed: processes, as on a cluster."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board.entry import SINGLE
from sagellm_benchmark.board.identity import Row, submission_path
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.rebuild import rebuild
from sagellm_benchmark.hub.store import Store
from tests import command
from tests.fakes.hub_server import REPO, WRITER, Fault, HubServer
from tests.fakes.rows import custom_row
from tests.forked import Running
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

PUBLISHERS, ROWS_EACH = 16, 10


def batches() -> list[list[Row]]:
    """Ten rows for each publisher, all of different configurations."""
    return [
        [
            custom_row(metadata__submitter=f"team {who}", workload__input_length=100 * who + at + 1)
            for at in range(ROWS_EACH)
        ]
        for who in range(PUBLISHERS)
    ]


def start(home: Path, rows: list[Row], *arguments: str, url: str = "") -> Running:
    """A publisher of its own, with its own home and its own hf_data/."""
    (home / "hf_data").mkdir(parents=True, exist_ok=True)
    (home / "hf_data" / SINGLE).write_bytes(to_json(rows))
    return command.start("publish", *arguments, cwd=home, env={"HF_TOKEN": WRITER, "HF_ENDPOINT": url})


def kill(publisher: Running) -> None:
    publisher.send_signal(signal.SIGKILL)
    publisher.ended()


def all_end_well(publishers: list[Running]) -> None:
    for publisher in publishers:
        done = publisher.ended(150)
        assert done.returncode == 0, done.stdout + done.stderr
        assert WRITER not in done.stdout + done.stderr


def seen_in(boards: list[bytes]) -> list[set[str]]:
    return [{row["entry_id"] for row in orjson.loads(board)} for board in boards]


def test_sixteen_at_once_on_the_hub_lose_nothing(tmp_path: Path) -> None:
    with HubServer(commit_s=0.02) as server:
        work = batches()
        all_end_well(
            [start(tmp_path / f"{at}", rows, "--repo", REPO, url=server.url) for at, rows in enumerate(work)]
        )
        commits = server.history.commits[1:]
        assert len(commits) == PUBLISHERS
        history = seen_in([commit.files[SINGLE] for commit in commits])
        assert all(earlier < later for earlier, later in pairwise(history))
        board = [row["entry_id"] for row in orjson.loads(commits[-1].files[SINGLE])]
        assert sorted(board) == sorted(row["entry_id"] for rows in work for row in rows)
        assert all(submission_path(row) in commits[-1].files for rows in work for row in rows)
        assert rebuild(Hub(REPO, endpoint=server.url)).differences == ()


def test_sixteen_at_once_in_a_folder_lose_nothing(tmp_path: Path) -> None:
    work, shared = batches(), tmp_path / "shared"
    all_end_well([start(tmp_path / f"{at}", rows, "--to", str(shared)) for at, rows in enumerate(work)])
    store = Directory(shared)
    board = [row["entry_id"] for row in orjson.loads((shared / SINGLE).read_bytes())]
    assert sorted(board) == sorted(row["entry_id"] for rows in work for row in rows)
    log = store.log()
    assert len(log) == PUBLISHERS
    assert [record.parent for record in log[1:]] == [record.commit for record in log[:-1]]
    written = [
        sum(name.startswith("submissions/t") or "/llama" in name for name in record.files) for record in log
    ]
    assert written == [ROWS_EACH] * PUBLISHERS
    assert rebuild(store).differences == ()


STEPS = {
    "reading": Fault("info"),
    "creating the dataset": Fault("create"),
    "uploading": Fault("preupload"),
    "committing, before it is done": Fault("commit"),
    "committing, when it is done": Fault("commit", applied=True),
    "reading back": Fault("paths", skip=1),
}
"""The request of a first publish that is not answered, so that it can be killed right there."""


@pytest.mark.parametrize("step", STEPS)
def test_a_publisher_that_is_killed_at_any_step_ends_as_if_it_never_was(tmp_path: Path, step: str) -> None:
    rows, fault = batches()[0], replace(STEPS[step], do="hang")
    commits = 1 if step in ("committing, when it is done", "reading back") else 0
    with HubServer(repo=None) as server:
        server.faults.append(fault)
        killed = start(tmp_path, rows, "--create", "--repo", REPO, url=server.url)
        wait_for(lambda: fault.times == 0 and committed(server) == commits)
        kill(killed)
        all_end_well([start(tmp_path, rows, "--create", "--repo", REPO, url=server.url)])
        assert committed(server) == 1
        held_exactly(Hub(REPO, endpoint=server.url), rows)


def committed(server: HubServer) -> int:
    """The commits on top of the one that each dataset begins with."""
    return len(server.history.commits) - 1 if server.repos else 0


def test_a_publisher_into_a_folder_that_is_killed_ends_as_if_it_never_was(tmp_path: Path) -> None:
    rows = batches()[0]
    pauses = random.Random(7)  # noqa: S311 - repeatable
    for attempt in range(6):
        home, shared = tmp_path / f"{attempt}", tmp_path / f"shared{attempt}"
        killed = start(home, rows, "--to", str(shared))
        time.sleep(pauses.uniform(0.02, 0.4))
        kill(killed)
        all_end_well([start(home, rows, "--to", str(shared))])
        held_exactly(Directory(shared), rows)


def held_exactly(store: Store, rows: list[Row]) -> None:
    held = orjson.loads(store.read().files[SINGLE])
    assert sorted(row["entry_id"] for row in held) == sorted(row["entry_id"] for row in rows)
    assert rebuild(store).differences == ()
