"""What an answer without usage is worth, by a tokenizer that counts its words."""

from __future__ import annotations

import pytest

from sagellm_benchmark.client.sample import Failure
from sagellm_benchmark.engines.counting import AnswerTokens, Counting
from sagellm_benchmark.runs.counting import Completed
from tests.fakes.samples import sample

ASKED = 64


def completed(
    words: int, *, events: int = ASKED, finish_reason: str = "length"
) -> tuple[Failure | None, int | None]:
    """The failure and the tokens of an answer of so many words, where 64 tokens were asked for."""
    one = sample(
        tokens=events,
        asked_output_tokens=ASKED,
        completion_tokens=None,
        text="word " * words,
        finish_reason=finish_reason,
    )
    whole, tokens = Completed(
        Counting(None, AnswerTokens("words", text_tokens=lambda text: len(text.split()))), exact_output=True
    )(one, "", {})
    return whole.failure, tokens


@pytest.mark.parametrize("words", [64, 63, 43])
def test_an_answer_whose_text_can_be_written_with_fewer_tokens_is_whole(words: int) -> None:
    assert completed(words) == (None, words)


def test_an_answer_that_has_not_even_half_of_its_tokens_is_short() -> None:
    assert completed(31) == (Failure.SHORT, None)


def test_an_answer_of_fewer_events_than_tokens_asked_for_is_short() -> None:
    assert completed(63, events=63) == (Failure.SHORT, None)


def test_an_answer_that_stopped_before_its_length_is_short() -> None:
    assert completed(63, finish_reason="stop") == (Failure.SHORT, None)
