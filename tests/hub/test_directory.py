from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board.entry import MULTI, SINGLE
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.store import Busy, Stale

pytestmark = pytest.mark.slow

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
    store.commit({"a.json": text, "b.json": text, "submissions/x/%d.json" % (number % 50): text}, head, "n")
    number += 1
"""


def test_plain_readers_see_the_files_under_their_own_names(tmp_path: Path) -> None:
    store = Directory(tmp_path / "shared")
    new = store.commit({SINGLE: b"[]\n", "submissions/x/y.json": b"{}\n"}, None, "first")
    assert (tmp_path / "shared" / SINGLE).read_bytes() == b"[]\n"
    assert store.read().commit == new
    assert store.paths("submissions", new) == ["submissions/x/y.json"]
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
        head = store.commit({"file": text}, head, text.decode())
    log = store.log()
    assert [record["message"] for record in log] == ["a", "b", "a"]
    assert [record["number"] for record in log] == [1, 2, 3]
    assert [record["parent"] for record in log[1:]] == [record["commit"] for record in log[:-1]]
    assert log[-1]["commit"] == head


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
    whole = tmp_path / "kept"
    other = Directory(whole)
    other.commit({SINGLE: b"[2]\n"}, None, "elsewhere")
    record = {**other.log()[0], "number": 2, "parent": first}
    contents = {SINGLE: "WzJdCg==", MULTI: "WzJdCg=="}
    (tmp_path / ".board" / "pending.json").write_bytes(orjson.dumps({"record": record, "contents": contents}))
    (tmp_path / f".{SINGLE}.abc.tmp").write_text("half a fi")
    assert store.read((SINGLE, MULTI)).files == {SINGLE: b"[2]\n", MULTI: b"[2]\n"}
    assert len(store.log()) == 2
    assert not list(tmp_path.rglob("*.tmp"))


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
    stop = threading.Event()

    def write() -> None:
        head, number = None, 0
        while not stop.is_set():
            text = b"%d" % number
            head = store.commit({"a.json": text, "b.json": text}, head, "n")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(50):
            files = Directory(tmp_path).read(("a.json", "b.json")).files
            assert files.get("a.json") == files.get("b.json")
    finally:
        stop.set()
        writer.join()


def test_kill_at_any_moment_leaves_one_whole_commit(tmp_path: Path) -> None:
    for attempt in range(12):
        with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.004 + attempt * 0.003)
            writer.kill()
        store = Directory(tmp_path)
        files = store.read(("a.json", "b.json")).files
        assert files.get("a.json") == files.get("b.json")
        log = store.log()
        assert [record["parent"] for record in log[1:]] == [record["commit"] for record in log[:-1]]
        head = store.commit({"after.json": b"%d" % attempt}, store.read(()).commit, "after")
        assert store.read(()).commit == head
        assert not list(tmp_path.rglob(".*.tmp"))
