from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board import entry
from sagellm_benchmark.board.entry import MULTI, SINGLE
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.hub import journal
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.layout import is_known
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.hub.rebuild import rebuild
from sagellm_benchmark.hub.store import CARD, Busy, Stale
from tests.fakes.rows import new_row
from tests.hub.support import given

pytestmark = pytest.mark.slow

ROW = "submissions/x/00000000-0000-4000-8000-000000000000.json"

WRITER = """
import sys
from pathlib import Path
from sagellm_benchmark.hub.directory import Directory
store = Directory(Path(sys.argv[1]))
print("ready", flush=True)
number = 0
while True:
    text = b"%d" % number * 20_000
    head = store.read(()).commit
    row = "submissions/x/00000000-0000-4000-8000-0000000000%02d.json" % (number % 50)
    store.commit({"README.md": text, "last_updated.json": text, row: text}, head, "n")
    number += 1
"""


def test_plain_readers_see_the_files_under_their_own_names(tmp_path: Path) -> None:
    store = Directory(tmp_path / "shared")
    new = store.commit({SINGLE: b"[]\n", ROW: b"{}\n"}, None, "first")
    assert (tmp_path / "shared" / SINGLE).read_bytes() == b"[]\n"
    assert store.read().commit == new
    assert store.paths("submissions", new) == [ROW]
    assert store.address(new) == f"{store.name} at {new}"


def test_a_folder_that_does_not_exist_is_an_empty_snapshot(tmp_path: Path) -> None:
    snapshot = Directory(tmp_path / "nothing").read()
    assert (snapshot.commit, snapshot.files) == (None, {})


def test_files_that_lay_there_before_are_read_and_kept(tmp_path: Path) -> None:
    (tmp_path / SINGLE).write_bytes(b"[1]\n")
    store = Directory(tmp_path)
    snapshot = store.read()
    assert snapshot.files == {SINGLE: b"[1]\n"}
    store.commit({MULTI: b"[]\n"}, snapshot.commit, "first")
    assert store.read().files == {SINGLE: b"[1]\n", MULTI: b"[]\n"}


