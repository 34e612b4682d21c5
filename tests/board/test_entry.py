from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.board.entry import Entry, board_file, entries, written_rows
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.files import to_json
from tests.board.boards import ANYTHING, BOARDS, published_rows


@given(BOARDS)
def test_a_board_file_is_what_to_json_writes(rows: list[object]) -> None:
    assert board_file(Entry.of(row) for row in rows) == to_json(rows)


@given(BOARDS)
def test_a_board_file_reads_back_as_the_same_entries(rows: list[object]) -> None:
    written = [Entry.of(row) for row in rows]
    assert entries("board", board_file(written)) == written


@given(BOARDS, st.lists(ANYTHING, max_size=2))
def test_written_rows_are_those_of_the_file_whatever_else_somebody_put_there(
    rows: list[object], others: list[object]
) -> None:
    mixed = [*rows[:1], *others, *rows[1:]]
    assert list(written_rows(board_file(map(Entry.of, mixed)))) == json.loads(to_json(mixed))


@given(BOARDS, st.sampled_from([None, 0, 1, 2, 4, "\t"]))
def test_rows_are_the_same_in_every_layout(rows: list[object], indent: int | str | None) -> None:
    laid_out = json.dumps(rows, indent=indent).encode()
    assert [entry.row for entry in entries("board", laid_out)] == json.loads(laid_out)


@given(st.lists(ANYTHING, max_size=3))
def test_text_that_looks_like_a_border_between_rows_cuts_nothing(values: list[object]) -> None:
    rows = [{"a": [{"x": "\n  },\n  {\n"}, {"y": values}]}, {}]
    nested = json.dumps(rows, indent=1).replace("\n   ", "\n  ").encode()
    assert [entry.row for entry in entries("board", nested)] == rows


def test_the_published_rows_keep_their_bytes() -> None:
    content = to_json(published_rows())
    assert board_file(entries("board", content)) == content


@pytest.mark.parametrize(
    "content", [b"", b"[", b"[\n  {\n  }\n", b"[\n  {\n  x\n  }\n]", b"\xff", b"[NaN]", b"\xef\xbb\xbf[]"]
)
def test_a_damaged_board_is_named(content: bytes) -> None:
    with pytest.raises(DataError, match=r"the board .*valid JSON"):
        entries("the board", content)


@pytest.mark.parametrize("content", [b"{}", b"null", b'"rows"'])
def test_a_board_that_is_no_array_is_named(content: bytes) -> None:
    with pytest.raises(DataError, match=r"the board holds .*, not an array"):
        entries("the board", content)


def test_a_row_too_deep_to_be_written_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be written"):
        entries("the board", b"[" + b"[" * 500 + b"]" * 500 + b"]")


def test_an_entry_tells_what_its_row_states() -> None:
    entry = Entry.of(published_rows()[0])
    assert entry.entry_id == "30d76796-ef21-4b53-8e6f-96d21fdafd9f"
    assert entry.throughput_tps == 47.6563732468502
    assert entry.submitted_at == pytest.approx(1769608474.938182)
    assert not entry.is_verified


def test_an_entry_of_no_row_tells_nothing() -> None:
    entry = Entry.of(None)
    assert (entry.entry_id, entry.throughput_tps, entry.submitted_at, entry.row_or_nothing) == (
        "",
        None,
        None,
        {},
    )


@pytest.mark.parametrize("content", [b"[" + b"[]," * 6_000_000 + b"[]]", b"{" + b"," * 11_000_000])
def test_a_file_of_tiny_values_is_refused_before_it_is_parsed(content: bytes) -> None:
    with pytest.raises(DataError, match="more than 10,000,000 values"):
        entries("board.json", content)


def test_a_row_that_is_as_large_as_a_board_is_refused_before_it_is_parsed() -> None:
    board = board_file([Entry.of({"x": 1}), Entry.of({"x": [0] * 400_000})])
    with pytest.raises(DataError, match="holds a row of"):
        entries("board.json", board)
