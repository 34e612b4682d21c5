"""A streamed answer is read off the loopback as the kernel stamped its packets."""

from __future__ import annotations

import contextlib
import sys
from urllib.parse import urlsplit

import pytest

from tests.fakes.engines import STAND_INS
from tests.fakes.openai_server import serving
from tests.house import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from engine_habits import CHAT, Plain
from packets import Connection, Seen, Witness, matched, streams_of

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
ONE = b'data: {"choices": [{"delta": {"content": "one "}}]}\n\n'
TWO = b'data: {"choices": [{"delta": {"content": "two"}}]}\n\n'
ROLE = b'data: {"choices": [{"delta": {"role": "assistant"}}]}\n\n'
POST = b"POST /v1/chat/completions HTTP/1.1\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


END = _chunk(b"data: [DONE]\n\n") + _chunk(b"")


def test_an_event_is_stamped_with_the_packet_that_completed_it() -> None:
    split = _chunk(ONE)
    passed = Connection(
        asked=[(1.0, POST)],
        answered=[(1.1, HEAD + _chunk(ROLE)), (1.2, split[:20]), (1.3, split[20:]), (1.4, _chunk(TWO) + END)],
    )
    (seen,) = streams_of(passed)
    assert (seen.text, seen.start_s, seen.text_s) == ("one two", 1.0, (1.3, 1.4))
    assert seen.ttft_s == pytest.approx(0.3)
    assert seen.gaps_s == pytest.approx([0.1])


def test_answers_of_one_connection_are_told_apart_and_those_that_are_no_streams_left_out() -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    passed = Connection(
        asked=[(1.0, POST), (2.0, b"GET /v1/models HTTP/1.1\r\n\r\n"), (3.0, POST)],
        answered=[(1.5, HEAD + _chunk(ONE) + END), (2.5, whole), (3.5, HEAD + _chunk(TWO) + END)],
    )
    assert [(one.start_s, one.text) for one in streams_of(passed)] == [(1.0, "one "), (3.0, "two")]


def test_an_answer_of_which_a_packet_was_lost_is_not_seen() -> None:
    passed = Connection(
        asked=[(1.0, POST), (3.0, POST)],
        answered=[(1.1, HEAD), (1.3, _chunk(ONE)[9:]), (1.4, END), (3.5, HEAD + _chunk(TWO) + END)],
    )
    assert [one.text for one in streams_of(passed)] == ["two"]


def test_a_record_is_paired_with_its_own_answer_among_equal_texts() -> None:
    warm_up, first, second = (Seen(start, (start + 0.1,), "same") for start in (5.0, 9.0, 9.5))
    records = [{"start_s": 0.001, "text": "same"}, {"start_s": 0.502, "text": "same"}]
    assert [seen for _, seen in matched(records, [warm_up, first, second])] == [first, second]


def test_a_record_whose_text_never_passed_has_no_partner() -> None:
    records = [{"start_s": 0.0, "text": "said"}, {"start_s": 1.0, "text": "never said"}]
    assert len(matched(records, [Seen(7.0, (7.1,), "said"), Seen(8.0, (8.1,), "else")])) == 1


@pytest.mark.waits
def test_the_wire_tells_what_a_client_was_told_and_never_later() -> None:
    with serving(STAND_INS["vllm"]) as server, contextlib.closing(Plain(server.base_url)) as plain:
        try:
            witness = Witness()
        except PermissionError:
            pytest.skip("raw packets may not be read here: needs root or CAP_NET_RAW")
        asked = {"model": "m", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}
        with witness:
            answer = plain.answer(CHAT, asked)
        (seen,) = witness.streams(urlsplit(server.base_url).port or 0)
    assert seen.text == answer.text
    assert len(seen.text_s) == len(answer.event_s)
    assert 0 < seen.ttft_s < answer.event_s[0] - answer.start_s + 1e-6
