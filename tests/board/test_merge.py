from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.board.entry import Entry, board_file, entries
from sagellm_benchmark.board.identity import identity, order_key
from sagellm_benchmark.board.merge import Fate, join, merge, split
from sagellm_benchmark.files import to_json
from tests.board.boards import BOARDS, published_rows
from tests.fakes.rows import new_row, new_rows

pytestmark = pytest.mark.no_cover

Rows = list[Any]


def board(*parts: Rows) -> bytes:
    """The bytes of the board that these parts give, merged one after the other."""
    merged: tuple[Entry, ...] = ()
    for part in parts:
        merged = join(merged, [Entry.of(row) for row in part]).entries
    return board_file(merged)


def again(content: bytes) -> Rows:
    return [entry.row for entry in entries("board", content)]


@given(BOARDS, BOARDS)
def test_merging_is_commutative(left: Rows, right: Rows) -> None:
    assert board(left, right) == board(right, left)


@given(BOARDS, BOARDS, BOARDS)
def test_merging_is_associative(a: Rows, b: Rows, c: Rows) -> None:
    assert board(again(board(a, b)), c) == board(a, again(board(b, c)))


@given(BOARDS)
def test_merging_is_idempotent(rows: Rows) -> None:
    once = board(rows)
    assert board(again(once), rows) == board(again(once), again(once)) == once


@given(BOARDS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_the_board(rows: Rows, rng: random.Random) -> None:
    shuffled = rows + rng.choices(rows, k=3) if rows else []
    rng.shuffle(shuffled)
    assert board(*([row] for row in shuffled)) == board(rows)


@given(BOARDS, BOARDS)
def test_every_row_handed_in_is_on_the_board_or_beaten_by_a_better_one(before: Rows, rows: Rows) -> None:
    merged = merge(before, rows)
    held = {entry.identity: entry for entry in merged.entries}
    for row in [*before, *rows]:
        entry = Entry.of(row)
        assert not entry.beats(held[entry.identity])


@given(BOARDS, BOARDS)
def test_outcomes_add_up(before: Rows, rows: Rows) -> None:
    merged = merge(before, rows)
    fates = [outcome.fate for outcome in merged.outcomes]
    assert len(fates) == len(rows)
    assert len(merged.entries) == len(merge(before, []).entries) + fates.count(Fate.ADDED)


@pytest.mark.parametrize("seed", range(5))
def test_shuffles_of_the_published_rows_give_the_same_bytes(seed: int) -> None:
    rows, rng = published_rows(), random.Random(seed)  # noqa: S311 - a shuffle, not a secret
    expected = board(rows)
    rng.shuffle(rows)
    cut = rng.randrange(len(rows))
    assert board(rows[:cut], rows[cut:], rows[: cut + 1]) == expected


def test_published_rows_come_out_as_they_went_in() -> None:
    rows = published_rows()
    merged = merge(rows, []).rows
    assert sorted(to_json(row) for row in merged) == sorted(to_json(row) for row in rows)


def test_a_board_is_sorted_by_configuration() -> None:
    merged = merge(published_rows(), new_rows(3))
    identities = [entry.identity for entry in merged.entries]
    assert identities == sorted(set(identities))


def test_the_first_row_of_a_configuration_is_added() -> None:
    (outcome,) = merge(published_rows(), [new_row()]).outcomes
    assert (outcome.fate, outcome.other) == (Fate.ADDED, None)


def test_a_better_row_improves_and_names_the_one_it_replaced() -> None:
    old, better = new_row(), new_row(metrics__throughput_tps=78.0)
    (outcome,) = merge([old], [better]).outcomes
    assert outcome.fate is Fate.IMPROVED
    assert outcome.other == Entry.of(old)


def test_a_worse_row_is_beaten_and_names_the_better_one() -> None:
    held, worse = new_row(), new_row(metrics__throughput_tps=76.0)
    (outcome,) = merge([held], [worse]).outcomes
    assert outcome.fate is Fate.BEATEN
    assert outcome.other == Entry.of(held)


def test_the_same_row_is_already_there() -> None:
    (outcome,) = merge([new_row()], [new_row()]).outcomes
    assert outcome.fate is Fate.ALREADY_THERE


def test_the_same_row_with_its_keys_in_another_order_is_already_there() -> None:
    row = new_row()
    turned = dict(reversed(row.items()))
    assert [outcome.fate for outcome in merge([row], [turned]).outcomes] == [Fate.ALREADY_THERE]


def test_a_row_handed_in_twice_is_added_once() -> None:
    entry = Entry.of(new_row())
    fates = [outcome.fate for outcome in join([], [entry, entry, Entry.of(new_row())]).outcomes]
    assert fates == [Fate.ADDED, Fate.ALREADY_THERE, Fate.ALREADY_THERE]


def test_of_two_submitted_rows_the_better_one_is_added() -> None:
    slow, fast = new_row(metrics__throughput_tps=10.0), new_row()
    merged = merge([], [slow, fast])
    assert [outcome.fate for outcome in merged.outcomes] == [Fate.BEATEN, Fate.ADDED]
    assert merged.rows == [fast]


def test_the_mark_of_verification_survives_a_repeated_submission() -> None:
    row = new_row()
    verified = row | {"metadata": row["metadata"] | {"verified": True}}
    merged = merge([verified], [row])
    assert merged.rows == [verified]
    assert [outcome.fate for outcome in merged.outcomes] == [Fate.ALREADY_THERE]


def test_another_tools_row_keeps_its_very_text() -> None:
    text = b'[\n  {\n    "odd": 1.50e1,\n    "caf\\u00e9": []\n  }\n]\n'
    assert board_file(join(entries("theirs", text), []).entries) == text


def test_rows_of_two_nodes_or_more_are_split_off() -> None:
    cluster = {"node_count": 2}
    rows = merge([new_row(), new_row(cluster=cluster), new_row(cluster={"node_count": True})], []).entries
    single, multi = split(rows)
    assert [entry.row["cluster"] for entry in multi] == [cluster]
    assert len(single) + len(multi) == len(rows)


def test_rows_that_name_no_model_compete_with_nothing() -> None:
    rows: Rows = [{"metrics": {"throughput_tps": 1}}, {"metrics": {"throughput_tps": 2}}, None, 5]
    assert len(merge(rows, []).entries) == 4


@given(BOARDS)
def test_order_and_identity_take_any_json(rows: Rows) -> None:
    for row in rows:
        assert order_key(row) <= order_key(row)
        assert identity(row) == identity(row)
