"""What somebody else does to a board: it is found, mended by whoever publishes next, and told."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board.entry import MULTI, SINGLE
from sagellm_benchmark.board.identity import Row, submission_path
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub import history
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.hub.rebuild import rebuild, write
from sagellm_benchmark.hub.store import AS_LEFT, BEFORE_SUBMISSIONS, Store
from sagellm_benchmark.report.publishing import published_text
from tests.fakes.hub_server import REPO, Fault, HubServer
from tests.fakes.rows import new_row, new_rows
from tests.hub.support import fates, given, ids, put

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]


def overwrite(store: Store, rows: list[Row]) -> None:
    """Somebody uploads a board of these rows alone, past this tool."""
    put(store, {SINGLE: to_json(rows)})


def forge(store: Store, path: str, content: bytes | None) -> None:
    """Somebody with the right to write changes or removes a file."""
    if isinstance(store, Directory):
        file = store.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink() if content is None else file.write_bytes(content)
        return
    assert isinstance(store, Hub)
    server = HUBS[store.endpoint]
    server.history.add({path: content}, "by hand")


HUBS: dict[str, HubServer] = {}


@pytest.fixture(autouse=True)
def _known(server: HubServer) -> None:
    HUBS[server.url] = server


def test_any_publish_brings_back_what_somebody_else_took_off_the_board(store: Store) -> None:
    old = new_rows(6)
    publish(store, given(*old))
    overwrite(store, old[:2])
    done = publish(store, given(new_row(model__name="another")))
    assert (fates(done), done.written) == (["added"], True)
    assert {entry.entry_id for entry in done.mended} == {row["entry_id"] for row in old[2:]}
    assert "4 rows that it had lost are back on it" in published_text(done, sent=True)
    assert set(ids(store)) >= {row["entry_id"] for row in old}
    assert rebuild(store).differences == ()


def test_a_publish_that_brings_nothing_new_mends_all_the_same(store: Store) -> None:
    old = new_rows(3)
    publish(store, given(*old))
    overwrite(store, [])
    done = publish(store, given(old[0]))
    assert (len(done.mended), done.written) == (3, True)
    assert rebuild(store).differences == ()


def test_rows_from_before_the_first_publish_come_back_too(store: Store) -> None:
    legacy = orjson.loads((Path(__file__).parents[1] / "data" / "published_rows.json").read_bytes())
    put(store, {SINGLE: to_json(legacy), MULTI: b"[]\n"})
    publish(store, given(new_row(model__name="first")))
    overwrite(store, legacy[:1])
    done = publish(store, given(new_row(model__name="second")))
    assert len(done.mended) == 23
    assert len(ids(store)) == 25


def test_a_row_of_todays_form_that_was_put_on_the_board_by_hand_is_recorded(store: Store) -> None:
    publish(store, given(new_row()))
    rows = orjson.loads(store.read().files[SINGLE])
    by_hand = new_row(model__name="by hand")
    put(store, {SINGLE: to_json([*rows, by_hand])})
    assert f"row {by_hand['entry_id']} is on the board and was never accepted" in rebuild(store).differences
    publish(store, given(new_row(model__name="another")))
    assert rebuild(store).differences == ()
    publish(store, given(new_row(model__name="by hand", metrics__throughput_tps=79.0)))
    assert by_hand in orjson.loads(store.read((BEFORE_SUBMISSIONS,)).files[BEFORE_SUBMISSIONS])
    assert rebuild(store).differences == ()


def test_a_board_that_nobody_touched_is_not_searched_through(server: HubServer, hub: Hub) -> None:
    publish(hub, given(*new_rows(3)))
    server.seen.clear()
    publish(hub, given(new_row(model__name="another")))
    assert "git" not in server.seen
    overwrite(hub, [])
    publish(hub, given(new_row(model__name="third")))
    assert "git" in server.seen


def test_a_dataset_of_an_older_version_is_looked_through_once(server: HubServer, hub: Hub) -> None:
    publish(hub, given(*new_rows(3)))
    server.history.add({AS_LEFT: None}, "as an older version left it")
    done = publish(hub, given(new_row(model__name="another")))
    assert (done.mended, done.strange) == ((), ())
    assert AS_LEFT in server.history.head.files


@pytest.mark.parametrize("change", ["removed", "changed", "moved", "damaged"])
def test_a_submission_that_somebody_changed_is_found(store: Store, change: str) -> None:
    row = new_row()
    publish(store, given(row, *new_rows(2)))
    path = submission_path(row)
    faster = {**row, "metrics": {**row["metrics"], "throughput_tps": 999.0}}
    if change == "moved":
        other = submission_path(new_row(model__name="other"))
        forge(store, other, store.read((path,)).files[path])
        path = other
    else:
        forge(store, path, {"removed": None, "damaged": b"{", "changed": to_json(faster)}[change])
    found = [said for said in rebuild(store).differences if said.startswith(path)]
    assert len(found) == 1
    assert rebuild(store).files[SINGLE].count(b"999.0") == 0


def test_a_row_of_an_older_form_that_was_changed_in_place_is_found_by_the_history(store: Store) -> None:
    old = {**new_row(), "entry_id": "11111111-1111-4111-8111-111111111111"}
    del old["schema_version"]  # then its id says nothing of its content
    publish(store, given(new_row(model__name="first")))
    put(store, {submission_path(old): to_json(old)})
    assert not [said for said in rebuild(store).differences if said.startswith("submissions/")]
    forge(store, submission_path(old), to_json({**old, "metrics": {**old["metrics"], "ttft_ms": 1.0}}))
    assert [
        said for said in rebuild(store).differences if said.startswith(f"{submission_path(old)} was changed")
    ]


def test_a_changed_submission_does_not_come_onto_the_board_by_being_mended(store: Store) -> None:
    row = new_row()
    publish(store, given(row, *new_rows(2)))
    forge(
        store, submission_path(row), to_json({**row, "metrics": {**row["metrics"], "throughput_tps": 999.0}})
    )
    overwrite(store, [])
    done = publish(store, given(new_row(model__name="another")))
    assert len(done.strange) == 1
    assert "not as it was accepted" in published_text(done, sent=True)
    assert b"999.0" not in store.read().files[SINGLE]


@pytest.mark.parametrize("change", ["removed", "changed"])
def test_a_change_that_hides_in_a_merge_commit_is_found_by_the_history(
    server: HubServer, hub: Hub, change: str
) -> None:
    row = new_row()
    publish(hub, given(new_row(model__name="another")))
    before = server.history.head
    publish(hub, given(row))
    path = submission_path(row)
    other = None if change == "removed" else b"{}\n"
    beside = {name: before.files.get(name) for name in server.history.head.files}  # all as before that row
    server.history.add({**beside, path: other}, "Merge branch 'mine'", merged=before)
    assert any(said.startswith(f"{path} was {change} by commit") for said in rebuild(hub).differences)


def test_two_branches_that_were_merged_honestly_are_no_change(server: HubServer, hub: Hub) -> None:
    publish(hub, given(*new_rows(3)))
    first = server.history.commits[1]
    publish(hub, given(new_row(model__name="another")))
    server.history.add({"notes.md": b"words\n"}, "Merge branch 'words'", merged=first)
    assert rebuild(hub).differences == ()


def test_a_file_larger_than_any_row_is_no_submission_whoever_put_it_there(store: Store) -> None:
    row = new_row()
    publish(store, given(row))
    path = submission_path(row).rpartition("/")[0] + "/large.json"
    forge(store, path, b"[" + b"[]," * 500_000 + b"[]]")
    said = "cannot be read, or has more than the 1 MiB of a row"
    assert [one for one in rebuild(store).differences if "large" in one] == [f"{path} {said}"]


def test_a_row_that_somebody_edited_on_the_board_gives_way_to_the_accepted_one(store: Store) -> None:
    row = new_row()
    publish(store, given(row))
    overwrite(store, [{**row, "metrics": {**row["metrics"], "throughput_tps": 1e6}}])
    done = publish(store, given(new_row(model__name="another")))
    assert [entry.entry_id for entry in done.mended] == [row["entry_id"]]
    assert row in orjson.loads(store.read().files[SINGLE])
    assert rebuild(store).differences == ()


def test_an_edited_row_keeps_its_id_in_no_other_configuration(store: Store) -> None:
    row = new_row()
    publish(store, given(row))
    overwrite(store, [row, {**row, "engine_version": "b9999"}])
    publish(store, given(new_row(model__name="another")))
    assert ids(store).count(row["entry_id"]) == 1
    assert rebuild(store).differences == ()


def test_a_commit_taken_out_of_a_folders_log_is_found(tmp_path: Path) -> None:
    store = Directory(tmp_path)
    for number in range(3):
        publish(store, given(new_row(model__name=f"m{number}")))
    (tmp_path / ".board" / "commits" / "000002.json").unlink()
    assert any("does not follow the commit before it" in said for said in rebuild(store).differences)


@pytest.mark.parametrize("board", [b"{", b"", b'{"rows": 1}', None])
def test_boards_are_rebuilt_from_rows_alone_though_they_are_damaged(
    store: Store, tmp_path: Path, board: bytes | None
) -> None:
    rows = new_rows(3)
    publish(store, given(*rows))
    whole = store.read().files[SINGLE]
    forge(store, SINGLE, board)
    done = rebuild(store, compare=False)
    write(done, tmp_path / "out")
    assert (tmp_path / "out" / SINGLE).read_bytes() == whole
    assert (tmp_path / "out" / MULTI).read_bytes() == b"[]\n"


def test_boards_are_rebuilt_though_the_note_of_older_rows_is_gone(store: Store) -> None:
    publish(store, given(*new_rows(3)))
    forge(store, BEFORE_SUBMISSIONS, None)
    done = rebuild(store, compare=False)
    assert any("is missing" in note for note in done.notes)
    assert len(orjson.loads(done.files[SINGLE])) == 3
    with pytest.raises(DataError, match=r"_published_before\.json is missing"):
        publish(store, given(new_row(model__name="another")))


def test_a_rebuild_asks_as_little_of_a_hub_with_many_rows_as_of_one_with_few(
    server: HubServer, hub: Hub
) -> None:
    rows = new_rows(300)
    server.history.add({submission_path(row): to_json(row) for row in rows}, "many")
    server.history.add({BEFORE_SUBMISSIONS: b"[]\n"}, "and the note")
    server.seen.clear()
    assert rebuild(hub, compare=False).submissions == 300
    assert len(server.seen) <= 15


def test_a_history_larger_than_anybody_s_rows_is_not_read_to_its_end(
    server: HubServer, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(hub, given(*new_rows(20)))
    monkeypatch.setattr(history, "MOST_BYTES", 4096)
    with pytest.raises(DataError, match="the most that is read"):
        rebuild(hub)
    assert server.url in hub.endpoint


def test_where_git_has_no_answer_the_rows_are_read_one_by_one_and_that_is_said(server: HubServer) -> None:
    hub = Hub(REPO, endpoint=server.url)
    publish(hub, given(*new_rows(3)))
    server.faults.append(Fault("git", status=404, times=9))
    done = rebuild(hub)
    assert (done.differences, done.submissions) == ((), 3)
    assert "no history could be read" in done.notes[0]


def test_a_private_dataset_is_read_by_git_with_the_token_and_says_it_nowhere(server: HubServer) -> None:
    hub = Hub(REPO, endpoint=server.url)
    publish(hub, given(*new_rows(3)))
    server.private = True
    server.tokens_seen.clear()
    assert rebuild(Hub(REPO, endpoint=server.url)).differences == ()
    assert "git" in server.tokens_seen
