from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.board.aggregate import Report, aggregate
from sagellm_benchmark.board.agreement import Measured
from sagellm_benchmark.board.entry import MULTI, SINGLE, Entry
from sagellm_benchmark.board.folder import COMPARE, LAST_UPDATED, STANDING
from sagellm_benchmark.board.merge import Fate
from sagellm_benchmark.board.standing import Proved, Standing
from sagellm_benchmark.board.standing_file import to_bytes
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from tests.board.boards import PUBLISHED, published_rows
from tests.fakes.rows import new_row

DUMMY = new_row(model__weights="dummy")


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "outputs"


@pytest.fixture
def hf_data(tmp_path: Path) -> Path:
    folder = tmp_path / "hf_data"
    folder.mkdir()
    (folder / "README.md").write_text("what this folder is for")
    return folder


def a_run(outputs: Path, row: Any, name: str = "Q1_20261120_001") -> Path:
    folder = outputs / "llama.cpp" / "Qwen2-7B" / name
    folder.mkdir(parents=True)
    path = folder / "Q1_leaderboard.json"
    path.write_bytes(row if isinstance(row, bytes) else to_json(row))
    return path


def rows(hf_data: Path, name: str = SINGLE) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads((hf_data / name).read_bytes())
    return content


def content(hf_data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in hf_data.iterdir()}


def fates(report: Report) -> list[Fate]:
    return [outcome.fate for _, outcome in report.outcomes]


@pytest.mark.parametrize(("rate", "fate"), [(91.0, Fate.IMPROVED), (89.0, Fate.BEATEN)])
def test_a_faster_run_with_evidence_goes_to_the_dataset_whatever_that_says_of_its_rival(
    outputs: Path, hf_data: Path, rate: float, fate: Fate
) -> None:
    rival = Entry.of(new_row(metrics__throughput_tps=90.0))
    proved = {rival.entry_id: Proved(Measured(90.0), frozenset({"ann"}))}
    standing = Standing().accepting([rival], (), proved, "")
    a_run(outputs, new_row(metrics__throughput_tps=rate, evidence={"sha256": "a" * 64}))
    published = {SINGLE: to_json([rival.row]), STANDING: to_bytes(standing)}
    assert fates(aggregate(outputs, hf_data, published)) == [fate]


def test_a_finished_run_is_added(outputs: Path, hf_data: Path) -> None:
    path = a_run(outputs, new_row())
    report = aggregate(outputs, hf_data, None)
    assert [(found, outcome.fate) for found, outcome in report.outcomes] == [(path, Fate.ADDED)]
    assert rows(hf_data) == [new_row()]


def test_both_boards_exist_afterwards_and_the_readme_still_does(outputs: Path, hf_data: Path) -> None:
    report = aggregate(outputs, hf_data, None)
    held = content(hf_data)
    assert (held[SINGLE], held[MULTI], held["README.md"]) == (b"[]\n", b"[]\n", b"what this folder is for")
    assert report.written == (SINGLE, MULTI, COMPARE, LAST_UPDATED)


def test_what_follows_from_the_boards_is_written_beside_them(outputs: Path, hf_data: Path) -> None:
    a_run(outputs, new_row(engine="sagellm"))
    aggregate(outputs, hf_data, {SINGLE: to_json([new_row(engine="vllm")])})
    comparison = json.loads((hf_data / COMPARE).read_bytes())
    assert comparison["preferred_pairs"][0]["preferred_pair"]["right"]["engine"] == "vllm"
    assert json.loads((hf_data / LAST_UPDATED).read_bytes()) == {"last_updated": "2026-11-20T08:00:00Z"}


def test_a_second_time_changes_nothing(outputs: Path, hf_data: Path) -> None:
    a_run(outputs, new_row())
    published = {SINGLE: PUBLISHED.read_bytes(), MULTI: b"[]"}
    aggregate(outputs, hf_data, published)
    before = {path: path.stat().st_mtime_ns for path in hf_data.iterdir()}
    report = aggregate(outputs, hf_data, published)
    assert report.written == ()
    assert fates(report) == [Fate.ALREADY_THERE]
    assert {path: path.stat().st_mtime_ns for path in hf_data.iterdir()} == before


