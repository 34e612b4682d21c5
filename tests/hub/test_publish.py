from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board import entry
from sagellm_benchmark.board.entry import MULTI, SINGLE, Entry
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED, STANDING
from sagellm_benchmark.board.identity import submission_path
from sagellm_benchmark.board.merge import Fate
from sagellm_benchmark.errors import DataError, RemoteError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.accepted import submission_file
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.fetch import published_boards
from sagellm_benchmark.hub.handed_in import rows_in
from sagellm_benchmark.hub.publish import merge, publish
from sagellm_benchmark.hub.rebuild import rebuild
from sagellm_benchmark.hub.retry import Pace
from sagellm_benchmark.hub.store import BEFORE_SUBMISSIONS, CARD, Store
from sagellm_benchmark.report.publishing import published_text
from tests.fakes.hub_server import REPO, Fault, HubServer
from tests.fakes.rows import new_row, new_rows
from tests.hub.support import Clock, fates, given, ids, put

pytestmark = pytest.mark.slow

LEGACY = orjson.loads((Path(__file__).parents[1] / "data" / "published_rows.json").read_bytes())


def test_the_first_publish_writes_every_file_in_one_commit(server: HubServer, hub: Hub) -> None:
    row = new_row()
    result = publish(hub, given(row))
    assert fates(result) == ["added"]
    commit = server.history.head
    assert (result.commit, result.written) == (commit.id, True)
    assert len(server.history.commits) == 2
    assert commit.message == "Publish 1 added"
    assert orjson.loads(commit.files[SINGLE]) == [row]
    assert orjson.loads(commit.files[MULTI]) == []
    assert orjson.loads(commit.files[submission_path(row)]) == row
    (fact,) = orjson.loads(commit.files[STANDING])["rows"].values()
    assert orjson.loads(commit.files[LAST_UPDATED]) == {"last_updated": fact["published_at"]}
    assert orjson.loads(commit.files[COMPARE])["group_count"] == 1
    assert b"viewer/single.jsonl" in commit.files[CARD]
    assert orjson.loads(commit.files["viewer/single.jsonl"])["entry_id"] == row["entry_id"]
    assert commit.files[BEFORE_SUBMISSIONS] == b"[]\n"


def test_publishing_twice_changes_nothing(store: Store) -> None:
    publish(store, given(*new_rows(3)))
    before = store.read()
    result = publish(store, given(*new_rows(3)))
    assert (fates(result), result.written) == (["already there"] * 3, False)
    assert store.read() == before


def test_a_better_row_takes_the_place_and_the_beaten_one_is_kept(store: Store) -> None:
    slow, fast = new_row(), new_row(metrics__throughput_tps=99.0)
    publish(store, given(slow))
    result = publish(store, given(fast))
    assert fates(result) == ["improved"]
    assert result.outcomes[0].other is not None
    assert result.outcomes[0].other.entry_id == slow["entry_id"]
    assert ids(store) == [fast["entry_id"]]
    kept = store.read([submission_path(slow)]).files
    assert orjson.loads(kept[submission_path(slow)]) == slow


def test_a_worse_row_is_kept_and_told_by_which_it_is_beaten(store: Store) -> None:
    slow, fast = new_row(), new_row(metrics__throughput_tps=99.0)
    publish(store, given(fast))
    board = store.read().files[SINGLE]
    result = publish(store, given(slow))
    assert (fates(result), result.written) == (["beaten"], True)
    assert result.outcomes[0].other is not None
    assert result.outcomes[0].other.entry_id == fast["entry_id"]
    assert store.read().files[SINGLE] == board
    assert submission_path(slow) in store.read([submission_path(slow)]).files
    assert not publish(store, given(slow)).written


def test_a_row_that_was_beaten_long_ago_may_still_lie_in_hf_data(store: Store) -> None:
    odd, better = LEGACY[0], None
    publish_legacy(store)
    better = {**odd, "entry_id": "00000000-0000-4000-8000-000000000000"}
    better["metrics"] = {**odd["metrics"], "throughput_tps": 1e6}
    put(store, {SINGLE: to_json([better, *LEGACY[1:]])})
    result = publish(store, given(odd, new_row()))
    assert sorted(fates(result)) == ["added", "beaten"]


