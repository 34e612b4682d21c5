"""Answers whose text has not the tokens that were charged for them."""

from __future__ import annotations

import pytest

from sagellm_benchmark.verdict import recounts
from sagellm_benchmark.verdict.evidence import NotChecked
from sagellm_benchmark.verdict.recounts import Recount, Thin
from sagellm_benchmark.verdict.streams import text_holds_the_tokens
from tests.fakes.samples import closed_loop
from tests.servers.engine import Engine, even
from tests.servers.measured import Setting, run
from tests.servers.protocol import Asked
from tests.servers.stream import Streaming
from tests.verdict.test_checks import evidence

WHOLE, HALF = Recount(64, 62, 0.01), Recount(64, 32, 0.005)


def said(thin: Thin | None) -> list[str | NotChecked]:
    """What the check says of answers that have most of their tokens."""
    return list(text_holds_the_tokens(evidence(closed_loop(40), thin=thin, recounted_ratio=0.8)))


def test_nothing_is_thin_where_every_text_has_nearly_all_tokens() -> None:
    assert recounts.thin([WHOLE, Recount(64, 50, 0.01), Recount(64, 90, 0.01)]) is None


def test_nothing_is_thin_where_all_are_alike() -> None:
    assert recounts.thin([HALF] * 9) is None


def test_thin_answers_are_told_with_their_pace() -> None:
    assert recounts.thin([HALF] * 2 + [WHOLE] * 3) == Thin(count=2, of=5, per_token=0.5, pace=0.5)


def test_a_pace_that_nobody_measured_is_unknown() -> None:
    assert recounts.thin([Recount(1, 0, None), WHOLE]) == Thin(count=1, of=2, per_token=0.0, pace=None)


def test_quick_answers_without_their_text_speak_against_the_run() -> None:
    assert said(Thin(count=12, of=30, per_token=0.5, pace=0.5)) == [
        "the text of 12 of 30 answers has 0.50 tokens for each that the server charged, by its own tokenizer, and a "
        "token of theirs took 0.50 times as long as one of the other answers; its usage is wrong in them: look at "
        "the answers in requests.jsonl"
    ]


@pytest.mark.parametrize(
    "thin",
    [
        Thin(count=12, of=30, per_token=0.5, pace=1.0),
        Thin(count=12, of=30, per_token=0.5, pace=None),
        Thin(count=1, of=5, per_token=0.5, pace=0.5),
        Thin(count=2, of=30, per_token=0.5, pace=0.5),
    ],
)
def test_tokens_without_text_that_took_their_time_or_are_few_are_said(thin: Thin) -> None:
    (found,) = said(thin)
    assert isinstance(found, NotChecked)
    assert found.why.startswith(
        f"output tokens: the text of {thin.count} of {thin.of} answers has 0.50 tokens"
    )


def test_the_ratio_is_that_of_all_tokens() -> None:
    assert recounts.ratio([Recount(10, 5, None), Recount(30, 30, None)]) == pytest.approx(0.875)
    assert recounts.ratio([]) is None


def _silent_end(asked: Asked, position: int) -> str:
    """A word a token; the second half of every fourth answer has none."""
    return (
        ""
        if asked.number % 4 == 0 and position >= asked.tokens // 2
        else f"w{(asked.number + position) % 97} "
    )


def test_a_server_some_of_whose_answers_end_in_tokens_without_text_is_not_accused() -> None:
    verdict = run(Streaming(Engine(even(), words=_silent_end)), Setting(output_tokens=64)).verdict
    assert verdict.valid
    said = " ".join(verdict.not_checked)
    assert "tokens without text may end them" in said
    assert "E2E and TPOT: 25% of the answers went on for 320 ms after their last text" in said