def test_published_rows_go_through_unharmed(outputs: Path, hf_data: Path) -> None:
    report = aggregate(outputs, hf_data, {SINGLE: PUBLISHED.read_bytes()})
    assert report.kept == report.total == 23
    assert sorted(map(json.dumps, rows(hf_data))) == sorted(map(json.dumps, published_rows()))


def test_what_hf_data_holds_already_is_kept(outputs: Path, hf_data: Path) -> None:
    waiting = new_row(engine="vllm")
    (hf_data / SINGLE).write_text(json.dumps([waiting]))
    a_run(outputs, new_row())
    assert aggregate(outputs, hf_data, {SINGLE: PUBLISHED.read_bytes()}).kept == 24
    assert waiting in rows(hf_data)


def test_a_row_that_may_not_be_published_pushes_no_sound_one_out(outputs: Path, hf_data: Path) -> None:
    sound, forged = new_row(), new_row()
    forged["metrics"] = {**forged["metrics"], "throughput_tps": 1e4}
    (hf_data / SINGLE).write_bytes(to_json([sound, forged]))
    report = aggregate(outputs, hf_data, {SINGLE: b"[]", MULTI: b"[]"})
    assert sorted(row["metrics"]["throughput_tps"] for row in rows(hf_data)) == [
        sound["metrics"]["throughput_tps"],
        1e4,
    ]
    (unsound,) = report.unsound
    assert "the id of the row's own content" in unsound.reasons[0]
    before = content(hf_data)
    assert aggregate(outputs, hf_data, None).written == ()
    assert content(hf_data) == before


def test_a_row_that_may_not_be_published_does_not_beat_a_run(outputs: Path, hf_data: Path) -> None:
    forged = {**new_row(), "entry_id": "0" * 8}
    forged["metrics"] = {**forged["metrics"], "throughput_tps": 1e4}
    (hf_data / SINGLE).write_bytes(to_json([forged]))
    a_run(outputs, new_row())
    assert fates(aggregate(outputs, hf_data, None)) == [Fate.ADDED]
    assert new_row() in rows(hf_data)


def test_what_is_published_is_sound_whatever_it_lacks(outputs: Path, hf_data: Path) -> None:
    odd = to_json([{"entry_id": "of another tool"}])
    (hf_data / SINGLE).write_bytes(odd)
    assert aggregate(outputs, hf_data, {SINGLE: odd, MULTI: b"[]"}).unsound == ()
    assert len(aggregate(outputs, hf_data, {}).unsound) == 1


def test_a_run_that_is_better_than_the_published_one_replaces_it(outputs: Path, hf_data: Path) -> None:
    published = {SINGLE: to_json([new_row()])}
    better = new_row(metrics__throughput_tps=79.0)
    a_run(outputs, better)
    report = aggregate(outputs, hf_data, published)
    assert fates(report) == [Fate.IMPROVED]
    assert (rows(hf_data), report.kept) == ([better], 0)


def test_a_run_that_is_beaten_leaves_the_published_one(outputs: Path, hf_data: Path) -> None:
    a_run(outputs, new_row(metrics__throughput_tps=76.0))
    report = aggregate(outputs, hf_data, {SINGLE: to_json([new_row()])})
    assert fates(report) == [Fate.BEATEN]
    assert (rows(hf_data), report.kept) == ([new_row()], 1)


