"""A row's tier is what its evidence and signatures in the dataset bear out, whatever standing.json says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from sagellm_benchmark.board.agreement import Interval
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.identity import Row, submission_path
from sagellm_benchmark.board.proof import bundle_path, signatures_path
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.bundles import Bundles, nowhere
from sagellm_benchmark.hub.dataset import Hub
from sagellm_benchmark.hub.directory import Directory
from sagellm_benchmark.hub.publish import Published, publish
from sagellm_benchmark.hub.rebuild import Rebuilt, rebuild
from sagellm_benchmark.hub.retry import Pace
from sagellm_benchmark.hub.store import Store
from sagellm_benchmark.hub.withdraw import withdraw
from tests.fakes.hub_server import Fault, HubServer
from tests.fakes.rows import new_row
from tests.hub.support import Clock, fates, given, ids, put

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

DIGEST = "a" * 64
FAST = new_row(metrics__throughput_tps=90.0)
PROVED = new_row(metrics__throughput_tps=80.0, evidence={"sha256": DIGEST})
FILES = {bundle_path(DIGEST): b"a bundle", signatures_path(DIGEST): b'{"by": "ann"}\n'}


def prove(row: Any, bundle: bytes) -> Interval:
    if bundle != b"a bundle":
        raise DataError("the bundle is damaged")
    return (79.0, 81.0)


def identify(digest: str, line: bytes, enrolled: bytes | None) -> str:
    name = orjson.loads(line)["by"]
    if name not in ("ann", "bob"):
        raise DataError("a signature does not hold")
    return str(name)


@pytest.fixture
def board(store: Store) -> Store:
    """A fast claim, and a slower row that has its place by its evidence."""
    publish(store, given(FAST, PROVED), bundles=FILES.get, prove=prove, identify=identify)
    return store


def checked(store: Store) -> Rebuilt:
    return rebuild(store, prove=prove, identify=identify)


def forge(store: Store, row: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Somebody who may write edits what standing.json says of a row."""
    forge_all(store, lambda value: change(value["rows"][row]))


def forge_all(store: Store, change: Callable[[dict[str, Any]], object]) -> None:
    """The same of all of standing.json."""
    value = orjson.loads(store.read([STANDING]).files[STANDING])
    change(value)
    put(store, {STANDING: to_json(value)})


def test_what_was_proved_and_signed_is_borne_out(board: Store) -> None:
    assert checked(board).differences == ()


@pytest.mark.parametrize(
    ("row", "change", "said"),
    [
        (
            FAST,
            lambda fact: fact.update(
                evidence={"throughput_tps": 90.0, "interval": None, "signers": ["ann", "bob"]}
            ),
            "is held for proved, and has no evidence here",
        ),
        (PROVED, lambda fact: fact["evidence"]["signers"].append("bob"), "is held for signed by bob"),
        (PROVED, lambda fact: fact["evidence"].update(throughput_tps=81.0), "is held for another throughput"),
        (
            PROVED,
            lambda fact: fact["evidence"].update(interval=[1.0, 999.0]),
            "is held for another throughput",
        ),
        (PROVED, lambda fact: fact["evidence"].update(interval=None), "is held for another throughput"),
    ],
    ids=["no evidence", "a signer", "a throughput", "a wide interval", "no interval"],
)
def test_a_standing_that_somebody_made_up_is_found(
    board: Store, row: dict[str, Any], change: Callable[[dict[str, Any]], object], said: str
) -> None:
    forge(board, row["entry_id"], change)
    assert any(one.startswith(f"row {row['entry_id']} {said}") for one in checked(board).differences)


def test_a_standing_that_somebody_made_up_puts_nobody_in_the_place_of_another(board: Store) -> None:
    made_up = {"throughput_tps": 90.0, "interval": None, "signers": ["ann", "bob"]}
    forge(board, FAST["entry_id"], lambda fact: fact.update(evidence=made_up))
    (row,) = orjson.loads(checked(board).files["leaderboard_single.json"])
    assert row == PROVED


