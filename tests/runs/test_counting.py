"""What an answer without usage is worth, by a tokenizer that counts its words; and what one with usage is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.client.sample import Failure
from sagellm_benchmark.engines.counting import USAGE, AnswerTokens, Counting
from sagellm_benchmark.errors import RemoteError
from sagellm_benchmark.runs.counting import RECOUNTED, Completer, Draw
from sagellm_benchmark.verdict.recounts import Recount
from tests.fakes.samples import sample

ASKED = 64
ALL = [sample(index=i) for i in range(200)]


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
    whole, tokens = Completer(
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


class Gone:
    """The tokenizer of a server that stops answering after so many counts."""

    cheap = True

    def __init__(self, answers: int) -> None:
        self.left = answers

    def count(self, text: str) -> int:
        if not self.left:
            raise RemoteError("gone")
        self.left -= 1
        return 1 + len(text.split())  # the begin-of-text token


def recounted(counter: Gone | None, answers: int) -> list[Recount]:
    """What is found in answers of eight words that were charged 16 tokens, one a millisecond."""
    run = Completer(Counting(counter, USAGE), exact_output=True)
    for i in range(answers):
        one = sample(tokens=8, itl=0.002, text="word " * 8, completion_tokens=16, index=i)
        run(replace(one, end_s=one.event_s[0] + 0.015), "", {})
    return run.recounts()


def test_charges_are_held_against_the_tokens_of_the_texts() -> None:
    (one,) = recounted(Gone(2), 1)
    assert (one.charged, one.in_text) == (16, 8)
    assert one.step_s == pytest.approx(0.001)


def test_some_answers_of_many_are_counted_again() -> None:
    assert len(recounted(Gone(99), 200)) == RECOUNTED


def test_what_was_counted_before_a_server_went_is_kept() -> None:
    assert len(recounted(Gone(4), 200)) == 3


@pytest.mark.parametrize("counter", [None, Gone(0)])
def test_nothing_is_recounted_without_a_tokenizer(counter: Gone | None) -> None:
    assert recounted(counter, 10) == []


@given(offered=st.integers(0, 60))
def test_a_draw_takes_as_many_as_it_may_and_none_twice(offered: int) -> None:
    draw = Draw(10)
    for i in range(offered):
        draw.offer(sample(index=i))
    drawn = [one.index for one in draw.samples]
    assert len(drawn) == len(set(drawn)) == min(offered, 10)
    assert set(drawn) <= set(range(offered))


def test_a_draw_takes_late_ones_as_often_as_early_ones() -> None:
    """Of 200 offered ones 10 are drawn, 300 times: 750 from the last 50, give or take five standard deviations."""
    late = 0
    for _ in range(300):
        draw = Draw(10)
        for one in ALL:
            draw.offer(one)
        late += sum(one.index >= 150 for one in draw.samples)
    assert 750 - 120 < late < 750 + 120