def test_runs_on_two_nodes_go_onto_the_other_board(outputs: Path, hf_data: Path) -> None:
    cluster = dict.fromkeys(("comm_backend", "topology_type", "interconnect", "topology"), "x") | {
        "node_count": 2
    }
    row = new_row(config_type="multi_node", cluster=cluster)
    a_run(outputs, row)
    aggregate(outputs, hf_data, None)
    assert (rows(hf_data), rows(hf_data, MULTI)) == ([], [row])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            DUMMY | {"unpublishable": ["weights: dummy; measure the real weights to publish"]},
            "weights: dummy",
        ),
        (DUMMY, "weights: dummy"),
        (new_row(validity={"valid": False, "reasons": ["not streamed"]}), "not valid"),
        (new_row(metrics__throughput_tps=0.0), "zero throughput"),
    ],
)
def test_a_run_not_to_be_published_is_left_out_with_its_reason(
    outputs: Path, hf_data: Path, row: dict[str, Any], words: str
) -> None:
    a_run(outputs, row)
    report = aggregate(outputs, hf_data, None)
    (skipped,) = report.left_out
    assert words in skipped.reasons[0]
    assert (rows(hf_data), report.damaged) == ([], ())


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b'{"entry_id": ',
        b"[]",
        b"null",
        b"[[]]",
        b"\xff\xfe{}",
        to_json(new_row())[:-20],
        to_json(new_row(metrics__ttft_ms=-1)),
        to_json(new_row(metadata__verified=True)),
        to_json(new_row()).replace(b'"engine":', b'"config_type": "single_gpu",\n  "engine":'),
        to_json([new_row(), new_row()]),
    ],
)
def test_a_damaged_run_is_named_and_the_others_kept(outputs: Path, hf_data: Path, damage: bytes) -> None:
    damaged = a_run(outputs, damage, "Q1_20261120_001")
    a_run(outputs, new_row(), "Q1_20261120_002")
    report = aggregate(outputs, hf_data, None)
    assert [skipped.path for skipped in report.damaged] == [damaged]
    assert rows(hf_data) == [new_row()]


def test_latest_and_other_links_are_not_followed(outputs: Path, hf_data: Path, tmp_path: Path) -> None:
    run = a_run(outputs, new_row())
    (run.parents[1] / "latest").symlink_to(run.parent)
    elsewhere = a_run(tmp_path / "elsewhere", new_row(engine="vllm"))
    (outputs / "theirs").symlink_to(elsewhere.parents[2])
    (run.parent / "more_leaderboard.json").symlink_to(elsewhere)
    assert fates(aggregate(outputs, hf_data, None)) == [Fate.ADDED]
    assert rows(hf_data) == [new_row()]


def test_what_is_still_being_written_is_not_picked_up(outputs: Path, hf_data: Path) -> None:
    run = a_run(outputs, new_row())
    run.rename(run.with_name(".Q1_leaderboard.json.x.tmp"))
    run.with_name(".Q1_leaderboard.json").write_text("{")
    report = aggregate(outputs, hf_data, None)
    assert (report.outcomes, report.damaged) == ((), ())


@pytest.mark.parametrize("broken", [b"[{", b"{}", b"[NaN]", b"\xef\xbb\xbf[]", None])
def test_a_board_in_hf_data_that_cannot_be_read_stops_everything(
    outputs: Path, hf_data: Path, broken: bytes | None
) -> None:
    a_run(outputs, new_row())
    if broken is None:
        (hf_data / MULTI).symlink_to("somewhere")
    else:
        (hf_data / MULTI).write_bytes(broken)
    names = sorted(path.name for path in hf_data.iterdir())
    with pytest.raises(DataError, match=MULTI):
        aggregate(outputs, hf_data, None)
    assert sorted(path.name for path in hf_data.iterdir()) == names
    assert broken is None or (hf_data / MULTI).read_bytes() == broken


def test_a_published_board_that_cannot_be_read_stops_everything(outputs: Path, hf_data: Path) -> None:
    before = content(hf_data)
    with pytest.raises(DataError, match="the published leaderboard_multi"):
        aggregate(outputs, hf_data, {SINGLE: b"[]", MULTI: b"<html>"})
    assert content(hf_data) == before
