"""When an answer of fewer tokens than asked for is a failure."""

from __future__ import annotations

import pytest

from sagellm_benchmark.client.sample import Failure, short_of


@pytest.mark.parametrize(
    ("tokens", "finish_reason", "told", "failure"),
    [
        (64, "length", True, None),
        (64, None, True, None),
        (65, None, False, None),
        (1, None, False, Failure.CUT_OFF),
        (1, None, True, Failure.CUT_OFF),
        (45, "stop", True, Failure.SHORT),
        (45, "length", False, Failure.SHORT),
        (45, "stop", False, None),
    ],
)
def test_a_short_answer_is_a_failure_unless_it_was_free_to_end(
    tokens: int, finish_reason: str | None, told: bool, failure: Failure | None
) -> None:
    found = short_of(tokens, 64, finish_reason, exact_output=told)
    assert (found and found[0]) == failure
