from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board.entry import MULTI, SINGLE
from sagellm_benchmark.board.folder import COMPARE
from sagellm_benchmark.errors import ConflictError, DataError, RemoteError, UsageError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.cleanup import Cleaned, clean
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.handed_in import rows_in
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.hub.retry import Pace
from sagellm_benchmark.hub.store import FILES, Snapshot, Store
from tests.fakes.hub_server import Fault, HubServer
from tests.fakes.rows import new_row, new_rows
from tests.fakes.team import Team, git

pytestmark = [pytest.mark.waits, pytest.mark.no_cover]


@pytest.fixture(autouse=True)
def _nobody_s_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git as on a machine where nobody has set it up."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Directory(tmp_path / "board")


IMPATIENT = Pace(sleep=lambda _: None)


def cleaned(folder: Path, store: Store) -> Cleaned:
    done = clean(folder, store, agree=lambda _: True, pace=IMPATIENT)
    assert done is not None
    return done


EMPTY = ["code.py", "hf_data/README.md"]


@pytest.mark.parametrize("branch", ["main", "main-dev", "feature/x"])
def test_removes_what_is_published_and_pushes(tmp_path: Path, store: Store, branch: str) -> None:
    team = Team(tmp_path, branch)
    clone = team.clone("a")
    folder = team.submit(clone, *new_rows(2))
    publish(store, rows_in(folder))
    done = cleaned(folder, store)
    assert (done.removed, done.left, done.branch) == (("hf_data/leaderboard_single.json",), (), branch)
    assert team.files() == EMPTY
    assert sorted(path.name for path in folder.iterdir()) == ["README.md"]
    assert git(clone, "status", "--porcelain") == ""
    assert "[skip ci]" in team.log()[0]


def test_cleaning_again_finds_nothing_to_do(team: Team, store: Store) -> None:
    folder = team.submit(team.clone("a"), new_row())
    publish(store, rows_in(folder))
    first = cleaned(folder, store)
    again = cleaned(folder, store)
    assert (again.removed, again.commit) == ((), first.commit)


def test_refuses_to_remove_what_is_not_published(team: Team, store: Store) -> None:
    row = new_row()
    folder = team.submit(team.clone("a"), row)
    with pytest.raises(DataError, match="not published") as caught:
        clean(folder, store, agree=lambda _: True, pace=IMPATIENT)
    assert row["entry_id"] in caught.value.message
    assert f"hf_data/{SINGLE}" in team.files()


def test_of_a_file_with_a_row_that_was_skipped_as_invalid_only_that_row_is_kept(
    team: Team, store: Store
) -> None:
    clone = team.clone("a")
    good, bad = new_row(), new_row(metrics__throughput_tps=-5)
    (clone / "hf_data" / COMPARE).write_text("{}\n")
    (clone / "hf_data" / MULTI).write_bytes(to_json([good]))
    folder = team.submit(clone, good, bad)
    publish(store, rows_in(folder), skip_invalid=True)
    done = cleaned(folder, store)
    assert done.removed == (f"hf_data/{MULTI}",)
    assert done.reduced == (f"hf_data/{SINGLE}",)
    assert done.left[0].startswith(f"hf_data/{SINGLE}: not published: hf_data/{SINGLE}, row 1")
    assert [row["entry_id"] for row in orjson.loads((folder / SINGLE).read_bytes())] == [bad["entry_id"]]
    assert team.files() == ["code.py", "hf_data/README.md", f"hf_data/{COMPARE}", f"hf_data/{SINGLE}"]


def test_a_beaten_row_that_was_never_accepted_keeps_its_file(team: Team, store: Store) -> None:
    folder = team.submit(team.clone("a"), new_row(metrics__throughput_tps=99.0))
    publish(store, rows_in(folder))
    team.submit(team.root / "a", new_row())
    with pytest.raises(DataError, match="not published"):
        clean(folder, store, agree=lambda _: True, pace=IMPATIENT)


def test_a_published_row_that_disappeared_from_the_board_stays_in_its_file(team: Team, store: Store) -> None:
    one, other = new_rows(2)
    folder = team.submit(team.clone("a"), one, other)
    publish(store, rows_in(folder))
    store.commit({SINGLE: to_json([one])}, store.read(()).commit, "by another tool")
    done = cleaned(folder, store)
    assert (done.removed, done.reduced) == ((), (f"hf_data/{SINGLE}",))
    assert other["entry_id"] in done.left[0]
    assert orjson.loads((folder / SINGLE).read_bytes()) == [other]


def test_somebody_s_push_in_between_is_published_first(team: Team, store: Store) -> None:
    mine, theirs = new_rows(2)
    other = team.clone("b")
    folder = team.submit(team.clone("a"), mine)
    publish(store, rows_in(folder))
    git(other, "pull", "--quiet")
    team.submit(other, mine, theirs)
    assert cleaned(folder, store).removed == (f"hf_data/{SINGLE}",)
    assert team.files() == EMPTY
    assert theirs["entry_id"].encode() in store.read().files[SINGLE]


def test_a_push_while_it_pushes_survives(team: Team, store: Store) -> None:
    mine, theirs = new_rows(2)
    other = team.clone("b")
    folder = team.submit(team.clone("a"), mine)
    publish(store, rows_in(folder))
    git(other, "pull", "--quiet")
    asked: list[str] = []

    def agree(question: str) -> bool:
        asked.append(question)
        team.submit(other, mine, theirs)  # after the fetch, before the push
        return True

    done = clean(folder, store, agree=agree)
    assert done is not None
    assert len(asked) == 1
    assert team.files() == EMPTY
    assert theirs["entry_id"].encode() in store.read().files[SINGLE]
    assert team.log()[:3] == [team.log()[0], "add results", "add results"]


