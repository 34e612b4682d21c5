from __future__ import annotations

import pytest

from sagellm_benchmark.verdict import texts
from sagellm_benchmark.verdict.texts import Reader, Texts


def test_answers_are_counted_without_being_kept() -> None:
    reader = Reader()
    for text in ("one two", "one two", "drei ü  \n"):
        reader.note(text)
    assert reader.texts == Texts(bytes=24, blank_ends=3, monotonous=0, distinct=2)


@pytest.mark.parametrize(
    ("text", "monotonous"),
    [("no " * 16, True), ("yes no " * 8, True), ("no " * 15, False), ("a b c " * 8, False)],
)
def test_a_word_or_two_over_and_over_say_nothing(text: str, monotonous: bool) -> None:
    assert texts.is_monotonous(text) is monotonous


@pytest.mark.parametrize(
    ("text", "echo"),
    [
        ("the quick brown fox jumps", True),
        (" the quick brown fox jumps over the lazy dog and so on and on, for ever and ever, amen", False),
        ("quick brown fox jumps", True),
        ("the quick", False),
    ],
)
def test_an_answer_that_begins_with_a_piece_of_its_prompt_is_an_echo(text: str, echo: bool) -> None:
    assert texts.echoes(text, "Say: the quick brown fox jumps over the lazy dog.") is echo


def test_of_several_repeats_the_most_different_answers_count() -> None:
    assert texts.join([Texts(10, 1, 2, 3), Texts(20, 2, 0, 1)]) == Texts(30, 3, 2, 3)
