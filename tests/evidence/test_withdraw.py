"""A row is taken back by a signed tombstone, for good: nothing else removes it, and nothing brings it back."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import orjson
import pytest

from sagellm_benchmark.board.aggregate import aggregate
from sagellm_benchmark.board.agreement import Measured
from sagellm_benchmark.board.entry import SINGLE, Entry
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.identity import Row, slug, submission_path
from sagellm_benchmark.board.standing import Proved, Standing, Withdrawal
from sagellm_benchmark.board.standing_file import to_bytes
from sagellm_benchmark.errors import DataError, Exit, UsageError
from sagellm_benchmark.evidence import ed25519, signing
from sagellm_benchmark.files import to_json, write_whole
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.hub.rebuild import Rebuilt, rebuild
from sagellm_benchmark.hub.store import SIGNERS, VIEWER, Store
from sagellm_benchmark.hub.tombstones import statement, tombstone, tombstone_path, withdrawal
from sagellm_benchmark.hub.unpublished import unpublished
from sagellm_benchmark.hub.withdraw import Withdrawn, withdraw
from sagellm_benchmark.report.publishing import published_text
from sagellm_benchmark.site.gather import from_store
from tests import command
from tests.fakes.hub_server import REPO, WRITER, HubServer
from tests.fakes.rows import new_row
from tests.hub.conftest import hub, server, store
from tests.hub.support import fates, given, ids, put

__all__ = ["hub", "server", "store"]  # fixtures

pytestmark = pytest.mark.no_cover

REASON = "the clock of the GPU was not fixed"


def keys(folder: Path) -> bytes:
    """signers.json, by which mia is a maintainer, and ann may only sign."""
    found = {}
    for name in ("mia", "ann"):
        ((number, key),) = orjson.loads(signing.new_key(folder / name)).items()
        found[number] = {**key, "identity": name}
    return to_json({"schema_version": 1, "keys": found, "maintainers": ["mia"]})


def take_back(store: Store, row: Row, key: Path, reason: str = REASON) -> Withdrawn:
    sign = partial(signing.sign_statement, key=key)
    return withdraw(store, row["entry_id"], reason, sign=sign, identify=signing.identify)


def rebuilt(store: Store, *, compare: bool = True) -> Rebuilt:
    return rebuild(store, compare=compare, identify=signing.identify)


@pytest.fixture
def rows(store: Store, tmp_path: Path) -> tuple[Row, Row]:
    """A fast and a slow row of one configuration, both published, in a dataset that knows mia and ann."""
    fast, slow = (new_row(metrics__throughput_tps=rate) for rate in (90.0, 80.0))
    publish(store, given(slow, fast))
    put(store, {SIGNERS: keys(tmp_path)})
    return fast, slow


@pytest.mark.slow
def test_what_a_withdrawn_row_beat_comes_back_and_its_own_file_stays(
    store: Store, rows: tuple[Row, Row], tmp_path: Path
) -> None:
    fast, slow = rows
    done = take_back(store, fast, tmp_path / "mia")
    assert (ids(store), done.back and done.back.entry_id) == ([slow["entry_id"]], slow["entry_id"])
    path = submission_path(fast)
    assert orjson.loads(store.read([path]).files[path])["entry_id"] == fast["entry_id"]
    assert [entry.entry_id for entry in from_store(store, beaten=True).best] == [slow["entry_id"]]
    assert from_store(store, beaten=True).beaten == {}


@pytest.mark.slow
def test_an_old_hf_data_does_not_bring_a_withdrawn_row_back(
    store: Store, rows: tuple[Row, Row], tmp_path: Path
) -> None:
    fast, slow = rows
    take_back(store, fast, tmp_path / "mia")
    again = publish(store, given(fast, slow))
    assert (fates(again), ids(store)) == (["withdrawn", "already there"], [slow["entry_id"]])
    assert f"(mia: {REASON})" in published_text(again, sent=True)
    assert (
        unpublished(store, given(fast, slow)).names == ()
    )  # it is safe, so that `clean` takes it out of git


@pytest.mark.slow
def test_the_only_row_of_a_board_can_be_withdrawn_and_a_better_one_published(
    store: Store, tmp_path: Path
) -> None:
    only, better = (new_row(metrics__throughput_tps=rate) for rate in (90.0, 70.0))
    publish(store, given(only))
    put(store, {SIGNERS: keys(tmp_path)})
    take_back(store, only, tmp_path / "mia")
    single = VIEWER["single"]
    assert (ids(store), store.read([single]).files[single]) == ([], b"")
    assert fates(publish(store, given(only, better))) == ["withdrawn", "added"]
    assert ids(store) == [better["entry_id"]]
    assert rebuilt(store).differences == ()


@pytest.mark.slow
def test_a_claim_is_withdrawn_by_nobody_but_a_maintainer(
    store: Store, rows: tuple[Row, Row], tmp_path: Path
) -> None:
    before = store.read().files
    with pytest.raises(DataError, match="ann neither signed the row nor is a maintainer"):
        take_back(store, rows[0], tmp_path / "ann")
    signing.new_key(tmp_path / "eve")
    with pytest.raises(DataError, match=r"not enrolled in signers\.json"):
        take_back(store, rows[0], tmp_path / "eve")
    assert store.read().files == before


@pytest.mark.slow
def test_withdrawing_a_row_twice_changes_nothing(store: Store, rows: tuple[Row, Row], tmp_path: Path) -> None:
    take_back(store, rows[0], tmp_path / "mia")
    before = store.read(()).commit
    assert (take_back(store, rows[0], tmp_path / "mia").written, store.read(()).commit) == (False, before)


@pytest.mark.slow
def test_a_board_is_rebuilt_without_the_rows_that_are_withdrawn(
    store: Store, rows: tuple[Row, Row], tmp_path: Path
) -> None:
    take_back(store, rows[0], tmp_path / "mia")
    board = store.read(["leaderboard_single.json"]).files["leaderboard_single.json"]
    assert rebuilt(store).differences == ()
    assert rebuilt(store, compare=False).files["leaderboard_single.json"] == board
    put(
        store, {"leaderboard_single.json": to_json([rows[0]])}
    )  # somebody else brings it back, past this tool
    assert rebuilt(store).differences != ()
    assert fates(publish(store, given(rows[1]))) == ["already there"]
    assert (rebuilt(store).differences, ids(store)) == ((), [rows[1]["entry_id"]])


@pytest.mark.slow
def test_a_tombstone_that_does_not_count_has_no_effect_and_is_said(
    store: Store, rows: tuple[Row, Row], tmp_path: Path
) -> None:
    entry = Entry.of(rows[0])
    said = statement(entry, REASON)
    path = tombstone_path(entry)
    put(store, {path: tombstone(said, ed25519.sign(said, tmp_path / "ann")) + b"\n{}\n"})
    publish(store, given(rows[0]))
    assert ids(store) == [rows[0]["entry_id"]]
    unsigned, wrong = sorted(rebuilt(store).differences)
    assert unsigned == f"{path} has no effect: a tombstone is damaged"
    assert wrong.startswith(f"{path} has no effect: ann neither signed the row nor is a maintainer")


@pytest.mark.slow
def test_a_row_that_is_kept_away_without_a_tombstone_is_found(store: Store, rows: tuple[Row, Row]) -> None:
    known = orjson.loads(store.read().files[STANDING])
    fact = known["rows"][rows[0]["entry_id"]]
    gone = [{"configuration": fact["configuration"], "by": "mia", "reason": "none"}]
    put(store, {STANDING: to_json({**known, "withdrawn": {rows[0]["entry_id"]: gone}})})
    said = rebuilt(store).differences
    assert (
        f"row {rows[0]['entry_id']} is kept off the board, and no tombstone that counts withdraws it" in said
    )


def test_a_withdrawn_row_displaces_nothing_in_hf_data_either(tmp_path: Path) -> None:
    fast, slow = (Entry.of(new_row(metrics__throughput_tps=rate)) for rate in (90.0, 80.0))
    gone = Standing().withdrawing(fast.entry_id, Withdrawal(slug(fast.identity), "mia", REASON))
    (tmp_path / "hf_data").mkdir()
    (tmp_path / "hf_data" / SINGLE).write_bytes(to_json([fast.row]))
    run = tmp_path / "outputs" / "llama.cpp" / "m" / "Q1_20261120_001" / "Q1_leaderboard.json"
    write_whole(run, to_json(slow.row))
    aggregate(tmp_path / "outputs", tmp_path / "hf_data", {STANDING: to_bytes(gone)})
    (held,) = orjson.loads((tmp_path / "hf_data" / SINGLE).read_bytes())
    assert held["entry_id"] == slow.entry_id


def test_who_signed_a_row_may_withdraw_it(tmp_path: Path) -> None:
    entry, enrolled = Entry.of(new_row()), keys(tmp_path)
    known = Standing().accepting(
        [entry], (), {entry.entry_id: Proved(Measured(80.0), frozenset({"ann"}))}, ""
    )
    said = statement(entry, REASON)
    line = tombstone(said, ed25519.sign(said, tmp_path / "ann"))
    assert withdrawal(entry, line, known, enrolled, signing.identify).by == "ann"


def test_a_tombstone_is_about_one_row(tmp_path: Path) -> None:
    entry, other = Entry.of(new_row()), Entry.of(new_row(metrics__throughput_tps=81.0))
    said = statement(entry, REASON)
    line = tombstone(said, ed25519.sign(said, tmp_path / "mia")) if keys(tmp_path) else b""
    with pytest.raises(DataError, match="something other than this row"):
        withdrawal(other, line, Standing(), None, signing.identify)


def test_a_reason_that_was_changed_afterwards_does_not_hold(tmp_path: Path) -> None:
    entry, enrolled = Entry.of(new_row()), keys(tmp_path)
    said = statement(entry, REASON)
    line = tombstone(said, ed25519.sign(said, tmp_path / "mia")).replace(b"not fixed", b"fixed")
    with pytest.raises(DataError, match="something other"):
        withdrawal(entry, line, Standing(), enrolled, signing.identify)


@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "\x1b[2J", "x" * 501])
def test_a_reason_is_a_line_of_plain_text(reason: str) -> None:
    with pytest.raises(UsageError, match="one line of plain text"):
        statement(Entry.of(new_row()), reason)


@pytest.mark.with_children
@pytest.mark.slow
def test_the_command_withdraws_by_id_and_by_file(server: HubServer, hub: Hub, tmp_path: Path) -> None:
    fast, slow = (new_row(metrics__throughput_tps=rate) for rate in (90.0, 80.0))
    publish(hub, given(slow, fast))
    put(hub, {SIGNERS: keys(tmp_path)})
    (tmp_path / "row.json").write_bytes(to_json([slow]))
    run = partial(command.run, cwd=tmp_path, env={"HF_ENDPOINT": server.url, "HF_TOKEN": WRITER})
    signed = ("--repo", REPO, "--reason", REASON, "--key", "mia")
    refused = run("withdraw", fast["entry_id"], *signed[:-1], "ann")
    assert (refused.returncode, "neither signed the row" in refused.stderr) == (Exit.DATA, True)
    done = run("withdraw", fast["entry_id"], *signed)
    assert (done.returncode, f"back on the board: {slow['entry_id']}" in done.stdout) == (Exit.DONE, True)
    done = run("withdraw", "row.json", *signed, "--site", "--json")
    assert (done.returncode, orjson.loads(done.stdout)["back"]) == (Exit.DONE, None), done.stderr
    assert "making the page of the board" in done.stderr
    page = hub.read(["index.html"]).files["index.html"]
    assert (ids(hub), REASON.encode() in page) == (
        [],
        True,
    )  # the page says why, apart from the rows that stand
    assert run("rebuild", "--check", "--repo", REPO).returncode == Exit.DONE