def test_somebody_s_bad_row_stays_and_is_told(team: Team, store: Store) -> None:
    other = team.clone("b")
    folder = team.submit(team.clone("a"), new_row())
    publish(store, rows_in(folder))
    git(other, "pull", "--quiet")
    team.submit(other, new_row(metrics__error_rate=7), file="theirs.json")
    done = cleaned(folder, store)
    assert done.removed == (f"hf_data/{SINGLE}",)
    assert "row 0: metrics.error_rate is 7" in done.left[0]
    assert "hf_data/theirs.json" in team.files()


def test_a_branch_that_never_stands_still_is_given_up_on(team: Team, store: Store) -> None:
    other = team.clone("b")
    folder = team.submit(team.clone("a"), new_row())
    publish(store, rows_in(folder))
    git(other, "pull", "--quiet")

    class Restless(Directory):
        def read(self, names: Iterable[str] = FILES, *, commit: str | None = None) -> Snapshot:
            (other / "code.py").write_text(f"{len(team.log())}\n")
            team.push(other, "work")
            return super().read(names, commit=commit)

    with pytest.raises(ConflictError):
        clean(folder, Restless(Path(store.name)), agree=lambda _: True)
    assert f"hf_data/{SINGLE}" in team.files()


def test_asks_before_it_pushes(team: Team, store: Store) -> None:
    folder = team.submit(team.clone("a"), new_row())
    publish(store, rows_in(folder))
    asked: list[str] = []

    def refuse(question: str) -> bool:
        asked.append(question)
        return False

    assert clean(folder, store, agree=refuse) is None
    assert asked == [f"Remove hf_data/{SINGLE} from origin/main, and push?"]
    assert f"hf_data/{SINGLE}" in team.files()


def test_work_that_is_not_committed_is_left_as_it_is(team: Team, store: Store) -> None:
    clone = team.clone("a")
    folder = team.submit(clone, new_row())
    publish(store, rows_in(folder))
    (folder / SINGLE).write_text("[]\n")
    (clone / "code.py").write_text("mine\n")
    done = cleaned(folder, store)
    assert not done.followed
    assert team.files() == EMPTY
    assert (folder / SINGLE).read_text() == "[]\n"
    assert (clone / "code.py").read_text() == "mine\n"


def test_works_in_a_shallow_clone(team: Team, store: Store) -> None:
    team.submit(team.root / "first", new_row())
    folder = team.clone("shallow", "--depth=1") / "hf_data"
    publish(store, rows_in(folder))
    assert cleaned(folder, store).removed
    assert team.files() == EMPTY
    assert len(team.log()) == 3


def test_a_symbolic_link_among_the_rows_is_refused(team: Team, store: Store) -> None:
    clone = team.clone("a")
    (clone / "hf_data" / SINGLE).symlink_to("/etc/passwd")
    team.push(clone, "a link")
    with pytest.raises(DataError, match="not a plain file"):
        clean(clone / "hf_data", store, agree=lambda _: True)


def test_a_remote_out_of_reach_is_a_remote_error(team: Team, store: Store) -> None:
    clone = team.clone("a")
    folder = team.submit(clone, new_row())
    git(clone, "remote", "set-url", "origin", str(team.root / "gone.git"))
    with pytest.raises(RemoteError, match="git fetch"):
        clean(folder, store, agree=lambda _: True)


def test_a_remote_that_takes_no_push_is_a_remote_error(team: Team, store: Store) -> None:
    folder = team.submit(team.clone("a"), new_row())
    publish(store, rows_in(folder))
    hook = team.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(RemoteError, match="git push"):
        clean(folder, store, agree=lambda _: True, pace=IMPATIENT)
    assert f"hf_data/{SINGLE}" in team.files()


def test_outside_a_checkout_it_says_so(tmp_path: Path, store: Store) -> None:
    (tmp_path / "hf_data").mkdir()
    with pytest.raises(UsageError, match="not in a git checkout"):
        clean(tmp_path / "hf_data", store, agree=lambda _: True)


def test_without_a_remote_it_says_so(tmp_path: Path, store: Store) -> None:
    git(tmp_path, "init", "--quiet", "alone")
    (tmp_path / "alone" / "hf_data").mkdir()
    with pytest.raises(UsageError, match="no remote"):
        clean(tmp_path / "alone" / "hf_data", store, agree=lambda _: True)


def test_a_hub_that_answers_late_with_the_new_commit_is_asked_again(
    team: Team, hub: Hub, server: HubServer
) -> None:
    folder = team.submit(team.clone("a"), new_row())
    publish(hub, rows_in(folder))
    server.faults += [Fault("info", do="stale", times=2), Fault("info", status=503, skip=2)]
    done = clean(folder, hub, agree=lambda _: True, pace=IMPATIENT)
    assert done is not None
    assert done.removed == (f"hf_data/{SINGLE}",)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, store: Store) -> None:
    with pytest.raises(DataError, match="there is no folder") as caught:
        clean(tmp_path / "missing", store, agree=lambda _: True)
    assert "--hf-data" in str(caught.value.hint)