def test_a_row_that_nobody_accepted_is_not_proved(board: Store) -> None:
    value = orjson.loads(board.read([STANDING]).files[STANDING])
    value["rows"]["11111111-1111-4111-8111-111111111111"] = value["rows"][PROVED["entry_id"]]
    put(board, {STANDING: to_json(value)})
    (said,) = [one for one in checked(board).differences if one.startswith("row 1111")]
    assert said.endswith("is held for proved, and was never accepted")


def test_evidence_that_was_changed_in_the_dataset_proves_nothing(board: Store) -> None:
    put(board, {bundle_path(DIGEST): b"another bundle"})
    said = f"row {PROVED['entry_id']} is held for proved, and does not follow: the bundle is damaged"
    assert said in checked(board).differences


def test_a_signature_that_does_not_hold_counts_for_nothing_and_harms_nobody(board: Store) -> None:
    put(board, {signatures_path(DIGEST): b'{"by": "ann"}\n{"by": "eve"}\n'})
    assert checked(board).differences == ()


def test_where_a_library_is_missing_signers_are_as_the_dataset_says(board: Store) -> None:
    def without(digest: str, line: bytes, enrolled: bytes | None) -> str:
        raise UsageError("signatures of this kind need a library that is not installed")

    found = rebuild(board, prove=prove, identify=without)
    assert found.differences == ()
    assert any(
        note.startswith(f"who signed row {PROVED['entry_id']} was not looked at") for note in found.notes
    )


FASTER = new_row(metrics__throughput_tps=95.0)
OF_EVE = {"throughput_tps": 90.0, "interval": None, "signers": ["ann", "bob"]}


def published(store: Store, *rows: Row, bundles: Bundles = nowhere) -> Published:
    return publish(store, given(*rows), bundles=bundles, prove=prove, identify=identify)


def stripped(value: dict[str, Any]) -> None:
    del value["rows"][PROVED["entry_id"]]["evidence"]


def moved(value: dict[str, Any]) -> None:
    value["rows"][PROVED["entry_id"]]["configuration"] = "another"


def forgotten(value: dict[str, Any]) -> None:
    del value["rows"][PROVED["entry_id"]]


def raised(value: dict[str, Any]) -> None:
    value["rows"][FAST["entry_id"]]["evidence"] = OF_EVE


def taken_back(value: dict[str, Any]) -> None:
    configuration = value["rows"][PROVED["entry_id"]]["configuration"]
    value |= {"schema_version": 2}
    value["withdrawn"] = {
        PROVED["entry_id"]: [{"configuration": configuration, "by": "ann", "reason": "made up"}]
    }


FORGED = pytest.mark.parametrize("forgery", [stripped, moved, forgotten, raised, taken_back])


@FORGED
def test_publishing_believes_nothing_that_somebody_made_up_of_the_rows_it_decides_about(
    board: Store, forgery: Callable[[dict[str, Any]], None]
) -> None:
    """The co-writer's claim displaces no proved row, though standing.json says that it should."""
    forge_all(board, forgery)
    done = published(board, FASTER)
    assert fates(done) == ["beaten"]
    assert ids(board) == [PROVED["entry_id"]]
    assert any(PROVED["entry_id"] in said or FAST["entry_id"] in said for said in done.strange)
    assert checked(board).differences == ()


@FORGED
def test_publishing_another_configuration_leaves_a_proved_row_where_it_is(
    board: Store, forgery: Callable[[dict[str, Any]], None]
) -> None:
    forge_all(board, forgery)
    published(board, new_row(model__name="another"))
    assert PROVED["entry_id"] in ids(board)


def test_an_owner_brings_a_proved_row_back_that_a_made_up_standing_kept_off_the_board(board: Store) -> None:
    forge(board, FAST["entry_id"], lambda fact: fact.update(evidence=OF_EVE))
    publish(board, given(FASTER))  # by a version that believed the file
    put(board, {"leaderboard_single.json": to_json([FAST])})
    done = published(board, PROVED)
    assert ids(board) == [PROVED["entry_id"]]
    assert f"row {FAST['entry_id']} is held for proved, and has no evidence here" in done.strange
    assert checked(board).differences == ()


