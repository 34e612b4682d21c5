from __future__ import annotations

import json
import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from sagellm_benchmark.board.read import Limits, parse_rows, read_rows
from sagellm_benchmark.errors import DataError
from tests.board.boards import BOARDS, PUBLISHED


def rows(content: bytes, **limits: int) -> list[Any]:
    return [found.row for found in parse_rows("rows.json", content, Limits(**limits))]


def refusal(content: bytes, **limits: int) -> str:
    with pytest.raises(DataError) as caught:
        parse_rows("rows.json", content, Limits(**limits))
    assert caught.value.message.startswith("rows.json")
    return caught.value.message


@given(BOARDS)
def test_an_array_is_read_as_its_rows(board: list[Any]) -> None:
    for indent in (None, 2):
        assert rows(json.dumps(board, indent=indent).encode()) == board


def test_an_object_is_read_as_one_row() -> None:
    assert rows(b' {"a": 1} \n') == [{"a": 1}]


def test_a_row_knows_where_it_stands() -> None:
    found = read_rows(PUBLISHED)
    assert len(found) == 23
    assert found[22].where == f"{PUBLISHED}, row 22"


def test_a_key_that_stands_twice_is_found_in_its_row() -> None:
    content = b'[{"a": 1, "b": {"c": 1}}, {"b": [{"c": 1, "c": 2, "d": 3}]}, {"a": 1, "\\u0061": 2}]'
    assert [found.repeated for found in parse_rows("x", content, Limits())] == [None, "c", "a"]


def test_numbers_of_any_length_are_read_in_no_time() -> None:
    assert rows(b"[" + b"1" * 100_000 + b".5e-99999]") != []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not valid JSON"),
        (b"[{]", "not valid JSON"),
        (b"[NaN]", "not valid JSON"),
        (b'[{"a": Infinity}]', "not valid JSON"),
        (b"[1e999]", "not valid JSON"),
        (b'["\\ud800"]', "not valid JSON"),
        (b'["\xff"]', "not valid JSON"),
        (b"[1,]", "not valid JSON"),
        (b"[1] [2]", "not valid JSON"),
        (b'["\x00"]', "not valid JSON"),
        (b"\xef\xbb\xbf[]", "byte order mark"),
        ("[]".encode("utf-16"), "UTF-16"),
        ("[]".encode("utf-16-be"), "not valid JSON"),
        (b'"rows"', 'holds "rows"'),
        (b"null", "holds null"),
        (b"[" * 100_000 + b"]" * 100_000, "not valid JSON"),
        (b"[" + b"[" * 40 + b"]" * 40 + b"]", "row 0 is nested deeper than 32 levels"),
    ],
)
def test_what_is_not_rows_is_refused(content: bytes, words: str) -> None:
    assert words in refusal(content)


def test_more_rows_than_allowed_are_counted_and_refused() -> None:
    assert "holds 100,000 rows; at most 50,000" in refusal(json.dumps([{}] * 100_000).encode())


def test_more_values_than_allowed_are_refused_before_parsing() -> None:
    assert "more than 1,000 values" in refusal(b"[" + b"0," * 2000 + b"0]", values=1000)


def test_the_limits_grow_with_the_published_board() -> None:
    limits = Limits(rows=10).beside(5)
    assert limits.rows == 15
    assert limits.file_bytes > Limits().file_bytes


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: a terabyte that takes no space
    with pytest.raises(DataError, match="larger than"):
        read_rows(path)


@pytest.mark.parametrize("target", ["missing.json", "/dev/zero", "."])
def test_a_symbolic_link_is_not_followed(tmp_path: Path, target: str) -> None:
    (tmp_path / "rows.json").symlink_to(target)
    with pytest.raises(DataError, match="symbolic link"):
        read_rows(tmp_path / "rows.json")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not a regular file|directory"):
        read_rows(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.json")
    with pytest.raises(DataError, match="not a regular file"):
        read_rows(tmp_path / "rows.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*rows\.json: No such file"):
        read_rows(tmp_path / "rows.json")


@pytest.mark.parametrize("seed", range(20))
def test_damaged_bytes_are_read_or_refused(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - damage, not a secret
    content = bytearray(PUBLISHED.read_bytes())
    for _ in range(5):
        content[rng.randrange(len(content))] = rng.randrange(256)
    with suppress(DataError):
        assert len(rows(bytes(content))) <= 23
