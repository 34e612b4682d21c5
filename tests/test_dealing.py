"""Tests that wait run beside tests that compute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dealing import Kind, dealt

KINDS: dict[str, Kind] = {"w": "waits", "c": "computes", "q": "quick"}


def order(tests: str, workers: int) -> str:
    """The order of tests that are named by what they do."""
    return "".join(dealt(tests, workers, KINDS.__getitem__))


@pytest.mark.parametrize(
    ("workers", "expected"),
    [(2, "ccccqq" + "wwwwqq"), (3, "cccc" + "wwqq" + "wwqq"), (6, 2 * ("cc" + "wq" + "wq"))],
)
def test_two_workers_of_three_wait_while_one_computes(workers: int, expected: str) -> None:
    assert order("qwcqwcwcqwcq", workers) == expected


@given(st.text("wcq"), st.integers(2, 9))
def test_each_test_is_run_once(tests: str, workers: int) -> None:
    assert sorted(order(tests, workers)) == sorted(tests)
