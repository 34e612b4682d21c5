from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.board.derived import tables
from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.validate import Validation, validate
from sagellm_benchmark.files import to_json
from sagellm_benchmark.report.board import validation_json
from tests.board.boards import PUBLISHED, published_rows
from tests.fakes.rows import new_row


def checked(folder: Path, *rows: Any, as_new: bool = True) -> Validation:
    path = folder / "rows.json"
    path.write_bytes(to_json(list(rows)))
    return validate([path], as_new=as_new)


def reasons(validation: Validation) -> list[str]:
    return [reason for row in validation.rows for reason in row.reasons]


def test_published_rows_are_valid_as_published() -> None:
    validation = validate([PUBLISHED], as_new=False)
    assert validation.valid
    assert len(validation.rows) == 23


def test_each_published_row_is_refused_as_new_with_a_reason_of_the_contract_and_one_of_its_numbers() -> None:
    for row in validate([PUBLISHED], as_new=True).rows:
        assert not row.valid
        assert any("it must be" in reason for reason in row.reasons)
        assert any("it must be" not in reason for reason in row.reasons)


def test_a_good_row_is_valid_as_new(tmp_path: Path) -> None:
    assert checked(tmp_path, new_row()).valid


def test_numbers_that_cannot_be_are_refused_only_as_new(tmp_path: Path) -> None:
    row = new_row(metrics__throughput_tps=0.0)
    assert reasons(checked(tmp_path, row)) == [
        "zero throughput with zero errors: count empty answers as errors and measure again"
    ]
    assert checked(tmp_path, row, as_new=False).valid


def test_an_id_is_one_rows(tmp_path: Path) -> None:
    row = published_rows()[0]
    validation = checked(tmp_path, row, row, row | {"engine": "vllm"}, as_new=False)
    assert [checked_row.valid for checked_row in validation.rows] == [True, True, False]
    assert "row 0 has this one" in reasons(validation)[0]


def test_a_repeated_key_is_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_bytes(to_json(new_row()).replace(b'"engine":', b'"schema_version": 1, "engine":'))
    assert reasons(validate([path], as_new=True)) == [
        'the key "schema_version" is present twice; it must be present once in its object'
    ]


def test_a_file_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    validation = validate([tmp_path / "missing.json", PUBLISHED], as_new=False)
    assert not validation.valid
    assert len(validation.damaged) == 1
    assert len(validation.rows) == 23


def test_a_row_without_an_id_has_none(tmp_path: Path) -> None:
    assert [row.entry_id for row in checked(tmp_path, None, {}, {"entry_id": 5}).rows] == [None, None, None]


@pytest.mark.parametrize("as_new", [True, False])
def test_json_says_as_much_as_the_rows_do(tmp_path: Path, *, as_new: bool) -> None:
    said = json.loads(to_json(validation_json(checked(tmp_path, new_row(engine=""), as_new=as_new))))
    (row,) = said["rows"]
    assert set(said) == {"rows"}
    assert set(row) == {"entry_id", "valid", "reasons"}
    assert row["valid"] is False
    assert "engine" in row["reasons"][0]


def test_what_follows_from_rows_is_checked_where_it_lies(tmp_path: Path) -> None:
    sound = tmp_path / "leaderboard_compare.json"
    sound.write_bytes(tables([Entry.of(new_row(engine="vllm")), Entry.of(new_row())])[sound.name])
    assert validate([sound], as_new=True) == Validation((), (), 1)
    wrong = json.loads(sound.read_bytes())
    wrong["groups"][0]["preferred_pair"]["left"] = "vllm"
    sound.write_bytes(to_json(wrong))
    (said,) = validate([sound], as_new=True).damaged
    assert 'leaderboard_compare.json: preferred_pair.left is "vllm"; it must be an object' in said
