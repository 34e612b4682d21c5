from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from sagellm_benchmark.board.entry import BOARDS, MULTI, SINGLE
from sagellm_benchmark.errors import BenchmarkError, DataError, Exit, RemoteError, UsageError
from sagellm_benchmark.hub.blobs import Blobs
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.store import Ambiguous, Busy, Stale
from sagellm_benchmark.huggingface.calls import call
from sagellm_benchmark.huggingface.endpoint import shown
from sagellm_benchmark.huggingface.outcomes import Answer, NoAnswer
from tests.fakes.hub_server import READER, REPO, WRITER, Fault, HubServer

pytestmark = pytest.mark.waits

BOARD = {SINGLE: b'[{"entry_id": "a"}]\n'}


def published(server: HubServer, files: dict[str, bytes] = BOARD) -> str:
    return server.history.add(dict(files), "published before").id


def test_reads_the_newest_commit_and_leaves_out_what_does_not_exist(hub: Hub, server: HubServer) -> None:
    head = published(server)
    snapshot = hub.read()
    assert snapshot.commit == head
    assert snapshot.files == BOARD


def test_reads_an_older_commit_by_its_id(hub: Hub, server: HubServer) -> None:
    old = published(server)
    published(server, {SINGLE: b"[]\n"})
    assert hub.read((SINGLE,), commit=old).files == BOARD


def test_reads_with_nothing_but_a_network_and_without_a_token(
    hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    published(server)
    assert hub.read((SINGLE,)).files == BOARD


def test_a_dataset_that_does_not_exist_is_an_empty_snapshot(server: HubServer) -> None:
    snapshot = Hub("nobody/nothing", endpoint=server.url).read()
    assert (snapshot.commit, snapshot.files) == (None, {})


def test_takes_the_server_from_the_environment_when_it_is_built(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = published(server)
    monkeypatch.setenv("HF_ENDPOINT", server.url + "/")
    assert Hub(REPO).read().commit == head


def test_a_commit_has_all_its_files_and_its_parent(hub: Hub, server: HubServer) -> None:
    parent = hub.read().commit
    files = {SINGLE: b"[]\n", "submissions/x/y.json": b"{}\n", "README.md": b"# hello\n"}
    new = hub.commit(files, parent, "add a row")
    commit = server.history.head
    assert (commit.id, commit.parent, commit.message) == (new, parent, "add a row")
    assert {name: commit.files[name] for name in files} == files
    assert hub.paths("submissions", new) == ["submissions/x/y.json"]
    assert hub.address(new) == f"{server.url}/datasets/{REPO}/commit/{new}"


def test_a_server_that_lists_no_trees_is_asked_for_its_files_in_another_way(
    hub: Hub, server: HubServer
) -> None:
    head = published(server, {"submissions/x/y.json": b"{}\n", **BOARD})
    server.faults.append(Fault("tree", status=404))
    assert hub.paths("submissions", head) == ["submissions/x/y.json"]
    server.faults.append(Fault("tree", status=403, times=2))
    with pytest.raises(RemoteError):
        hub.paths("submissions", head)


def test_a_commit_on_top_of_an_old_one_is_stale(hub: Hub, server: HubServer) -> None:
    parent = hub.read().commit
    published(server)
    with pytest.raises(Stale):
        hub.commit({MULTI: b"[]\n"}, parent, "late")
    assert MULTI not in server.history.head.files


def test_the_first_commit_creates_the_dataset_and_asks_to_read_it(server: HubServer) -> None:
    hub = Hub("team/new", endpoint=server.url, create=lambda _: True)
    with pytest.raises(Stale):
        hub.commit(BOARD, None, "first")
    parent = hub.read().commit
    hub.commit(BOARD, parent, "first")
    assert server.repos["team/new"].head.files[SINGLE] == BOARD[SINGLE]


def test_a_dataset_that_somebody_else_just_created_is_no_error(server: HubServer) -> None:
    with pytest.raises(Stale):
        Hub(REPO, endpoint=server.url, create=lambda _: True).commit(BOARD, None, "first")
    assert len(server.history.commits) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("commit", status=409), Stale),
        (Fault("commit", status=412), Stale),
        (Fault("commit", status=429), Busy),
        (Fault("preupload", status=503), Busy),
        (Fault("commit", status=500), Ambiguous),
        (Fault("commit", status=502, applied=True), Ambiguous),
        (Fault("commit", do="drop"), Ambiguous),
        (Fault("commit", do="drop", applied=True), Ambiguous),
        (Fault("commit", do="cut"), Ambiguous),
        (Fault("commit", do="corrupt"), Ambiguous),
        (Fault("validate", status=400), RemoteError),
        (Fault("commit", status=401), RemoteError),
        (Fault("commit", status=403), RemoteError),
        (Fault("commit", status=404), RemoteError),
    ],
    ids=lambda value: f"{value.on} {value.do} {value.status}" if isinstance(value, Fault) else "",
)
def test_a_status_decides_what_a_failed_commit_means(
    hub: Hub, server: HubServer, fault: Fault, kind: type[BenchmarkError]
) -> None:
    server.faults.append(fault)
    with pytest.raises(kind) as caught:
        hub.commit({**BOARD, "README.md": b"# x\n"}, hub.read(()).commit, "message")
    assert type(caught.value) is kind
    assert caught.value.hint
    assert WRITER not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("status", [429, 503])
