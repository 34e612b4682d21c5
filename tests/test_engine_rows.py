"""What `nox -s engines` measured is judged by the same answers on the wire, and by a plain client in turns."""

from __future__ import annotations

import sys

import pytest

from tests.house import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from engine_habits import Answer
from engine_rows import Ratio, Row, faults, notes
from packets import Seen
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

WORDS = Tokenizer(WordLevel({"one": 0, "two": 1, "three": 2, "?": 3}, unk_token="?"))
WORDS.pre_tokenizer = WhitespaceSplit()
TOLERANCE = 0.03


def _request(ttft_s: float, **other: object) -> dict[str, object]:
    event_s = [1 + ttft_s, 1.1 + ttft_s, 1.2 + ttft_s]
    answer = {"text": "one two three", "tokens": 3, "finish_reason": "length", "failure": None, "repeat": 0}
    return {"start_s": 1.0, "event_s": event_s, **answer, **other}


def _row(request: dict[str, object], wire_ttft_s: float) -> Row:
    first = 5 + wire_ttft_s
    seen = Seen(5.0, (first, first + 0.1, first + 0.2), "one two three")
    valid = {"valid": True, "token_source": "tokenizer file"}
    return Row("vllm 1", "running", "Q1", valid, [request], [seen])


def _plain(ttft_s: float, text: str = "one two three") -> Answer:
    return Answer(text, 1.0, (1 + ttft_s, 1.1 + ttft_s, 1.2 + ttft_s))


def test_a_row_that_agrees_with_its_packets_has_no_fault() -> None:
    row = _row(_request(0.2), wire_ttft_s=0.199)
    assert list(faults(row, WORDS, TOLERANCE)) == []


def test_a_median_that_the_packets_deny_is_a_fault() -> None:
    row = _row(_request(0.2), wire_ttft_s=0.19)
    assert list(faults(row, WORDS, TOLERANCE)) == ["TTFT p50 is 200.00 ms, that of the packets 190.00 ms"]


def test_an_answer_that_never_passed_is_a_fault() -> None:
    row = _row(_request(0.2), wire_ttft_s=0.2)
    row.seen = []
    assert list(faults(row, WORDS, TOLERANCE)) == ["only 0 of 1 answers were seen on the wire"]


def test_tokens_that_the_tokenizer_does_not_count_are_a_fault() -> None:
    row = _row(_request(0.2, tokens=6), wire_ttft_s=0.2)
    assert list(faults(row, WORDS, TOLERANCE)) == [
        "the tokenizer agrees with the tokens of only 0 of 1 answers"
    ]


def test_what_ended_an_answer_has_no_text() -> None:
    row = _row(_request(0.2, tokens=4, finish_reason="stop"), wire_ttft_s=0.2)
    assert row.recounted(WORDS) == (1, 1)


@pytest.mark.parametrize(
    ("ours", "judged"),
    [
        ([100.0, 101.0, 99.0, 100.0], "agrees"),
        ([110.0, 111.0, 109.0, 110.0], "differs"),
        ([100.0, 120.0, 90.0, 105.0], "undecided"),
    ],
)
def test_a_plain_client_decides_by_the_interval_of_the_turns(ours: list[float], judged: str) -> None:
    row = _row(_request(0.2), wire_ttft_s=0.2)
    row.requests = [_request(one / 1e3, repeat=turn) for turn, one in enumerate(ours)]
    row.seen = None
    row.compare([[_plain(0.1)] for _ in ours])
    against, open_question = list(faults(row, WORDS, TOLERANCE)), list(notes(row, TOLERANCE))
    assert (len(against), len(open_question)) == {
        "agrees": (0, 0),
        "differs": (1, 0),
        "undecided": (0, 1),
    }[judged]


def test_one_turn_decides_nothing() -> None:
    ratio = Ratio.of([200.0], [100.0])
    assert not ratio.differs(TOLERANCE)
    assert not ratio.agrees(TOLERANCE)


def test_the_ratio_of_four_turns_has_students_interval() -> None:
    ratio = Ratio.of([100.0, 110.0, 100.0, 110.0], [100.0] * 4)
    assert str(ratio) == "1.05 (0.96–1.14)"  # exp(0.04766 ± 3.182 · 0.05503 / 2)


def _compared(ours_s: float, wire_s: float, plain_s: float, plain_wire_s: float) -> Row:
    """Four turns of each client, with what passed on the wire."""
    row = _row(_request(ours_s), wire_s)
    row.requests = [_request(ours_s + turn / 1e6, repeat=turn) for turn in range(4)]
    row.compare([[_plain(plain_s + turn / 1e6, "plain")] for turn in range(4)])
    row.seen = [
        Seen(5.0, (5 + ttft_s, 5.1 + ttft_s, 5.2 + ttft_s), text)
        for ttft_s, text in ((wire_s, "one two three"), (plain_wire_s, "plain"))
        for _ in range(4)
    ]
    return row


def test_an_engine_that_answered_the_clients_differently_is_no_fault_where_the_packets_tell_the_same() -> (
    None
):
    row = _compared(0.2, 0.2, 0.1, 0.1)
    assert list(faults(row, WORDS, TOLERANCE)) == []
    assert list(notes(row, TOLERANCE)) == [
        "TTFT p50 is 2.00 (2.00–2.00) times the plain client's, and the packets tell the same"
    ]


def test_clients_that_are_apart_by_the_packets_of_their_own_answers_are_a_fault() -> None:
    row = _compared(0.202, 0.2, 0.097, 0.1)
    assert list(faults(row, WORDS, TOLERANCE)) == [
        "TTFT p50, each by its packets, is 1.041 times the plain client's"
    ]


def test_an_answer_of_the_plain_client_that_never_passed_is_a_fault() -> None:
    row = _compared(0.2, 0.2, 0.2, 0.2)
    row.compare([[_plain(0.2, "elsewhere")]] * 4)
    assert list(faults(row, WORDS, TOLERANCE)) == [
        "only 0 of 4 answers of the plain client were seen on the wire"
    ]
