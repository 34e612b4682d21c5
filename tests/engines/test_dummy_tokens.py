from __future__ import annotations

import re

import pytest

from sagellm_benchmark.engines.common_words import COMMON_WORDS
from sagellm_benchmark.engines.dummy_tokens import silent_count, vocabulary_of

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize("size", [1, 100, 259, 260, 2_000, 152_064])
def test_a_vocabulary_has_exactly_the_asked_size_and_no_token_twice(size: int) -> None:
    tokens = vocabulary_of(size)
    assert len(tokens) == size
    assert len(set(tokens)) == size


def test_every_token_that_can_be_said_is_a_space_and_visible_letters() -> None:
    size = 152_064
    said = vocabulary_of(size)[silent_count(size) :]
    assert all(re.fullmatch("Ġ[a-z]+", token) for token in said)


def test_every_byte_can_be_written_in_a_prompt() -> None:
    assert len(set(vocabulary_of(259)[3:])) == 256


def test_everyday_words_are_single_tokens() -> None:
    tokens = set(vocabulary_of(30_000))
    assert all(f"Ġ{word}" in tokens for word in COMMON_WORDS)
    assert {"Ġthe", "Ġof", "Ġa"} <= tokens