def publish_legacy(store: Store) -> None:
    """A board from before this tool, and the first publish by it."""
    put(store, {SINGLE: to_json(LEGACY), MULTI: b"[]\n"})
    publish(store, given(new_row(model__name="first")))


def test_rows_of_old_pass_unharmed_and_are_recorded(store: Store) -> None:
    put(store, {SINGLE: to_json(LEGACY), MULTI: b"[]\n"})
    result = publish(store, given(*LEGACY, new_row()))
    assert fates(result).count("added") == 1
    files = store.read().files
    assert orjson.loads(files[BEFORE_SUBMISSIONS]) != []
    rows = orjson.loads(files[BEFORE_SUBMISSIONS])
    assert sorted(row["entry_id"] for row in rows) == sorted(row["entry_id"] for row in LEGACY)
    assert all(row in LEGACY or row == new_row() for row in orjson.loads(files[SINGLE]))


def test_the_boards_follow_from_the_submissions(store: Store) -> None:
    publish_legacy(store)
    publish(store, given(*new_rows(4), new_row(metrics__throughput_tps=60.0)))
    rebuilt = rebuild(store)
    assert rebuilt.differences == ()
    assert rebuilt.submissions == 6
    assert rebuilt.recorded == len(LEGACY)


def test_a_row_that_disappeared_from_the_board_is_found(store: Store) -> None:
    publish(store, given(*new_rows(2)))
    rows = orjson.loads(store.read().files[SINGLE])
    put(store, {SINGLE: to_json(rows[:1])})
    differences = rebuild(store).differences
    assert f"row {rows[1]['entry_id']} was accepted and is missing" in differences
    assert f"{SINGLE} is not what the rows give" in differences


def test_a_row_that_disappeared_from_the_board_comes_back_when_it_is_handed_in_again(store: Store) -> None:
    publish_legacy(store)
    rows = orjson.loads(store.read().files[SINGLE])
    put(store, {SINGLE: to_json(rows[:5])})
    result = publish(store, given(*rows))
    assert result.written
    assert len(result.mended) == len(rows) - 5
    assert orjson.loads(store.read().files[SINGLE]) == rows
    assert rebuild(store).differences == ()


def test_the_marks_of_maintainers_survive_a_rebuild(store: Store) -> None:
    publish(store, given(*new_rows(2)))
    rows = orjson.loads(store.read().files[SINGLE])
    rows[0]["metadata"]["verified"] = True
    put(store, {SINGLE: to_json(rows)})
    rebuilt = rebuild(store)
    assert rebuilt.differences == ()
    assert rebuilt.files[SINGLE] == to_json(rows)


def test_a_published_row_that_is_handed_in_in_another_layout_changes_nothing(store: Store) -> None:
    publish(store, given(*new_rows(2)))
    before = store.read().files[SINGLE]
    again = [dict(sorted(row.items())) for row in orjson.loads(before)]
    result = publish(store, given(*again, new_row(model__name="another")))
    assert fates(result) == ["already there", "already there", "added"]
    assert rebuild(store).differences == ()


def test_a_row_that_nobody_submitted_is_found_and_then_recorded(store: Store) -> None:
    publish(store, given(new_row()))
    rows = orjson.loads(store.read().files[SINGLE])
    put(store, {SINGLE: to_json([*rows, LEGACY[0]])})
    assert rebuild(store).differences[-1] == (
        f"row {LEGACY[0]['entry_id']} is on the board and was never accepted"
    )
    publish(store, given(new_row(model__name="another")))
    assert rebuild(store).differences == ()


def test_there_is_nothing_to_rebuild_before_the_first_publish(store: Store) -> None:
    with pytest.raises(DataError, match="no submissions yet"):
        rebuild(store)