def test_a_signature_that_nobody_gave_gives_no_row_the_tier_above_another(board: Store) -> None:
    digest = "b" * 64
    faster = new_row(metrics__throughput_tps=85.0, evidence={"sha256": digest})
    forge(board, PROVED["entry_id"], lambda fact: fact["evidence"].update(signers=["ann", "bob", "cy"]))
    done = published(
        board,
        faster,
        bundles={bundle_path(digest): b"a bundle", signatures_path(digest): b'{"by": "bob"}'}.get,
    )
    assert fates(done) == ["improved"]  # both are attested, by one signer each
    assert checked(board).differences == ()


def test_a_publish_computes_each_rival_once_and_no_row_of_another_configuration(board: Store) -> None:
    other, digest = new_row(model__name="another", evidence={"sha256": "c" * 64}), "c" * 64
    published(board, other, bundles={bundle_path(digest): b"a bundle"}.get)
    seen: list[str] = []

    def counted(row: Any, bundle: bytes) -> Interval:
        seen.append(row["entry_id"])
        return prove(row, bundle)

    publish(board, given(FASTER, PROVED, FAST, other), prove=counted, identify=identify)
    assert seen == [PROVED["entry_id"]]


def test_of_a_configuration_with_many_proved_rows_the_first_are_looked_at_and_it_is_said(
    board: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sagellm_benchmark.hub.rivals.MOST_OF_ONE", 1)
    digest = "d" * 64
    slower = new_row(metrics__throughput_tps=70.0, evidence={"sha256": digest})
    published(board, slower, bundles={bundle_path(digest): b"a bundle"}.get)
    done = published(board, FASTER)
    assert fates(done) == ["beaten"]
    assert done.unchecked == ("the evidence of 1 more rows was not looked at: `rebuild --check` does",)


def test_evidence_that_takes_long_to_compute_holds_nobody_up(
    board: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sagellm_benchmark.hub.rivals.PATIENCE_S", -1.0)
    done = publish(board, given(FASTER), prove=lambda *_: pytest.fail("it was looked at"), identify=identify)
    assert fates(done) == ["beaten"]
    assert done.unchecked == ("the evidence of 1 more rows was not looked at: `rebuild --check` does",)


def remove(store: Store, server: HubServer, name: str) -> None:
    """A co-writer removes a file of the dataset."""
    if isinstance(store, Directory):
        (store.path / name).unlink()
    else:
        server.history.add({name: None}, "remove")


@pytest.mark.parametrize("name", sorted(FILES))
def test_who_removes_the_evidence_of_a_row_does_not_put_a_claim_in_its_place(
    board: Store, server: HubServer, name: str
) -> None:
    remove(board, server, name)
    with pytest.raises(DataError, match=f"{name} was removed by .*, which proves row {PROVED['entry_id']}"):
        published(board, FASTER)
    other = new_row(model__name="another")
    done = publish(board, given(FASTER, other), prove=prove, identify=identify, skip_invalid=True)
    assert [one.found.row for one in done.refused] == [FASTER]
    assert ids(board) == sorted([PROVED["entry_id"], other["entry_id"]])
    assert any(said.startswith(f"{name} was removed by ") for said in checked(board).differences)
    put(board, {name: FILES[name]})
    assert fates(published(board, FASTER)) == ["beaten"]
    assert checked(board).differences == ()


def test_a_row_whose_evidence_was_never_there_is_a_claim_and_stops_nobody(store: Store) -> None:
    published(store, PROVED)
    assert fates(published(store, FAST)) == ["improved"]
    assert checked(store).differences == ()


@pytest.mark.parametrize("name", sorted(FILES))
def test_one_false_listing_takes_nothing_from_a_proved_row(
    hub: Hub, server: HubServer, pace: Pace, clock: Clock, name: str
) -> None:
    published(hub, FAST, PROVED, bundles=FILES.get)
    before = hub.read([STANDING]).files
    server.faults.append(Fault("paths", do="omit", omit=(name,), skip=1, times=2))
    done = publish(hub, given(FASTER), prove=prove, identify=identify, pace=pace)
    assert (fates(done), done.strange, len(clock.slept)) == (["beaten"], (), 1)
    held = orjson.loads(before[STANDING])["rows"][PROVED["entry_id"]]
    assert orjson.loads(hub.read([STANDING]).files[STANDING])["rows"][PROVED["entry_id"]] == held


def test_one_false_listing_lets_no_rival_lose_who_reproduced_it(
    hub: Hub, server: HubServer, pace: Pace, clock: Clock
) -> None:
    other, digest = new_row(metrics__throughput_tps=80.5, evidence={"sha256": "b" * 64}), "b" * 64
    files = {bundle_path(digest): b"a bundle", signatures_path(digest): b'{"by": "bob"}'}
    published(hub, PROVED, other, bundles={**FILES, **files}.get)
    faster = new_row(metrics__throughput_tps=82.0, evidence={"sha256": "e" * 64})
    theirs = {bundle_path("e" * 64): b"a bundle", signatures_path("e" * 64): b'{"by": "ann"}'}
    server.faults.append(Fault("paths", do="omit", omit=(submission_path(PROVED),), skip=1, times=2))
    done = publish(hub, given(faster), bundles=theirs.get, prove=prove, identify=identify, pace=pace)
    assert (fates(done), done.strange, len(clock.slept)) == (["improved"], (), 1)
    assert checked(hub).differences == ()


@pytest.mark.parametrize("name", sorted(FILES))
def test_rebuilding_takes_no_false_listing_for_lost_evidence(
    hub: Hub, server: HubServer, pace: Pace, name: str
) -> None:
    published(hub, PROVED, bundles=FILES.get)
    server.faults.append(Fault("paths", do="omit", omit=(name,), skip=1))
    assert rebuild(hub, pace, prove=prove, identify=identify).differences == ()
    assert server.faults[-1].times == 0


def test_a_copy_that_is_numbered_before_its_author_s_row_is_found_and_takes_no_place(store: Store) -> None:
    author, other = new_row(), new_row(model__name="another")
    for row in (author, other):
        published(store, row)
    thieves = [new_row(metadata__submitter=name) for name in ("thief", "other thief", "third thief")]
    published(store, *thieves)
    assert checked(store).differences == ()
    value = orjson.loads(store.read([STANDING]).files[STANDING])
    facts = value["rows"]
    for row in thieves:
        facts[row["entry_id"]]["number"] -= 2
    facts[author["entry_id"]]["number"] = 5
    put(store, {STANDING: to_json(value)})
    done = checked(store)
    said = f"is numbered before row {author['entry_id']}, which was accepted earlier"
    assert sum(one.endswith(said) for one in done.differences) == 4
    assert [row["entry_id"] for row in orjson.loads(done.files["leaderboard_single.json"])] == [
        author["entry_id"],
        other["entry_id"],
    ]


def withdrawn(store: Store) -> str:
    """Ann takes her row back; the path of the tombstone."""
    taken = withdraw(store, PROVED["entry_id"], "hot", sign=lambda _: b'{"by": "ann"}', identify=identify)
    (path,) = store.paths("withdrawn", taken.commit)
    return path


def test_who_removes_a_tombstone_does_not_bring_its_row_back(board: Store, server: HubServer) -> None:
    path = withdrawn(board)
    remove(board, server, path)
    done = published(board, PROVED)
    assert (fates(done), ids(board)) == (["withdrawn"], [FAST["entry_id"]])
    assert any(said.startswith(f"{path} was removed by ") for said in done.strange)


def test_one_false_listing_brings_no_withdrawn_row_back(
    hub: Hub, server: HubServer, pace: Pace, clock: Clock
) -> None:
    published(hub, FAST, PROVED, bundles=FILES.get)
    path = withdrawn(hub)
    server.faults.append(Fault("paths", do="omit", omit=(path,), skip=1, times=4))
    done = publish(hub, given(PROVED), prove=prove, identify=identify, pace=pace)
    assert (fates(done), done.strange, ids(hub)) == (["withdrawn"], (), [FAST["entry_id"]])
    assert clock.slept
