"""Recorded traces in the formats that they are published in."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.workload.datasets import WARMUP_INDEX, check
from sagellm_benchmark.workload.recipe import written
from sagellm_benchmark.workload.sources import open_source
from sagellm_benchmark.workload.traces import WHOLE, Cut, TraceSource
from sagellm_benchmark.workload.workloads import WORKLOADS

Write = Callable[..., str]

BURSTGPT = (
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type",
    "5,ChatGPT,472,18,490,Conversation log",
    "45,ChatGPT,1087,0,1087,Conversation log",
    "118,GPT-4,417,276,693,Conversation log",
)
BURSTGPT_3 = (
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type",
    '19440110.0,1722ac82-0a46,43,GPT-4,906,446,1352,"Conversation, log"',
    "19440161.5,d5983bf9-4b48,2,ChatGPT,36,29,65,Conversation log",
)
AZURE_2023 = (
    "TIMESTAMP,ContextTokens,GeneratedTokens",
    "2023-11-16 18:15:46.6805900,374,44",
    "2023-11-16 18:15:50.9951690,396,109",
)
AZURE_2024 = (
    "TIMESTAMP,ContextTokens,GeneratedTokens",
    "2024-05-10 00:00:00.009930+00:00,2162,5",
    "2024-05-10 00:00:01.009930+00:00,2399,6",
)


class Words:
    """Every word is a token."""

    cheap = True

    def count(self, text: str) -> int:
        return len(text.split())


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(kind: str, *lines: Any) -> str:
        path = tmp_path / f"data.{kind}"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return f"{kind}:{path}"

    return write_file


def opened(dataset: str, cut: Cut = WHOLE) -> TraceSource:
    source = open_source(dataset, WORKLOADS["Q1"], 1, Words(), cut=cut)
    assert isinstance(source, TraceSource)
    return source


def lengths(source: TraceSource) -> list[tuple[int, int]]:
    turns = [source.conversation(index)[0] for index in range(source.count)]
    return [(turn.input_tokens, turn.output_tokens) for turn in turns]


def test_a_trace_gives_lengths_and_moments(write: Write) -> None:
    dataset = write(
        "trace",
        {"timestamp": 10, "input_length": 5, "output_length": 3},
        {"timestamp": 10.5, "input_length": 300, "output_length": 1},
        {"timestamp": 12, "input_length": 1, "output_length": 9},
    )
    source = opened(dataset)
    assert source.due_s == (0.0, 0.5, 2.0)
    assert (source.name, source.count, source.uniform) == ("trace:data.trace", 3, False)
    assert lengths(source) == [(5, 3), (300, 1), (1, 9)]
    assert [Words().count(source.conversation(index)[0].text) for index in range(3)] == [5, 300, 1]
    assert source.conversation(3)[0].text != source.conversation(0)[0].text
    assert written(source) is not None


def test_a_trace_may_be_in_milliseconds(write: Write) -> None:
    lines = [{"timestamp_ms": ms, "input_length": 5, "output_length": 3} for ms in (0, 250, 250)]
    assert opened(write("trace", *lines)).due_s == (0.0, 0.25, 0.25)


def test_milliseconds_taken_for_seconds_are_noticed(write: Write) -> None:
    lines = [{"timestamp": ms, "input_length": 5, "output_length": 3} for ms in (0, 3_600_000)]
    with pytest.raises(DataError, match="more than a week") as caught:
        opened(write("trace", *lines))
    assert "timestamp_ms" in str(caught.value.hint)


def mooncake(ms: float, tokens: int, *blocks: int) -> dict[str, Any]:
    return {"timestamp": ms, "input_length": tokens, "output_length": 50, "hash_ids": blocks}


def test_mooncakes_moments_are_milliseconds(write: Write) -> None:
    source = opened(write("mooncake", mooncake(27_000, 10, 1), mooncake(27_900, 20, 2)))
    assert source.due_s == pytest.approx((0.0, 0.9))
    assert lengths(source) == [(10, 50), (20, 50)]


def test_prompts_with_equal_hash_ids_share_those_blocks_and_no_more(write: Write) -> None:
    source = opened(
        write("mooncake", mooncake(0, 1300, 0, 1, 2), mooncake(1, 1200, 0, 1, 3), mooncake(2, 600, 4, 5))
    )
    one, two, other = (source.conversation(index)[0].text.split() for index in range(3))
    assert [len(words) for words in (one, two, other)] == [1300, 1200, 600]
    assert one[:1024] == two[:1024]
    assert one[1024:1200] != two[1024:1200]
    assert other[0] != one[0]
    assert source.shares_beginnings
    assert written(source) is None


def test_warm_up_and_repeats_share_no_block_with_a_run(write: Write) -> None:
    source = opened(write("mooncake", mooncake(0, 600, 0, 1), mooncake(1, 600, 2, 3)))
    first, repeated = source.conversation(0)[0].text, source.conversation(2)[0].text
    warm_up = source.conversation(WARMUP_INDEX)[0].text
    assert len({text[:200] for text in (first, repeated, warm_up)}) == 3


def test_every_process_of_the_client_makes_the_same_prompts(write: Write) -> None:
    source = opened(write("mooncake", mooncake(0, 600, 0, 1)))
    elsewhere = pickle.loads(pickle.dumps(source))  # noqa: S301 - our own
    assert elsewhere.conversation(0) == source.conversation(0)


def test_burstgpt_is_read_as_published_and_its_failures_are_counted(write: Write) -> None:
    source = opened(write("burstgpt", *BURSTGPT))
    assert source.due_s == (0.0, 113.0)
    assert lengths(source) == [(472, 18), (417, 276)]
    assert (source.left_out, source.shares_beginnings) == (1, False)


def test_burstgpt_with_sessions_is_read_too(write: Write) -> None:
    assert opened(write("burstgpt", *BURSTGPT_3)).due_s == (0.0, 51.5)


@pytest.mark.parametrize(("lines", "second_s"), [(AZURE_2023, 4.314579), (AZURE_2024, 1.0)])
def test_azures_traces_are_read_as_published(write: Write, lines: tuple[str, ...], second_s: float) -> None:
    assert opened(write("azure", *lines)).due_s == pytest.approx((0.0, second_s), abs=1e-6)


def test_a_time_scale_of_a_half_sends_a_trace_twice_as_fast(write: Write) -> None:
    assert opened(write("burstgpt", *BURSTGPT), Cut(time_scale=0.5)).due_s == (0.0, 56.5)


def test_a_part_of_a_trace_is_its_beginning(write: Write) -> None:
    dataset = write("burstgpt", *BURSTGPT)
    assert opened(dataset, Cut(requests=1)).count == 1
    assert opened(dataset, Cut(duration_s=113.0)).count == 1
    assert opened(dataset, Cut(duration_s=60.0, time_scale=0.5)).count == 2


def test_what_is_behind_the_part_that_is_sent_is_not_read(write: Write) -> None:
    check(write("burstgpt", *BURSTGPT, "nonsense"), WORKLOADS["Q1"], Cut(requests=2))


GOOD = {"timestamp": 1, "input_length": 5, "output_length": 3}


@pytest.mark.parametrize(
    ("kind", "lines", "complaint"),
    [
        ("trace", [GOOD, GOOD | {"timestamp": 0}], "line 2: its time is before"),
        ("trace", [GOOD | {"timestamp": "now"}], 'line 1: "timestamp"'),
        ("trace", [GOOD | {"timestamp": True}], 'line 1: "timestamp"'),
        ("trace", ['{"timestamp": 1e999, "input_length": 1, "output_length": 1}'], "line 1: "),
        ("trace", [GOOD | {"input_length": -1}], 'line 1: "input_length"'),
        ("trace", [GOOD | {"output_length": 10**9}], 'line 1: "output_length"'),
        ("trace", [{"timestamp": 1, "output_length": 1}], 'line 1: "input_length"'),
        ("trace", [GOOD | {"hash_ids": [1]}], "name the file as mooncake:FILE"),
        ("trace", [""], "holds no requests"),
        ("mooncake", [GOOD | {"hash_ids": ["a"]}], 'line 1: "hash_ids"'),
        ("mooncake", [GOOD | {"hash_ids": [-1]}], 'line 1: "hash_ids"'),
        ("mooncake", [GOOD | {"hash_ids": [1, 2]}], "line 1: 2 hash_ids for 5 tokens"),
        ("mooncake", [GOOD | {"timestamp": None}], 'line 1: "timestamp"'),
        ("burstgpt", ["a,b", "1,2"], "line 1: it names no column 'Timestamp'"),
        ("burstgpt", [BURSTGPT[0], "5,ChatGPT"], "line 2: 2 cells"),
        ("burstgpt", [BURSTGPT[0], "soon,ChatGPT,1,1,2,log"], "line 2: 'soon'"),
        ("burstgpt", [BURSTGPT[0], "5,ChatGPT,x,1,2,log"], "line 2: "),
        ("burstgpt", [BURSTGPT[0], f"5,{'x' * 200_000},1,1,2,log"], "line 2: not CSV"),
        ("azure", [AZURE_2023[0], "yesterday,1,1"], "line 2: 'yesterday'"),
        ("azure", [AZURE_2023[0], "2023-11-16 18:15:46,1,-1"], "line 2: "),
    ],
)
def test_a_damaged_trace_is_named_with_the_place(
    write: Write, kind: str, lines: list[Any], complaint: str
) -> None:
    with pytest.raises(DataError) as caught:
        opened(write(kind, *lines))
    assert complaint in caught.value.message