def test_one_bad_row_stops_the_publish_before_anything_is_sent(store: Store) -> None:
    before = store.read()
    with pytest.raises(DataError) as caught:
        publish(store, given(new_row(), new_row(metrics__throughput_tps=-1)))
    assert "hf_data/leaderboard_single.json, row 1: metrics.throughput_tps" in caught.value.message
    assert "--skip-invalid" in (caught.value.hint or "")
    assert store.read() == before


def test_skip_invalid_publishes_the_others_and_lists_what_it_left(store: Store) -> None:
    good = new_row()
    bad = [new_row(metrics__ttft_ms=None, model__name=f"m{at}") for at in range(7)]
    with pytest.raises(DataError, match="and 2 more"):
        publish(store, given(good, *bad))
    result = publish(store, given(good, *bad), skip_invalid=True)
    assert [one.found.index for one in result.refused] == list(range(1, 8))
    assert ids(store) == [good["entry_id"]]


def test_an_id_that_belongs_to_another_row_is_refused(store: Store) -> None:
    publish_legacy(store)
    forged = new_row() | {"entry_id": LEGACY[0]["entry_id"]}
    with pytest.raises(DataError, match=r"entry_id is .* must be the id of the row's own content"):
        publish(store, given(forged))
    del forged["schema_version"]
    with pytest.raises(DataError, match="schema_version is missing"):
        publish(store, given(forged))


def test_a_board_that_would_grow_too_large_for_its_readers_is_not_sent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, given(*new_rows(3)))
    before = store.read()
    monkeypatch.setattr("sagellm_benchmark.hub.plan.MOST_WRITTEN", len(before.files[SINGLE]))
    with pytest.raises(DataError, match="nothing was sent") as caught:
        publish(store, given(new_row(model__name="one too many")))
    assert "shards" in (caught.value.hint or "")
    assert store.read() == before


def test_a_large_board_has_its_flat_table_on_the_disk_until_it_is_sent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = new_rows(3)
    monkeypatch.setattr("sagellm_benchmark.hub.viewer.MOST_IN_MEMORY", 0)
    done = publish(store, given(*rows))
    table = store.read(["viewer/single.jsonl"]).files["viewer/single.jsonl"]
    shown = [orjson.loads(line)["entry_id"] for line in table.splitlines()]
    assert sorted(shown) == sorted(row["entry_id"] for row in rows)
    assert done.largest >= len(table)