def test_a_commit_on_top_of_an_old_one_is_stale(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    old = store.read().commit
    store.commit({SINGLE: b"[1]\n"}, old, "first")
    with pytest.raises(Stale):
        store.commit({SINGLE: b"[2]\n"}, old, "second")
    assert (tmp_path / SINGLE).read_bytes() == b"[1]\n"


def test_the_log_is_one_chain(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    head = None
    for text in (b"a", b"b", b"a"):
        head = store.commit({CARD: text}, head, text.decode())
    log = store.log()
    assert [record.message for record in log] == ["a", "b", "a"]
    assert [record.number for record in log] == [1, 2, 3]
    assert [record.parent for record in log[1:]] == [record.commit for record in log[:-1]]
    assert log[-1].commit == head


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", ".board/current.json"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError):
        Directory(tmp_path).read((name,))


def test_a_damaged_log_is_named(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    store.commit({SINGLE: b"[]\n"}, None, "first")
    (tmp_path / ".board" / "current.json").write_text("{")
    with pytest.raises(DataError, match=r"current\.json"):
        store.read()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError, match="cannot write"):
        Directory(tmp_path / "file").commit({SINGLE: b"[]\n"}, None, "first")


def test_waits_for_the_lock_only_so_long(tmp_path: Path) -> None:
    holder, store = Directory(tmp_path), Directory(tmp_path, lock_s=0.05)
    with holder._locked(), pytest.raises(Busy, match="locked"):
        store.commit({SINGLE: b"[]\n"}, None, "first")


def test_a_commit_that_was_left_half_way_is_finished_by_the_next_reader(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    first = store.commit({SINGLE: b"[1]\n", MULTI: b"[1]\n"}, None, "first")
    left = forged(first, {SINGLE: b"[2]\n", MULTI: b"[2]\n"})
    (tmp_path / ".board" / "pending.json").write_bytes(orjson.dumps(left))
    (tmp_path / f".{SINGLE}.abc.tmp").write_text("half a fi")
    assert store.read((SINGLE, MULTI)).files == {SINGLE: b"[2]\n", MULTI: b"[2]\n"}
    assert len(store.log()) == 2
    assert not list(tmp_path.rglob("*.tmp"))


LARGE = b"[" + b"1," * 40_000 + b"1]\n"


class Killed(Directory):
    """A writer that is killed as soon as its commit has happened."""

    def _recover(self) -> bool:
        if (self.path / ".board" / "pending.json").exists():
            raise KeyboardInterrupt
        return super()._recover()


def test_a_commit_of_large_files_that_was_left_half_way_is_finished_by_the_next_reader(
    tmp_path: Path,
) -> None:
    first = Directory(tmp_path).commit({SINGLE: b"[]\n"}, None, "first")
    with pytest.raises(KeyboardInterrupt):
        Killed(tmp_path).commit({SINGLE: LARGE, MULTI: b"[2]\n"}, first, "second")
    assert (tmp_path / ".board" / "pending.json").stat().st_size < 10_000
    assert Directory(tmp_path).read((SINGLE, MULTI)).files == {SINGLE: LARGE, MULTI: b"[2]\n"}
    assert not list((tmp_path / ".board" / "staged").iterdir())


@pytest.mark.parametrize("change", [None, b"[3]\n"])
def test_a_large_file_that_is_not_what_its_commit_recorded_is_not_carried_out(
    tmp_path: Path, change: bytes | None
) -> None:
    first = Directory(tmp_path).commit({SINGLE: b"[]\n"}, None, "first")
    with pytest.raises(KeyboardInterrupt):
        Killed(tmp_path).commit({SINGLE: LARGE}, first, "second")
    (staged,) = (tmp_path / ".board" / "staged").iterdir()
    staged.unlink()
    if change is not None:
        staged.write_bytes(change)
    with pytest.raises(DataError, match="is not what it recorded"):
        Directory(tmp_path).read()
    assert (tmp_path / SINGLE).read_bytes() == b"[]\n"


def test_what_a_killed_writer_staged_before_its_commit_is_swept(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    first = store.commit({SINGLE: b"[]\n"}, None, "first")
    left = tmp_path / ".board" / "staged" / ("0" * 64)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(LARGE)
    store.commit({SINGLE: b"[1]\n"}, first, "second")
    assert not left.exists()


def test_a_commit_that_nobody_could_read_again_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Directory(tmp_path)
    first = store.commit({SINGLE: b"[]\n"}, None, "first")
    monkeypatch.setattr(journal, "MOST_BYTES", 1000)
    with pytest.raises(DataError, match="small files; nothing was written"):
        store.commit({ROW: b"x" * 2000}, first, "second")
    with pytest.raises(DataError, match="would have more than 1 MiB; nothing was written"):
        store.commit({ROW: b"x" * (2 << 20)}, first, "second")
    assert store.commit({SINGLE: b"[1]\n"}, first, "third") == store.read(()).commit


def test_a_reader_without_the_right_to_write_waits_for_a_writer(tmp_path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("root may write everywhere")
    store = Directory(tmp_path, lock_s=0.1)
    store.commit({SINGLE: b"[]\n"}, None, "first")
    own = tmp_path / ".board"
    (own / "pending.json").write_text("{}")
    own.chmod(0o500)
    try:
        with pytest.raises(Busy):
            store.read()
    finally:
        own.chmod(0o700)


def test_readers_never_see_two_commits_at_once(tmp_path: Path) -> None:
    store = Directory(tmp_path)

    def write() -> None:
        head = None
        for number in range(100):
            text = b"%d" % number
            head = store.commit({CARD: text, LAST_UPDATED: text}, head, "n")

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        files = Directory(tmp_path).read((CARD, LAST_UPDATED)).files
        assert files.get(CARD) == files.get(LAST_UPDATED)


def test_a_reader_does_not_queue_behind_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = planted(tmp_path, {})
    writer = os.open(tmp_path / ".board" / "lock", os.O_RDWR)
    fcntl.flock(writer, fcntl.LOCK_EX)
    done = (
        tmp_path / ".board" / "pending.json"
    ).unlink  # what the writer does next, before anybody gets the lock
    monkeypatch.setattr(time, "sleep", lambda _: done(missing_ok=True))
    assert store.read().files == {SINGLE: b"[]\n"}
    os.close(writer)


def test_kill_at_any_moment_leaves_one_whole_commit(tmp_path: Path) -> None:
    for attempt in range(12):
        with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.004 + attempt * 0.003)
            writer.kill()
        store = Directory(tmp_path)
        files = store.read((CARD, LAST_UPDATED)).files
        assert files.get(CARD) == files.get(LAST_UPDATED)
        log = store.log()
        assert [record.parent for record in log[1:]] == [record.commit for record in log[:-1]]
        head = store.commit({COMPARE: b"%d" % attempt}, store.read(()).commit, "after")
        assert store.read(()).commit == head
        assert not list(tmp_path.rglob(".*.tmp"))


VICTIM = "authorized_keys"
HOSTILE_NAMES = [
    "../" + VICTIM,
    "/etc/passwd",
    "submissions/../../x",
    ".board/current.json",
    "submissions/x/../y.json",
]


def planted(folder: Path, value: object) -> Directory:
    """A shared folder that was published to once, where a co-writer leaves this as a commit to be finished."""
    store = Directory(folder)
    store.commit({SINGLE: b"[]\n"}, None, "first")
    (folder / ".board" / "pending.json").write_bytes(orjson.dumps(value))
    return store


def forged(head: str, holds: dict[str, bytes], /, **changes: object) -> dict[str, object]:
    """A pending commit of what it holds, right in every other respect, with `changes` to its record."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in holds.items()}
    rest = {"number": 2, "parent": head, "message": "m", "at": "now", "files": hashes, **changes}
    record = {"commit": hashlib.sha256(orjson.dumps(rest)).hexdigest()[:40], **rest}
    contents = {name: base64.b64encode(content).decode() for name, content in holds.items()}
    return {"record": record, "contents": contents}


def test_what_the_forger_of_these_tests_writes_is_otherwise_carried_out(tmp_path: Path) -> None:
    store = planted(tmp_path, {})
    head = orjson.loads((tmp_path / ".board" / "current.json").read_bytes())["commit"]
    (tmp_path / ".board" / "pending.json").write_bytes(orjson.dumps(forged(head, {MULTI: b"[]\n"})))
    assert store.read((MULTI,)).files == {MULTI: b"[]\n"}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_planted_commit_writes_nothing_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    victim, shared = tmp_path / VICTIM, tmp_path / "shared"
    victim.write_text("mine")
    store = planted(shared, {})
    head = orjson.loads((shared / ".board" / "current.json").read_bytes())["commit"]
    (shared / ".board" / "pending.json").write_bytes(orjson.dumps(forged(head, {name: b"yours"})))
    with pytest.raises(DataError, match="not written by this tool"):
        store.read()
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("at", ["submissions", "submissions/x", ROW, SINGLE])
def test_a_planted_link_leads_no_write_out_of_the_folder(tmp_path: Path, at: str) -> None:
    outside, shared = tmp_path / "outside", tmp_path / "shared"
    outside.mkdir()
    (outside / VICTIM).write_text("mine")
    shared.mkdir()
    (shared / at).parent.mkdir(parents=True, exist_ok=True)
    (shared / at).symlink_to(outside / VICTIM if at.endswith(".json") else outside)
    with contextlib.suppress(DataError):
        Directory(shared).commit({SINGLE: b"[]\n", ROW: b"{}\n"}, None, "first")
    assert (outside / VICTIM).read_text() == "mine"
    assert [path.name for path in outside.iterdir()] == [VICTIM]


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"record": 1, "contents": {}},
        {"record": {}, "contents": {}},
        forged("0" * 40, {SINGLE: b"[1]\n"}),
        forged("x", {SINGLE: b"[1]\n"}),
        forged("0" * 40, {SINGLE: b"[1]\n"}, number=True),
        forged("0" * 40, {SINGLE: b"[1]\n"}, number="2"),
        forged("0" * 40, {SINGLE: b"[1]\n"}, number=10**400 % 10**18),
        forged("0" * 40, {SINGLE: b"[1]\n"}, message="m" * 2000),
        forged("0" * 40, {SINGLE: b"[1]\n"}, files={SINGLE: 1}),
        forged("0" * 40, {SINGLE: b"[1]\n"}, extra=1),
    ],
)
def test_a_pending_commit_that_no_writer_left_is_named_and_left_alone(tmp_path: Path, value: object) -> None:
    store = planted(tmp_path, value)
    with pytest.raises(DataError, match=r"pending\.json was not written by this tool") as caught:
        store.read()
    assert "move `.board` away" in (caught.value.hint or "")
    assert (tmp_path / SINGLE).read_bytes() == b"[]\n"


def test_a_pending_commit_holds_what_it_recorded_or_nothing_is_carried_out(tmp_path: Path) -> None:
    store = planted(tmp_path, {})
    head = orjson.loads((tmp_path / ".board" / "current.json").read_bytes())["commit"]
    value = forged(head, {SINGLE: b"[1]\n"})
    value["contents"] = {SINGLE: base64.b64encode(b"[2]\n").decode()}
    (tmp_path / ".board" / "pending.json").write_bytes(orjson.dumps(value))
    with pytest.raises(DataError, match="is not what it recorded"):
        store.read()
    assert (tmp_path / SINGLE).read_bytes() == b"[]\n"


@pytest.mark.parametrize("name", [SINGLE, CARD, ".board/current.json", ".board/pending.json"])
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "dangling"])
def test_what_is_no_plain_file_is_neither_read_nor_waited_for(tmp_path: Path, name: str, kind: str) -> None:
    secret, shared = tmp_path / "token", tmp_path / "shared"
    secret.write_text("hf_secret_of_the_user")
    store = Directory(shared)
    store.commit({MULTI: b"[]\n"}, None, "first")
    path = shared / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(secret if kind == "link" else tmp_path / "nowhere")
    with pytest.raises(DataError) as caught:
        store.read()
    assert "hf_secret" not in f"{caught.value.message} {caught.value.hint}"


def test_publishing_into_a_folder_gives_nobody_the_users_token(tmp_path: Path) -> None:
    secret, shared = tmp_path / "token", tmp_path / "shared"
    secret.write_text("hf_secret_of_the_user")
    shared.mkdir()
    (shared / CARD).symlink_to(secret)
    with pytest.raises(DataError, match=r"cannot read .*README\.md"):
        publish(Directory(shared), given(new_row()))
    assert not (shared / SINGLE).exists()


@pytest.mark.parametrize("name", [CARD, COMPARE])
def test_a_hard_link_gives_nobody_a_private_file_of_the_user(tmp_path: Path, name: str) -> None:
    secret, shared = tmp_path / "token.json", tmp_path / "shared"
    secret.write_text('{"token": "hf_secret_of_the_user"}')
    secret.chmod(0o600)
    shared.mkdir()
    (shared / name).hardlink_to(secret)
    with pytest.raises(DataError, match="is a hard link to a file that not everybody may read"):
        publish(Directory(shared), given(new_row()))
    assert not (shared / SINGLE).exists()


def test_a_folder_that_a_backup_holds_by_hard_links_is_read(tmp_path: Path) -> None:
    store = Directory(tmp_path / "shared")
    store.commit({SINGLE: b"[]\n"}, None, "first")
    (tmp_path / "backup.json").hardlink_to(tmp_path / "shared" / SINGLE)
    assert store.read().files[SINGLE] == b"[]\n"


@pytest.mark.parametrize("note", ["pending.json", "current.json", "commits/000001.json"])
def test_a_note_of_tiny_values_is_refused_before_it_is_parsed(
    tmp_path: Path, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Directory(tmp_path)
    head = store.commit({SINGLE: b"[]\n"}, None, "first")
    (tmp_path / ".board" / note).write_bytes(b"[" + b"[]," * 1000 + b"[]]")
    monkeypatch.setattr(entry, "MAX_VALUES", 1000)
    with pytest.raises(DataError, match="more than 1,000 values"):
        (store.read(), store.accepted(head))


def test_a_file_larger_than_any_row_is_no_submission_and_is_not_read(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    head = store.commit({ROW: b"{}\n"}, None, "first")
    with (tmp_path / "submissions" / "x" / "large.json").open("wb") as file:
        file.truncate(500 << 20)
    kept = store.accepted(head)
    assert kept.files == {ROW: b"{}\n"}
    assert kept.changed == {"submissions/x/large.json": "cannot be read, or has more than the 1 MiB of a row"}


def test_a_folder_whose_history_is_gone_proves_nothing_by_it(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    publish(store, given(new_row()))
    assert rebuild(store).notes == ()
    (tmp_path / ".board").rename(tmp_path / "away")
    assert any(note.startswith("no history could be read") for note in rebuild(store).notes)


def test_folders_without_end_are_not_followed_to_it(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    head = store.commit({ROW: b"{}\n"}, None, "first")
    handles = [os.open(tmp_path / "submissions", os.O_RDONLY)]
    try:
        for _ in range(1000):
            os.mkdir("d", dir_fd=handles[-1])
            handles.append(os.open("d", os.O_RDONLY, dir_fd=handles[-1]))
        assert store.paths("submissions", head) == [ROW]
    finally:
        while handles:
            os.close(handles.pop())
            if handles:
                os.rmdir("d", dir_fd=handles[-1])


def test_a_folder_of_submissions_lists_no_links(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    head = store.commit({ROW: b"{}\n"}, None, "first")
    (tmp_path / "submissions" / "y").symlink_to("/etc")
    (tmp_path / "submissions" / "x" / "z.json").symlink_to("/etc/passwd")
    assert store.paths("submissions", head) == [ROW]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (SINGLE, True),
        (ROW, True),
        ("submissions/_published_before.json", True),
        (f"evidence/{'0' * 64}.tar.xz", True),
        ("a.json", False),
        ("submissions/x/y.json", False),
        (f"submissions/../{ROW}", False),
        (f"{ROW}\n", False),
        (".bashrc", False),
        ("", False),
    ],
)
def test_only_a_boards_own_files_have_a_place(name: str, known: bool) -> None:
    assert is_known(name) is known


def test_a_file_without_a_place_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a file of a board"):
        Directory(tmp_path).commit({".bashrc": b"x"}, None, "first")
    assert not (tmp_path / ".bashrc").exists()
