from __future__ import annotations

from typing import Any

import pytest

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.read import Found
from sagellm_benchmark.board.submission import Examined, Examiner
from tests.board.boards import published_rows
from tests.fakes.rows import new_row


def examined(*rows: Any, accepted: list[Any] | None = None) -> Examined:
    examiner = Examiner(Entry.of(row) for row in (accepted or []))
    return examiner.examine(Found("rows.json", index, row) for index, row in enumerate(rows))


def verified(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"metadata": row["metadata"] | {"verified": True}}


def test_a_row_that_meets_the_contract_is_new() -> None:
    assert [entry.row for entry in examined(new_row()).new] == [new_row()]


def test_old_rows_pass_where_they_are_published_already() -> None:
    result = examined(*published_rows(), accepted=published_rows())
    assert len(result.known) == 23
    assert not result.refused


def test_old_rows_are_refused_where_they_are_not() -> None:
    assert len(examined(*published_rows()).refused) == 23


def test_a_published_row_is_known_after_its_keys_were_turned() -> None:
    row = published_rows()[0]
    assert len(examined(dict(reversed(row.items())), accepted=[row]).known) == 1


def test_a_published_row_is_known_after_a_maintainer_verified_it() -> None:
    row = published_rows()[0]
    assert len(examined(row, accepted=[verified(row)]).known) == 1


def test_nobody_verifies_a_published_row_by_submitting_it_again() -> None:
    row = published_rows()[0]
    (refused,) = examined(verified(row), accepted=[row]).refused
    assert "metadata.verified" in str(refused)


@pytest.mark.parametrize("version", [None, 0, 2, "1", True])
def test_nobody_takes_another_rows_id(version: Any) -> None:
    theirs = new_row()
    mine = new_row(schema_version=version, entry_id=theirs["entry_id"], metrics__throughput_tps=78.0)
    if version is None:
        del mine["schema_version"]
    (refused,) = examined(mine).refused
    assert refused.problems[0].field == "schema_version"


def test_a_row_that_took_the_id_of_another_does_not_keep_that_out() -> None:
    rightful = new_row()
    squatter = {**new_row(model__name="squatter"), "entry_id": rightful["entry_id"]}
    del squatter["schema_version"]
    assert [entry.row for entry in examined(rightful, accepted=[squatter]).new] == [rightful]


def test_another_rows_file_is_not_written_over() -> None:
    rightful = new_row()
    squatter = {**new_row(metrics__throughput_tps=70.0), "entry_id": rightful["entry_id"]}
    (refused,) = examined(rightful, accepted=[squatter]).refused
    assert [problem.field for problem in refused.problems] == ["entry_id"]


def test_a_published_row_whose_number_was_changed_is_refused() -> None:
    row = published_rows()[0]
    faster = row | {"metrics": row["metrics"] | {"throughput_tps": 1e6}}
    (refused,) = examined(faster, accepted=[row]).refused
    assert refused.problems[0].field == "schema_version"


def test_two_rows_of_one_submission_do_not_share_an_id() -> None:
    one, other = new_row(), new_row(metrics__ttft_ms=42.0)
    result = examined(one, other | {"entry_id": one["entry_id"]}, one)
    assert [entry.row for entry in result.new] == [one]
    assert [refused.found.index for refused in result.refused] == [1]


def test_what_is_refused_names_file_row_field_and_what_is_allowed() -> None:
    (refused,) = examined(new_row(metrics__ttft_ms=-1)).refused
    assert str(refused) == "rows.json, row 0: metrics.ttft_ms is -1; it must be a number from 0 to 1e+12"


def test_what_is_no_row_is_refused() -> None:
    assert len(examined(None, 5, [new_row()]).refused) == 3


def test_a_repeated_key_is_refused() -> None:
    (refused,) = Examiner([]).examine([Found("rows.json", 3, new_row(), repeated="entry_id")]).refused
    assert (
        str(refused)
        == 'rows.json, row 3: the key "entry_id" is present twice; it must be present once in its object'
    )


UNBELIEVABLE = {"metrics__tpot_ms": 12.5, "metrics__throughput_tps": 90_000.0}


def test_a_new_row_that_cannot_be_true_is_refused_with_its_reasons() -> None:
    (refused,) = examined(new_row(**UNBELIEVABLE)).refused
    assert refused.problems == ()
    assert refused.doubts
    assert str(refused) == "rows.json, row 0: " + "; ".join(refused.doubts)


def test_a_published_row_stays_known_whatever_is_believed_today() -> None:
    row = new_row(**UNBELIEVABLE)
    assert [entry.row for entry in examined(row, accepted=[row]).known] == [row]