def test_whoever_publishes_is_told_long_before_a_board_is_too_large(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = publish(store, given(*new_rows(3)))
    assert "plan the move to shards" not in published_text(done, sent=True)
    monkeypatch.setattr("sagellm_benchmark.report.publishing.LARGE", 1000)
    assert "plan the move to shards" in published_text(done, sent=True)


def test_a_dry_run_says_what_would_happen_and_writes_nothing(store: Store) -> None:
    before = store.read()
    result = publish(store, given(*new_rows(2)), dry_run=True)
    assert (fates(result), result.written) == (["added", "added"], False)
    assert store.read() == before


@pytest.mark.parametrize("file", [COMPARE, LAST_UPDATED, SINGLE])
def test_a_file_of_a_newer_version_is_left_as_it_is(store: Store, file: str) -> None:
    put(store, {file: to_json({"schema_version": "leaderboard-compare-snapshot/v2"})})
    before = store.read()
    with pytest.raises(DataError, match="newer version"):
        publish(store, given(new_row()))
    assert store.read() == before


def test_fields_and_files_that_we_do_not_know_are_kept(store: Store) -> None:
    other = {**new_row(model__name="other"), "extra": {"deep": [1, None]}, "schema_version": 7}
    put(
        store,
        {
            SINGLE: to_json([other]),
            LAST_UPDATED: to_json({"last_updated": "2020-01-01T00:00:00Z", "by": "someone"}),
            CARD: b"# Our words\n",
        },
    )
    publish(store, given(new_row()))
    files = store.read([SINGLE, LAST_UPDATED, CARD]).files
    assert other in orjson.loads(files[SINGLE])
    assert orjson.loads(files[LAST_UPDATED])["by"] == "someone"
    assert files[CARD].endswith(b"---\n# Our words\n")


@pytest.mark.parametrize("file", [COMPARE, LAST_UPDATED, SINGLE, BEFORE_SUBMISSIONS])
@pytest.mark.parametrize("content", [b"", b"{", b"[1", b"\xff"])
def test_a_file_that_cannot_be_read_stops_the_publish(tmp_path: Path, file: str, content: bytes) -> None:
    store = Directory(tmp_path)
    put(store, {file: content})
    with pytest.raises(DataError, match=file):
        publish(store, given(new_row()))
    assert store.read((file,)).files == {file: content}


@pytest.mark.parametrize("file", [STANDING, LAST_UPDATED])
def test_tiny_values_behind_a_head_of_ours_are_refused_before_they_are_parsed(
    tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Directory(tmp_path)
    put(store, {file: b'{\n  "schema_version": 1,\n  "rows": {}, "x": [' + b"[]," * 1000 + b"[]]}"})
    monkeypatch.setattr(entry, "MAX_VALUES", 1000)
    with pytest.raises(DataError, match=rf"{file} holds more than 1,000 values"):
        publish(store, given(new_row()))


def test_a_row_whose_own_file_was_damaged_is_published_again_by_its_owner(tmp_path: Path) -> None:
    store, row = Directory(tmp_path), new_row()
    publish(store, given(row, new_row(metrics__throughput_tps=90.0)))
    changed = {**row, "metrics": {**row["metrics"], "throughput_tps": 1e6}}
    put(store, {submission_path(row): submission_file(Entry.of(changed))})
    publish(store, given(row))
    assert orjson.loads(store.read([submission_path(row)]).files[submission_path(row)]) == row


def test_a_damaged_board_stops_the_publish(store: Store) -> None:
    put(store, {SINGLE: b'{"rows": 1}\n'})
    before = store.read()
    with pytest.raises(DataError, match=SINGLE):
        publish(store, given(new_row()))
    assert store.read() == before


def test_a_dataset_that_does_not_exist_is_created(server: HubServer, pace: Pace) -> None:
    hub = Hub("team/new", endpoint=server.url, create=lambda _: True)
    assert fates(publish(hub, given(new_row()), pace=pace)) == ["added"]
    assert ids(hub) == [new_row()["entry_id"]]


def test_many_beaten_rows_are_looked_up_by_their_listing(store: Store) -> None:
    slow = new_rows(120)
    publish(store, given(*new_rows(120, metrics__throughput_tps=99.0), *slow))
    result = publish(store, given(*slow))
    assert (fates(result), result.written) == (["beaten"] * 120, False)


def test_a_commit_that_does_not_hold_the_rows_is_reported(server: HubServer, hub: Hub, pace: Pace) -> None:
    class Forgetful(Hub):
        def commit(self, files: object, parent: object, message: object) -> str:
            return server.history.add({SINGLE: b"[]\n", MULTI: b"[]\n"}, "forgets").id

    with pytest.raises(RemoteError, match="is missing at"):
        publish(Forgetful(REPO, endpoint=server.url), given(new_row()), pace=pace)


def test_hf_data_is_every_file_of_rows_in_the_folder(tmp_path: Path, hub: Hub) -> None:
    rows = new_rows(3)
    (tmp_path / SINGLE).write_bytes(to_json(rows[:2]))
    (tmp_path / "mine.json").write_bytes(to_json(rows[2:]))
    (tmp_path / COMPARE).write_bytes(b"{}\n")
    (tmp_path / LAST_UPDATED).write_bytes(b"{}\n")
    (tmp_path / "README.md").write_text("# here")
    assert fates(publish(hub, rows_in(tmp_path))) == ["added"] * 3


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        rows_in(tmp_path / "hf_data")


@pytest.mark.parametrize("kind", ["link", "folder", "utf-16", "nan"])
def test_a_file_that_is_no_plain_json_stops_everything(
    tmp_path: Path, hub: Hub, server: HubServer, kind: str
) -> None:
    path = tmp_path / SINGLE
    if kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"[NaN]" if kind == "nan" else "[]".encode("utf-16"))
    with pytest.raises(DataError, match=SINGLE):
        publish(hub, rows_in(tmp_path))
    assert len(server.history.commits) == 1


def test_rows_of_several_nodes_go_to_their_own_board(store: Store) -> None:
    cluster = {
        "node_count": 2,
        "comm_backend": "nccl",
        "topology_type": "ring",
        "interconnect": "IB",
        "topology": "2 nodes",
    }
    row = new_row(cluster=cluster, config_type="multi_node")
    publish(store, given(row, new_row()))
    files = store.read().files
    assert orjson.loads(files[MULTI]) == [row]
    assert b"leaderboard_multi.json" in files[CARD]
    assert Fate.ADDED.value == "added"


def test_a_row_that_cannot_be_true_does_not_come_onto_the_board(store: Store) -> None:
    honest, forged = new_row(), new_row(model__name="x", metrics__ttft_ms=0)
    with pytest.raises(DataError, match="row 1: TTFT of 0 ms"):
        publish(store, given(honest, forged))
    publish(store, given(honest, forged), skip_invalid=True)
    assert ids(store) == [honest["entry_id"]]


def test_merging_only_tries_again_when_the_hub_is_busy(
    tmp_path: Path, hub: Hub, server: HubServer, pace: Pace
) -> None:
    (tmp_path / SINGLE).write_bytes(to_json(new_rows(1)))
    server.faults.append(Fault("info", status=503, times=2))
    assert fates(merge(hub, tmp_path, pace=pace)) == ["added"]


def test_the_published_boards_are_read_though_the_hub_is_busy(
    hub: Hub, server: HubServer, pace: Pace, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(hub, given(new_row()))
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.faults.append(Fault("info", status=503, times=2))
    assert orjson.loads(published_boards(REPO, pace=pace)[SINGLE]) == [new_row()]


def test_reading_the_published_boards_ends_with_a_way_to_go_on(
    server: HubServer, pace: Pace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    server.faults.append(Fault("info", status=503, times=99))
    with pytest.raises(RemoteError, match="gave up after 8 tries") as caught:
        published_boards(REPO, asked_by="submit", pace=pace)
    assert "submit --offline" in str(caught.value.hint) or "submit OFFLINE=1" in str(caught.value.hint)
    assert len(clock.slept) == 7


def test_publishing_does_not_wait_for_what_only_measuring_needs() -> None:
    rows = orjson.dumps(new_rows(1)).decode()
    told = (
        "import json, sys\n"
        "from sagellm_benchmark.board.read import Found\n"
        "from sagellm_benchmark.board.submission import Examiner\n"
        "from sagellm_benchmark.hub import publish\n"
        "from sagellm_benchmark.report import publishing\n"
        "rows = json.loads(sys.argv[1])\n"
        "assert Examiner([]).examine([Found('x', 0, rows[0])]).new\n"
        "print('numpy' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", told, rows], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"


def placed(store: Store) -> list[str]:
    """Who holds the first place of the only configuration."""
    (row,) = orjson.loads(store.read().files[SINGLE])
    return [row["metadata"]["submitter"], row["entry_id"]]


@pytest.mark.parametrize("time", ["2000-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
def test_a_copy_takes_nobody_s_place_and_no_time_that_a_row_states_is_believed(
    store: Store, time: str
) -> None:
    author = new_row(metadata__submitter="author")
    publish(store, given(author))
    for thief in ("thief", "other thief", "third thief"):
        publish(store, given(new_row(metadata__submitter=thief, metadata__submitted_at=time)))
    assert placed(store) == ["author", author["entry_id"]]
    assert rebuild(store).differences == ()
    updated = orjson.loads(store.read().files[LAST_UPDATED])["last_updated"]
    assert abs(datetime.fromisoformat(updated) - datetime.now(UTC)) < timedelta(minutes=10)


def test_a_claim_displaces_no_row_whose_evidence_lies_in_the_dataset(store: Store) -> None:
    digest = "a" * 64
    proved = new_row(metadata__submitter="author", evidence={"sha256": digest})
    bundles = {f"evidence/{digest}.tar.xz": b"a bundle"}.get
    publish(store, given(proved), bundles=bundles, prove=lambda row, bundle: (70.0, 80.0))
    bolder = new_row(metrics__throughput_tps=77.01, validity={"valid": True, "reasons": []})
    forged = new_row(metrics__throughput_tps=77.02, evidence={"sha256": "b" * 64})
    done = publish(store, given(bolder, forged), bundles=bundles, prove=lambda row, bundle: None)
    assert fates(done) == ["beaten", "beaten"]
    assert placed(store) == ["author", proved["entry_id"]]
    assert rebuild(store).differences == ()


def test_a_row_takes_the_place_of_a_faster_claim_by_its_evidence(store: Store) -> None:
    digest = "a" * 64
    publish(store, given(new_row(metrics__throughput_tps=77.01)))
    proved = new_row(metadata__submitter="author", evidence={"sha256": digest})
    bundles = {f"evidence/{digest}.tar.xz": b"a bundle"}.get
    done = publish(store, given(proved), bundles=bundles, prove=lambda row, bundle: None)
    assert fates(done) == ["improved"]
    assert rebuild(store).differences == ()


@pytest.mark.parametrize("odd", [0, None, "text", [0]])
def test_what_is_no_row_on_a_board_does_not_stop_others_from_publishing(store: Store, odd: object) -> None:
    row = new_row()
    publish(store, given(row))
    put(store, {"leaderboard_single.json": to_json([odd, row])})
    assert fates(publish(store, given(new_row(metrics__throughput_tps=80.0)))) == ["improved"]


@pytest.mark.parametrize(
    ("date", "at"),
    [
        ("Sat, 02 Mar 2030 08:09:10 GMT", "2030-03-02T08:09:10Z"),
        ("Sat, 02 Mar 2030 08:09:10 +0800", "2030-03-02T00:09:10Z"),
    ],
)
def test_when_a_row_was_published_is_what_the_hubs_clock_says(
    hub: Hub, server: HubServer, date: str, at: str
) -> None:
    server.date = date
    publish(hub, given(new_row()))
    files = hub.read().files
    (fact,) = orjson.loads(files["standing.json"])["rows"].values()
    assert fact["published_at"] == at
    assert orjson.loads(files["last_updated.json"]) == {"last_updated": at}


@pytest.mark.parametrize(
    "date", ["", "soon", "Sat, 99 Mar 2030 08:09:10 GMT", "Sat, 02 Mar 99999 08:09:10 GMT"]
)
def test_a_hub_without_a_clock_is_published_to_all_the_same(hub: Hub, server: HubServer, date: str) -> None:
    server.date = date
    publish(hub, given(new_row()))
    (fact,) = orjson.loads(hub.read().files["standing.json"])["rows"].values()
    assert abs(datetime.fromisoformat(fact["published_at"]) - datetime.now(UTC)) < timedelta(minutes=10)


@pytest.mark.parametrize(("mebibytes", "kept"), [(0.5, True), (2, False)])
def test_what_others_add_to_the_comparison_is_kept_unless_it_would_stop_every_publish(
    store: Store, mebibytes: float, kept: bool
) -> None:
    publish(store, given(new_row()))
    compared = orjson.loads(store.read([COMPARE]).files[COMPARE])
    put(store, {COMPARE: to_json({**compared, "theirs": "x" * int(mebibytes * (1 << 20))})})
    publish(store, given(new_row(model__name="another")))
    assert ("theirs" in orjson.loads(store.read([COMPARE]).files[COMPARE])) is kept
