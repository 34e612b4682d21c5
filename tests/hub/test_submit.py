"""Submitting through git: nobody's row is lost, nobody is asked to merge, whoever pushes first."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board.entry import SINGLE
from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.errors import ConflictError, DataError, RemoteError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub import merging
from sagellm_benchmark.hub.git import Repository
from sagellm_benchmark.hub.retry import Pace
from sagellm_benchmark.hub.submit import submit
from tests import command
from tests.fakes.rows import new_row, new_rows
from tests.fakes.team import Team, git
from tests.house import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

ATTRIBUTES = {".gitattributes": (ROOT / ".gitattributes").read_bytes(), ".gitignore": b"outputs/\n"}


@pytest.fixture(autouse=True)
def _nobody_s_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git as on a machine where nobody has set it up."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path, files=ATTRIBUTES)


def a_run(clone: Path, *rows: Row) -> None:
    for at, row in enumerate(rows):
        folder = clone / "outputs" / f"Q1_20261120_{at:03}"
        folder.mkdir(parents=True)
        (folder / "Q1_leaderboard.json").write_bytes(to_json(row))


def pushed(team: Team) -> list[str]:
    board = git(team.remote, "show", f"{team.branch}:hf_data/{SINGLE}")
    return sorted(row["entry_id"] for row in orjson.loads(board))


def ids(*rows: Row) -> list[str]:
    return sorted(row["entry_id"] for row in rows)


def submitted(clone: Path) -> subprocess.CompletedProcess[str]:
    return command.run("submit", "--offline", cwd=clone)


def test_eight_at_once_through_one_remote_all_arrive(team: Team) -> None:
    rows = new_rows(8)
    clones = [team.clone(f"clone{who}") for who in range(8)]
    for clone, row in zip(clones, rows, strict=True):
        a_run(clone, row)
    done: dict[Path, subprocess.CompletedProcess[str]] = {}
    threads = [
        threading.Thread(target=lambda clone=clone: done.update({clone: submitted(clone)}))
        for clone in clones
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [done[clone].returncode for clone in clones] == [0] * 8, [d.stderr for d in done.values()]
    assert pushed(team) == ids(*rows)
    for clone in clones:
        git(clone, "pull", "--quiet", "--ff-only")
        assert git(clone, "status", "--porcelain", "--", "hf_data") == ""


def test_only_the_rows_are_pushed_and_the_checkout_follows(team: Team) -> None:
    clone = team.clone("mine")
    (clone / "notes.txt").write_text("mine alone")
    git(clone, "add", "notes.txt")
    a_run(clone, new_row())
    assert submitted(clone).returncode == 0
    assert "notes.txt" not in team.files()
    assert git(clone, "rev-parse", "HEAD") == git(team.remote, "rev-parse", team.branch)
    assert git(clone, "status", "--porcelain", "--untracked-files=no") == "A  notes.txt"
    again = submitted(clone)
    assert "nothing to push" in again.stdout


def test_submit_speaks_chinese_before_it_pushes_too(team: Team) -> None:
    clone = team.clone("mine")
    done = command.run("submit", "--offline", "--lang", "zh", cwd=clone)
    assert "hf_data/：0 条记录" in done.stdout
    assert "rows" not in done.stdout


def test_rows_come_after_the_folder_was_cleaned(team: Team) -> None:
    first, second = new_rows(2)
    clone = team.clone("mine")
    a_run(clone, first)
    assert submitted(clone).returncode == 0
    other = team.clone("cleaner")
    git(other, "rm", "--quiet", f"hf_data/{SINGLE}")
    team.push(other, "Clean hf_data/")
    a_run(clone / "later", second)
    assert command.run("submit", "--offline", "--outputs", "later/outputs", cwd=clone).returncode == 0
    assert second["entry_id"] in pushed(team)


def test_a_rows_evidence_goes_with_it(team: Team) -> None:
    digest = "5" * 64
    clone = team.clone("mine")
    row = new_row(evidence={"sha256": digest})
    (clone / "hf_data" / SINGLE).write_bytes(to_json([row]))
    (clone / "hf_data" / "evidence").mkdir()
    (clone / "hf_data" / "evidence" / f"{digest}.tar.xz").write_bytes(b"packed")
    (clone / "hf_data" / "evidence" / f"{'6' * 64}.tar.xz").write_bytes(b"of no row")
    assert submit(clone / "hf_data").followed
    assert f"hf_data/evidence/{digest}.tar.xz" in team.files()
    assert not any("6666" in name for name in team.files())
    assert submit(clone / "hf_data").commit is None


@pytest.mark.with_children
def test_a_checkout_with_commits_of_its_own_is_left_as_it_is(team: Team) -> None:
    clone = team.clone("mine")
    (clone / "code.py").write_text("print('mine')")
    git(clone, "add", "code.py")
    git(clone, "commit", "--quiet", "-m", "not to be pushed yet")
    a_run(clone, new_row())
    done = submitted(clone)
    assert (done.returncode, "next:  git pull" in done.stdout) == (0, True), done.stderr
    assert pushed(team) == ids(new_row())
    assert "not to be pushed yet" not in team.log()
    assert (clone / "hf_data" / SINGLE).exists()


def test_a_row_that_may_not_be_published_is_not_pushed(team: Team) -> None:
    clone = team.clone("mine")
    (clone / "hf_data" / SINGLE).write_bytes(to_json([{**new_row(), "entry_id": "0" * 8}]))
    before = team.log()
    with pytest.raises(DataError, match="nothing was pushed"):
        submit(clone / "hf_data")
    assert team.log() == before


def test_somebody_who_is_always_first_ends_it_after_a_while(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = team.clone("mine")
    (clone / "hf_data" / SINGLE).write_bytes(to_json([new_row()]))
    monkeypatch.setattr(Repository, "advance", lambda *_: False)
    with pytest.raises(ConflictError, match="somebody else pushed to main first"):
        submit(clone / "hf_data", pace=Pace(attempts=3, sleep=lambda _: None))


def test_a_remote_that_refuses_is_said_to(team: Team) -> None:
    clone = team.clone("mine")
    (clone / "hf_data" / SINGLE).write_bytes(to_json([new_row()]))
    hook = team.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RemoteError, match="git push with origin"):
        submit(clone / "hf_data")


def test_git_joins_boards_by_itself_once_aggregate_has_run(team: Team) -> None:
    (common, slow, fast), other = new_rows(3), new_row(engine="vllm")
    team.submit(team.clone("before"), common)
    one, two = team.clone("one"), team.clone("two")
    a_run(one, slow)
    a_run(two, fast, other)
    for clone in (one, two):
        assert command.run("aggregate", "--offline", cwd=clone).returncode == 0
    team.push(one, "rows of one")
    git(two, "add", "hf_data")
    git(two, "commit", "--quiet", "-m", "rows of two")
    git(two, "pull", "--quiet", "--rebase")
    git(two, "push", "--quiet")
    assert pushed(team) == ids(common, slow, fast, other)


def test_what_follows_from_rows_stays_ours_in_a_merge(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(b'{"last_updated": "2026-01-01T00:00:00Z"}')
    theirs.write_bytes(b'{"last_updated": "2027-01-01T00:00:00Z"}')
    merging.merge(ours, theirs)
    assert ours.read_bytes() == b'{"last_updated": "2026-01-01T00:00:00Z"}'


def test_a_checkout_that_asks_for_nothing_is_not_configured(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    clone = Team(tmp_path / "plain").clone("mine")
    assert not merging.install(clone / "hf_data")
    asking = Team(tmp_path, files=ATTRIBUTES).clone("asking")
    assert merging.install(asking / "hf_data")
    assert not merging.install(asking / "hf_data")