def test_says_how_long_the_hub_asked_to_wait_without_waiting(
    hub: Hub, server: HubServer, status: int
) -> None:
    server.faults.append(Fault("preupload", status=status, headers={"Retry-After": "3600"}))
    with pytest.raises(Busy) as caught:
        hub.commit(BOARD, hub.read(()).commit, "message")
    assert caught.value.retry_after_s == 3600


def test_understands_a_date_to_wait_for(hub: Hub, server: HubServer) -> None:
    server.faults.append(Fault("info", status=429, headers={"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}))
    with pytest.raises(Busy) as caught:
        hub.read()
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 1e9


@pytest.mark.parametrize("asked", ["soon", "-1", "1e3", "99999999999999999999", "٣"])
def test_a_wait_that_cannot_be_read_is_no_wait(hub: Hub, server: HubServer, asked: str) -> None:
    server.faults.append(Fault("info", status=503, headers={"Retry-After": asked.encode().decode("latin-1")}))
    with pytest.raises(Busy) as caught:
        hub.read()
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize(
    "fault", [Fault("file", status=404), Fault("file", status=500), Fault("file", do="drop")]
)
def test_only_the_hubs_own_word_makes_a_file_absent(server: HubServer, fault: Fault) -> None:
    published(server)
    fault.times = 20
    server.faults.append(fault)
    with pytest.raises(RemoteError):
        Hub(REPO, endpoint=server.url, timeout_s=0.5).read((SINGLE,))


@pytest.mark.parametrize("on", ["info", "preupload", "commit"])
def test_a_hub_that_says_nothing_is_given_up_on(server: HubServer, on: str) -> None:
    server.faults.append(Fault(on, do="hang", times=9))
    hub = Hub(REPO, endpoint=server.url, timeout_s=0.3)
    start = time.monotonic()
    with pytest.raises(Ambiguous):
        hub.commit(BOARD, hub.read().commit, "message")
    assert time.monotonic() - start < 10


def test_a_hub_that_drips_is_given_up_on(server: HubServer) -> None:
    server.faults.append(Fault("info", do="drip"))
    with pytest.raises(Ambiguous, match="no usable answer"):
        Hub(REPO, endpoint=server.url, timeout_s=0.2).read()


def test_nobody_at_the_address_is_a_remote_error_within_seconds() -> None:
    with pytest.raises(RemoteError) as caught:
        Hub(REPO, endpoint="http://127.0.0.1:9", timeout_s=5.0).read()
    assert caught.value.exit_code is Exit.REMOTE


def test_a_hub_in_trouble_is_not_answered_from_a_cache(hub: Hub, server: HubServer) -> None:
    published(server)
    assert hub.read((SINGLE,)).files == BOARD
    server.faults.append(Fault("any", status=500, times=9))
    with pytest.raises(RemoteError):
        hub.read((SINGLE,))


def test_a_body_damaged_once_is_fetched_again(hub: Hub, server: HubServer) -> None:
    published(server)
    server.faults.append(Fault("file", do="corrupt"))
    assert hub.read((SINGLE,)).files == BOARD


def test_a_body_that_breaks_off_is_no_answer(hub: Hub, server: HubServer) -> None:
    published(server)
    server.faults.append(Fault("file", do="cut"))
    with pytest.raises(Ambiguous):
        hub.read((SINGLE,))


def test_a_body_whose_damage_still_parses_is_found_by_its_checksum(hub: Hub, server: HubServer) -> None:
    published(server, {"README.md": b"a text in which any bytes would do"})
    server.faults.append(Fault("file", do="corrupt"))
    assert hub.read(("README.md",)).files == {"README.md": b"a text in which any bytes would do"}


def test_a_file_that_is_damaged_every_time_is_named(hub: Hub, server: HubServer) -> None:
    published(server)
    server.faults.append(Fault("file", do="corrupt", times=2, path=SINGLE))
    with pytest.raises(DataError, match=f"{SINGLE} at .* is damaged"):
        hub.read()


def test_an_answer_that_is_no_commit_id_is_not_believed(hub: Hub, server: HubServer) -> None:
    server.faults.append(Fault("info", do="corrupt"))
    with pytest.raises(Ambiguous):
        hub.read()


def test_a_commit_that_a_replica_does_not_know_yet_is_worth_waiting_for(hub: Hub) -> None:
    with pytest.raises(Busy):
        hub.read((SINGLE,), commit="0" * 40)


def test_without_a_token_nothing_is_sent(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(RemoteError, match="no token") as caught:
        Hub(REPO, endpoint=server.url).commit(BOARD, "0" * 40, "message")
    assert "HF_TOKEN" in (caught.value.hint or "")
    assert server.seen == []


@pytest.mark.parametrize("token", [READER, "hf_wrong"])
def test_a_token_that_may_not_write_is_told_what_it_needs(
    hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(RemoteError, match="could not write") as caught:
        hub.commit(BOARD, hub.read().commit, "message")
    assert f"may write datasets/{REPO}" in (caught.value.hint or "")
    assert len(server.history.commits) == 1


@pytest.mark.parametrize("repo", ["", "board", "a/b/c", "../x", "a/../b", "a b/c", "-a/b"])
def test_a_name_that_is_no_dataset_is_refused(repo: str) -> None:
    with pytest.raises(UsageError):
        Hub(repo)


@pytest.mark.parametrize(
    "endpoint", ["huggingface.co", "ftp://x", "http://", "http://[::1", "http://h:99999"]
)
def test_an_endpoint_that_is_no_web_address_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError, match="HF_ENDPOINT"):
        Hub(REPO, endpoint=endpoint)


def test_a_password_in_the_endpoint_is_not_shown() -> None:
    hub = Hub(REPO, endpoint="https://me:secret@hub.example/mirror")
    assert hub.name == f"https://hub.example/mirror/datasets/{REPO}"


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("https://hub.example/mirror", "https://hub.example/mirror"),
        ("https://me:secret@hub.example/mirror", "https://hub.example/mirror"),
        ("HTTP://secret@h:1", "HTTP://h:1"),
        ("me:secret@hub.example", "hub.example"),
        ("https://me:sec/ret@hub.example", "https://hub.example"),
        ("https://me:sec@ret@hub.example", "https://hub.example"),
        ("http://h/?token=secret", "http://h/"),
    ],
)
def test_an_address_is_shown_without_its_secrets(given: str, printed: str) -> None:
    assert shown(given) == printed


def test_work_that_never_ends_is_left_behind() -> None:
    with pytest.raises(NoAnswer, match=r"within 0\.05 s"):
        call(lambda: time.sleep(1), timeout_s=0.05, total_s=0.05)


def test_an_answer_says_its_status_and_code() -> None:
    assert str(Answer(404, "RepoNotFound", None)) == "HTTP 404 (RepoNotFound)"


def test_nothing_is_left_in_the_temporary_folder(
    hub: Hub, server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(server)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    hub.read()
    assert list(tmp_path.iterdir()) == []


def test_what_is_public_is_read_without_the_token(hub: Hub, server: HubServer) -> None:
    published(server)
    hub.read()
    hub.paths("submissions", server.history.head.id)
    assert server.tokens_seen == []


def test_what_shows_nothing_without_a_token_is_read_with_it(hub: Hub, server: HubServer) -> None:
    published(server)
    server.private = True
    assert hub.read().files == BOARD
    assert set(server.tokens_seen) == {"info", "paths", "tree", "file"}


@pytest.mark.parametrize("host", ["hub.example", "127.0.0.1.example", "10.0.0.1", "[2001:db8::1]"])
def test_nothing_is_asked_in_clear_of_another_machine(host: str) -> None:
    with pytest.raises(UsageError, match="begins with http://"):
        Hub(REPO, endpoint=f"http://{host}")


@pytest.mark.parametrize(
    "endpoint", ["http://localhost:8080", "http://127.0.0.9", "http://[::1]:1", "https://x"]
)
def test_this_machine_and_https_are_private_ways(endpoint: str) -> None:
    assert Hub(REPO, endpoint=endpoint).endpoint == endpoint


def test_a_redirect_to_another_place_takes_no_token_there(
    hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = published(server)
    server.private = True
    with HubServer() as elsewhere:
        elsewhere.history.add(dict(BOARD), "stolen or not, only the content counts")
        aim = f"{elsewhere.url}/datasets/{REPO}/resolve/main/{SINGLE}"
        server.faults.append(Fault("file", do="redirect", path=SINGLE, headers={"Location": aim}))
        assert hub.read((SINGLE,), commit=head).files == BOARD
        assert (elsewhere.seen, elsewhere.tokens_seen) == (["file"], [])


def test_a_token_does_not_follow_a_redirect_out_of_the_machine_in_clear(hub: Hub, server: HubServer) -> None:
    aim = {"Location": "http://hub.example/api/repos/create"}
    server.faults.append(Fault("create", do="redirect", status=307, headers=aim))
    with pytest.raises(RemoteError):
        Hub("team/new", endpoint=server.url, create=lambda _: True).commit(BOARD, None, "first")


@pytest.mark.parametrize("do", ["body", "endless"])
def test_a_body_ends_where_its_listing_says_that_it_ends(hub: Hub, server: HubServer, do: str) -> None:
    published(server)
    server.faults.append(Fault("file", do=do, body="[]," * 100_000, path=SINGLE, times=9))
    with pytest.raises(Ambiguous, match=r"more came than|longer than any"):
        hub.read((SINGLE,))


def test_a_file_that_is_listed_as_too_large_is_not_fetched(hub: Hub, server: HubServer) -> None:
    published(server)
    listed = [{"type": "file", "path": SINGLE, "size": 4 << 30, "oid": "0" * 40}]
    server.faults.append(Fault("paths", do="body", body=json.dumps(listed)))
    with pytest.raises(DataError, match="larger than"):
        hub.read((SINGLE,))
    assert "file" not in server.seen


def test_only_the_folder_that_is_asked_for_is_listed(hub: Hub, server: HubServer) -> None:
    many = {f"submissions/{number}.json": b"{}" for number in range(3 * server.page)}
    head = published(server, {**BOARD, **many, "withdrawn/a/one.jsonl": b"{}"})
    assert hub.paths("withdrawn", head) == ["withdrawn/a/one.jsonl"]
    assert hub.paths("evidence", head) == []
    assert server.seen.count("tree") == 2


@pytest.mark.parametrize("on", ["info", "paths", "tree"])
def test_an_answer_without_end_is_cut_off(hub: Hub, server: HubServer, on: str) -> None:
    head = published(server, {**BOARD, "x/file": b"{}"})
    server.faults.append(Fault(on, do="endless", body="[]," * 100_000, times=9))
    with pytest.raises(Ambiguous, match="longer than any"):
        (hub.paths("x", head) if on == "tree" else hub.read((SINGLE,)))


@pytest.mark.parametrize(
    "entry",
    [
        {"size": "1"},
        {"size": -1},
        {"size": True},
        {"oid": None},
        {"oid": "main"},
        {"lfs": {"oid": "x", "size": 1, "pointerSize": 1}},
        {"lfs": "x"},
    ],
)
def test_a_listing_that_cannot_be_one_is_no_answer(
    hub: Hub, server: HubServer, entry: dict[str, object]
) -> None:
    published(server)
    listed = [{"type": "file", "path": SINGLE, "size": 20, "oid": "0" * 40, **entry}]
    server.faults.append(Fault("paths", do="body", body=json.dumps(listed)))
    with pytest.raises(Ambiguous):
        hub.read((SINGLE,))


def test_a_file_of_more_than_ten_megabytes_goes_and_comes_as_a_large_one(
    hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    board = b"[" + b" " * (10 << 20) + b"]\n"
    new = hub.commit({SINGLE: board}, hub.read(()).commit, "large")
    assert server.history.head.files[SINGLE] == board
    assert hub.read((SINGLE,), commit=new).files == {SINGLE: board}


def test_a_server_that_does_not_say_what_it_holds_is_no_place_for_a_board(
    hub: Hub, server: HubServer
) -> None:
    published(server)
    server.faults += [Fault("paths", status=404, times=9), Fault("tree", status=404, times=9)]
    with pytest.raises(RemoteError, match="does not say what a commit holds"):
        hub.read()


def test_what_was_read_or_sent_before_is_not_fetched_again(server: HubServer, tmp_path: Path) -> None:
    hub = Hub(REPO, endpoint=server.url, cache=tmp_path / "cache")
    new = hub.commit(BOARD, hub.read(()).commit, "mine")
    published(server, {MULTI: b"[]\n"})
    assert hub.read(BOARDS, commit=new).files == BOARD
    server.seen.clear()
    assert Hub(REPO, endpoint=server.url, cache=tmp_path / "cache").read(BOARDS).files == BOARD | {
        MULTI: b"[]\n"
    }
    assert server.seen.count("file") == 1


def test_a_copy_that_was_damaged_or_planted_is_not_believed(server: HubServer, tmp_path: Path) -> None:
    published(server)
    hub = Hub(REPO, endpoint=server.url, cache=tmp_path)
    hub.read((SINGLE,))
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b'[{"entry_id": "b"}]\n')
    assert hub.read((SINGLE,)).files == BOARD
    kept.unlink()
    kept.symlink_to("/dev/zero")
    assert hub.read((SINGLE,)).files == BOARD


def test_the_copies_take_no_more_than_their_share_of_the_disk(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, most_bytes=25)
    for number in range(5):
        blobs.put(f"{number}" * 40, b"0123456789")
        os.utime(tmp_path / (f"{number}" * 40), (number, number))
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["3", "4"]


def test_a_disk_that_takes_nothing_costs_a_download_only(server: HubServer, tmp_path: Path) -> None:
    published(server)
    (tmp_path / "file").write_text("no folder")
    assert Hub(REPO, endpoint=server.url, cache=tmp_path / "file").read((SINGLE,)).files == BOARD


def test_a_dataset_that_does_not_exist_is_made_only_where_somebody_wants_it(server: HubServer) -> None:
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    hub = Hub("team/mistyped", endpoint=server.url, create=no)
    with pytest.raises(UsageError, match="there is no dataset") as caught:
        hub.commit(BOARD, hub.read().commit, "first")
    assert asked == [f"There is no dataset {hub.name}. Create it?"]
    assert "--create" in (caught.value.hint or "")
    assert "team/mistyped" not in server.repos


def test_a_dataset_that_the_token_cannot_see_is_said_at_once(server: HubServer) -> None:
    unseen = [Fault("info", status=404, headers={"X-Error-Code": "RepoNotFound"}, times=-1)]
    server.faults += unseen
    hub = Hub(REPO, endpoint=server.url, create=lambda _: True)
    with pytest.raises(RemoteError, match="exists, but this token cannot see it"):
        hub.commit(BOARD, hub.read().commit, "first")
    assert server.seen.count("create") == 1
