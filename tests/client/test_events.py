"""What the bytes of an answer mean, however they are cut into reads."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.client.events import MOST_EVENTS, Answer, decode, explain_status
from sagellm_benchmark.client.sample import Failure
from sagellm_benchmark.client.sse import blocks, first


def answer(*reads: bytes, complete: bool = True) -> Answer:
    """Decode reads that arrived at 1, 2, 3, … seconds."""
    ends = list(accumulate(len(read) for read in reads))
    stamps = [float(number) for number in range(1, len(reads) + 1)]
    return decode(b"".join(reads), ends, stamps, complete=complete)


def sse(payload: Any, newline: str = "\n") -> bytes:
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return f"data: {text}{newline}{newline}".encode()


def chat(content: str | None = None, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    said = {} if content is None else {"content": content}
    return {"choices": [{"index": 0, "delta": said | delta, "finish_reason": finish}]}


def text(content: str, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": content, "finish_reason": finish}]}


DONE = sse("[DONE]")


def test_an_event_arrives_with_the_read_that_completes_it() -> None:
    first, second = sse(chat("Hel")), sse(chat("lo"))
    seen = answer(first[:9], first[9:], second + DONE)
    assert seen.event_s == (2.0, 3.0)
    assert seen.text == "Hello"
    assert seen.failure is None


def test_an_event_whose_blank_line_comes_late_arrives_with_the_blank_line() -> None:
    event = sse(chat("a"))
    assert answer(event[:-1], event[-1:], DONE).event_s == (2.0,)


def test_more_events_than_any_context_has_tokens_are_no_answer() -> None:
    found = answer(sse(chat("a")) * (MOST_EVENTS + 1))
    assert (found.failure, found.detail) == (Failure.MALFORMED, "more than 200,000 events in one answer")


def test_several_events_in_one_read_share_its_time() -> None:
    assert answer(sse(chat("a")) + sse(chat("b")), DONE).event_s == (1.0, 1.0)


def test_an_empty_role_delta_is_no_content() -> None:
    opening = sse(chat("", role="assistant"))
    nothing = sse({"choices": [{"delta": {"role": "assistant", "content": None}}]})
    assert answer(opening, nothing, sse(chat("a")), DONE).event_s == (3.0,)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "refusal"])
def test_reasoning_is_content_but_is_not_said(name: str) -> None:
    seen = answer(sse(chat(None, **{name: "hm"})), sse(chat("yes")), DONE)
    assert seen.event_s == (1.0, 2.0)
    assert (seen.text, seen.said) == ("hmyes", "yes")


def test_the_call_of_a_tool_is_content() -> None:
    call = {"index": 0, "function": {"name": "look", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": "{}"}}
    seen = answer(sse(chat(tool_calls=[call])), sse(chat(None, tool_calls=[more])), DONE)
    assert seen.event_s == (1.0, 2.0)
    assert seen.text == "look{}"


def test_a_character_cut_in_two_is_one_character() -> None:
    event = sse(chat("字"))
    cut = event.index("字".encode()) + 1
    seen = answer(event[:cut], event[cut:], DONE)
    assert seen.text == "字"
    assert seen.event_s == (2.0,)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_ending_of_the_standard_is_understood(newline: str) -> None:
    events = (sse(chat("a"), newline), sse(chat("b"), newline), sse("[DONE]", newline))
    seen = answer(*events)
    assert seen.event_s == (1.0, 2.0)
    assert seen.text == "ab"
    assert seen.failure is None


def test_comments_and_other_fields_are_passed_over() -> None:
    event = b": hello\n\nevent: message\nid: 7\nretry: 10\n" + sse(text("a"))
    assert answer(event, DONE).event_s == (1.0,)


def test_an_event_may_have_several_lines_of_data() -> None:
    assert answer(b'data: {"choices": [{\ndata: "text": "a"}]}\n\n', DONE).text == "a"


def test_a_byte_order_mark_and_missing_spaces_are_no_trouble() -> None:
    assert answer(b"\xef\xbb\xbf" + sse(text("a")).replace(b"data: ", b"data:"), DONE).text == "a"


def test_usage_is_the_last_one_sent() -> None:
    early = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 1}}
    late = {
        "choices": [],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 2,
            "prompt_tokens_details": {"cached_tokens": 4},
        },
    }
    seen = answer(sse(chat("a")), sse(early), sse(chat("b", "length")), sse(late), DONE)
    assert (seen.prompt_tokens, seen.completion_tokens, seen.cached_tokens) == (9, 2, 4)
    assert seen.finish_reason == "length"
    assert seen.event_s == (1.0, 3.0)


def test_cached_tokens_are_also_read_from_llama_cpps_timings() -> None:
    assert answer(sse(text("a", "stop") | {"timings": {"cache_n": 12}}), DONE).cached_tokens == 12


def test_counts_that_are_none_are_not_measured() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": "7"}}
    seen = answer(sse(chat("a")), sse(usage), DONE)
    assert (seen.prompt_tokens, seen.completion_tokens) == (None, None)


def test_a_finish_reason_ends_an_answer_as_well_as_done_does() -> None:
    assert answer(sse(chat("a", "stop"))).failure is None
    assert answer(sse(chat("a")), DONE).failure is None


def test_done_without_its_blank_line_counts_when_the_body_is_complete() -> None:
    assert answer(sse(chat("a")), b"data: [DONE]").failure is None


def test_what_follows_done_is_not_read() -> None:
    assert answer(sse(chat("a")), DONE, sse(chat("b"))).text == "a"


@pytest.mark.parametrize("complete", [True, False])
def test_an_answer_without_an_end_is_cut_off(complete: bool) -> None:
    seen = answer(sse(chat("a")), sse(chat("b")), complete=complete)
    assert seen.failure is Failure.CUT_OFF
    assert seen.text == "ab"


def test_an_event_that_the_connection_cut_is_not_read() -> None:
    assert answer(sse(chat("a")), b'data: {"choices": [{"te', complete=False).failure is Failure.CUT_OFF


def test_keep_alive_comments_alone_are_a_cut_off_answer() -> None:
    assert answer(b": ping\n\n", b": ping\n\n").failure is Failure.CUT_OFF


def test_an_answer_without_content_is_empty() -> None:
    assert answer(sse(chat("", "stop")), DONE).failure is Failure.EMPTY
    assert answer(b"").failure is Failure.EMPTY


@pytest.mark.parametrize(
    "event",
    [
        {"error": {"message": "out of memory", "code": 500}},
        {"error": "out of memory"},
        {"object": "error", "message": "out of memory"},
    ],
)
def test_an_error_event_is_the_servers_failure(event: dict[str, Any]) -> None:
    seen = answer(sse(chat("a")), sse(event), DONE)
    assert seen.failure is Failure.SERVER
    assert seen.detail == "out of memory"
    assert seen.text == "a"


def test_llama_cpps_own_error_field_is_the_servers_failure() -> None:
    seen = answer(sse(chat("a")), b'error: {"code": 500, "message": "slot lost"}\n\n')
    assert seen.failure is Failure.SERVER
    assert seen.detail == "slot lost"


def test_an_error_without_a_message_is_still_a_failure() -> None:
    assert answer(sse({"error": None})).failure is Failure.SERVER


@pytest.mark.parametrize(
    "event",
    [
        "{not json",
        "[1]",
        '{"choices": 3}',
        '{"choices": [3]}',
        '{"choices": [{"delta": "x"}]}',
        '{"usage": 3}',
        '{"usage": {"prompt_tokens_details": 3}}',
        "[" * 5000,
    ],
)
def test_what_no_server_sends_is_malformed(event: str) -> None:
    seen = answer(sse(chat("a")), sse(event), DONE)
    assert seen.failure is Failure.MALFORMED
    assert seen.text == "a"
    assert seen.detail


def test_a_page_that_is_no_answer_is_malformed() -> None:
    seen = answer(b"<html>\n\n<body>It works!</body></html>")
    assert seen.failure is Failure.MALFORMED
    assert "It works!" in (seen.detail or "")


def test_an_answer_that_was_not_streamed_arrives_with_its_last_byte() -> None:
    whole = {
        "choices": [{"message": {"role": "assistant", "content": "abc"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5},
    }
    body = json.dumps(whole).encode()
    seen = answer(body[:10], body[10:])
    assert seen.event_s == (2.0,)
    assert (seen.text, seen.completion_tokens, seen.finish_reason) == ("abc", 5, "length")
    assert answer(body[:10], complete=False).failure is Failure.CUT_OFF


def test_an_error_that_came_with_status_200_is_the_servers_failure() -> None:
    assert answer(b'{"error": {"message": "no"}}').failure is Failure.SERVER


def test_a_status_is_explained_in_the_servers_words() -> None:
    assert explain_status(429, b'{"error": {"message": "slow\\u0007 down"}}') == "HTTP 429: slow down"
    assert explain_status(404, b'{"detail": "Not Found"}') == "HTTP 404: Not Found"
    assert explain_status(502, b"<html><h1>Bad\nGateway</h1></html>") == "HTTP 502: Bad Gateway"
    assert explain_status(500, b"") == "HTTP 500"
    assert explain_status(500, b"[]") == "HTTP 500: []"


PIECES = st.sampled_from(
    [
        sse(chat("Grüße, 世界 ")),
        sse(chat("a"), "\r\n"),
        sse(text("b"), "\r"),
        sse(chat("", role="assistant")),
        sse(chat(None, reasoning_content="hm")),
        sse(chat("z", "length")),
        sse({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
        sse({"error": {"message": "no"}}),
        DONE,
        b": comment\n\n",
        b"data: {\n\n",
        b"\n",
        b"\r",
        b"\r\n",
        b"data: 1\ndata: 2\n\n",
        b"\xff\xfe",
        b"data",
        b'{"choices"',
    ]
)
STREAMS = st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=12).map(b"".join)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({place % (len(body) + 1) for place in places} | {0, len(body)})
    return [body[start:end] for start, end in pairwise(edges)]


@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=20), st.booleans())
def test_any_split_of_any_bytes_gives_the_same_events(body: bytes, places: list[int], complete: bool) -> None:
    whole = answer(body, complete=complete)
    reads = cut(body, places)
    seen = answer(*reads, complete=complete)
    assert len(seen.event_s) == len(whole.event_s)
    assert (seen.text, seen.said, seen.failure, seen.detail) == (
        whole.text,
        whole.said,
        whole.failure,
        whole.detail,
    )
    assert (seen.prompt_tokens, seen.completion_tokens, seen.finish_reason) == (
        whole.prompt_tokens,
        whole.completion_tokens,
        whole.finish_reason,
    )


@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=20))
def test_times_never_run_backwards_and_are_those_of_reads(body: bytes, places: list[int]) -> None:
    reads = cut(body, places)
    seen = answer(*reads)
    assert list(seen.event_s) == sorted(seen.event_s)
    assert set(seen.event_s) <= {float(number) for number in range(1, len(reads) + 1)}


@given(STREAMS, st.integers(0, 10_000))
def test_an_event_is_known_as_soon_as_its_bytes_are(body: bytes, place: int) -> None:
    """What is read of a beginning is a beginning of what is read of the whole."""
    begun = body[: place % (len(body) + 1)]
    if begun.endswith(b"\r"):
        return  # a lone CR may yet become a CRLF, which ends one byte later
    known = list(blocks(begun, first(begun), complete=False))
    assert list(blocks(body, first(body), complete=False))[: len(known)] == known


EVENTS = st.one_of(
    st.tuples(st.just("content"), st.text(st.characters(codec="utf-8"), min_size=1)),
    st.tuples(st.just("reasoning"), st.text(st.characters(codec="utf-8"), min_size=1)),
    st.tuples(st.just("content"), st.just("")),
    st.tuples(st.just("role"), st.just("assistant")),
)


@given(
    st.lists(EVENTS, min_size=1), st.booleans(), st.sampled_from([{}, {"usage": None}, {"logprobs": None}])
)
def test_events_that_differ_in_their_text_alone_say_what_they_say(
    events: list[tuple[str, str]], plain: bool, more: dict[str, Any]
) -> None:
    body = b"".join(
        f"data: {json.dumps({**chat(**{name: text}), **more}, ensure_ascii=plain)}\n\n".encode()
        for name, text in events
    )
    found = answer(body + sse(chat(finish="stop")) + DONE)
    told = [(name, text) for name, text in events if text and name != "role"]
    assert found.text == "".join(text for _, text in told)
    assert found.said == "".join(text for name, text in told if name == "content")
    assert len(found.event_s) == len(told)


def test_a_quote_in_an_event_like_the_others_ends_its_text() -> None:
    """The second has the first one's beginning and end, and another meaning."""
    first, second = sse(chat("one")), sse(chat("two"))
    injected = second.replace(b'"two"', b'"two", "content": "three"')
    assert answer(first + injected + DONE, complete=True).text == "onethree"


def test_usage_in_every_event_counts_to_the_last() -> None:
    counts = [{**chat("a"), "usage": {"completion_tokens": number}} for number in (1, 2, 3)]
    assert answer(*map(sse, counts), DONE).completion_tokens == 3
    emptied = [{**chat("a"), "usage": {"completion_tokens": 5}}, {**chat("b"), "usage": {}}]
    assert answer(*map(sse, [*emptied, emptied[1]]), DONE).completion_tokens is None
