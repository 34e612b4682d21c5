"""A row's tier is what its evidence and signatures in the dataset bear out, whatever standing.json says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from sagellm_benchmark.board.agreement import Interval
from sagellm_benchmark.board.folder import STANDING
from sagellm_benchmark.board.proof import bundle_path, signatures_path
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.files import to_json
from sagellm_benchmark.hub.publish import publish
from sagellm_benchmark.hub.rebuild import Rebuilt, rebuild
from sagellm_benchmark.hub.store import Store
from tests.fakes.rows import new_row
from tests.hub.support import given, put

pytestmark = pytest.mark.slow

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
    value = orjson.loads(store.read([STANDING]).files[STANDING])
    change(value["rows"][row])
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
