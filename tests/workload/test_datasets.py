"""Conversations from files: read as they are, sampled by a seed, and refused by line where they are damaged."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.workload import lines
from sagellm_benchmark.workload.datasets import WARMUP_INDEX
from sagellm_benchmark.workload.lines import elements
from sagellm_benchmark.workload.sources import open_source
from sagellm_benchmark.workload.workloads import Workload

Write = Callable[..., str]


class Words:
    """Every word is a token."""

    cheap = True

    def count(self, text: str) -> int:
        return len(text.split())


def workload(requests: int = 3, turns: int = 1) -> Workload:
    return Workload("custom", requests, input_tokens=8, output_tokens=16, concurrency=1, turns=turns)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(kind: str, *lines: Any) -> str:
        path = tmp_path / f"data.{kind}"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path.write_text("\n".join(texts) + "\n", encoding="utf-8")
        return f"{kind}:{path}"

    return write_file


def sharegpt(*conversations: list[tuple[str, str]]) -> str:
    return json.dumps(
        [
            {"id": str(n), "conversations": [{"from": who, "value": text} for who, text in turns]}
            for n, turns in enumerate(conversations)
        ]
    )


def test_random_is_the_default_source() -> None:
    source = open_source("random", workload(), 1, Words())
    assert (source.name, source.uniform, source.count, source.due_s) == ("random", True, 3, None)


def test_a_text_file_has_a_prompt_on_each_line(write: Write) -> None:
    source = open_source(write("text", "one two", "", "  three  ", "vier fünf sechs"), workload(), 1, Words())
    turns = [source.conversation(index)[0] for index in range(3)]
    assert {(turn.text, turn.input_tokens) for turn in turns} == {
        ("one two", 2),
        ("three", 1),
        ("vier fünf sechs", 3),
    }
    assert {turn.output_tokens for turn in turns} == {16}
    assert not source.uniform
    assert source.overhead_tokens == 0


def test_the_record_names_the_file_and_its_hash_but_not_its_folder(write: Write) -> None:
    dataset = write("text", "a", "b", "c")
    source = open_source(dataset, workload(), 1, None)
    path = Path(dataset.partition(":")[2])
    assert source.name == "text:data.text"
    assert source.content_hash == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_seed_decides_the_order(write: Write) -> None:
    dataset = write("text", *(f"prompt {n}" for n in range(50)))

    def order(seed: int) -> list[str]:
        source = open_source(dataset, workload(20), seed, None)
        return [source.conversation(index)[0].text for index in range(20)]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_warm_up_takes_prompts_that_the_run_does_not(write: Write) -> None:
    source = open_source(write("text", *(f"prompt {n}" for n in range(5))), workload(3), 1, None)
    run = {source.conversation(index)[0].text for index in range(3)}
    assert not run & {source.conversation(WARMUP_INDEX + index)[0].text for index in range(2)}


def test_indices_go_round(write: Write) -> None:
    source = open_source(write("text", "a", "b", "c"), workload(), 1, None)
    assert source.conversation(3) == source.conversation(0)


def test_without_a_cheap_count_the_length_is_not_known(write: Write) -> None:
    source = open_source(write("text", "a b", "c d", "e f"), workload(), 1, None)
    assert source.conversation(0)[0].input_tokens == 0


def test_jsonl_may_state_lengths_and_conversations(write: Write) -> None:
    dataset = write("jsonl", {"prompt": ["first", "second", "third"], "output_tokens": 7, "more": 1})
    conversation = open_source(dataset, workload(2, turns=2), 1, Words()).conversation(0)
    assert [(turn.text, turn.output_tokens) for turn in conversation] == [("first", 7), ("second", 7)]


def test_jsonl_with_plain_prompts(write: Write) -> None:
    source = open_source(write("jsonl", {"prompt": "a b c"}), workload(1), 1, Words())
    assert source.conversation(0)[0].input_tokens == 3


def test_sharegpt_gives_what_the_human_said(write: Write) -> None:
    content = sharegpt(
        [("human", "hello there"), ("gpt", "hi"), ("human", "more please"), ("gpt", "no")],
        [("system", "be nice"), ("user", "what is up")],
    )
    source = open_source(write("sharegpt", content), workload(4, turns=2), 1, Words())
    found = {tuple(turn.text for turn in source.conversation(index)) for index in range(2)}
    assert found == {("hello there", "more please"), ("what is up",)}


def test_a_large_sharegpt_file_costs_the_memory_of_what_its_people_said(tmp_path: Path) -> None:
    entry = {"conversations": [{"from": "human", "value": "hi"}, {"from": "gpt", "value": "é" * 5000}]}
    path = tmp_path / "large.json"
    path.write_text(json.dumps([entry] * 2000, ensure_ascii=False, indent=1))
    assert path.stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        assert open_source(f"sharegpt:{path}", workload(9), 1, None).distinct == 2000
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def test_an_entry_may_be_cut_anywhere_between_two_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sagellm_benchmark.workload.lines.MAX_LINE_BYTES", 3)
    values = [{"a": [1, 2.5, -1e9, True, None, '\u00e9[]{},\\"']}, 12345, [], "\n", {}]
    path = tmp_path / "x.json"
    for indent in (None, 2):
        path.write_text(f"  {json.dumps(values, indent=indent)}\n ")
        assert list(elements(path)) == values


def test_empty_and_overlong_prompts_are_left_out(write: Write) -> None:
    content = sharegpt(
        [("human", "good")], [("human", "  ")], [("human", "x" * 40_000)], [("gpt", "only me")], []
    )
    assert open_source(write("sharegpt", content), workload(1), 1, None).conversation(5)[0].text == "good"
    with pytest.raises(DataError, match="1 usable"):
        open_source(write("sharegpt", content), workload(2), 1, None)


def test_fewer_prompts_than_requests_is_an_error_since_a_repeat_would_be_cached(write: Write) -> None:
    with pytest.raises(DataError, match="holds 2 usable conversations; the run asks for 3") as caught:
        open_source(write("text", "a", "b"), workload(3), 1, None)
    assert "--requests" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("kind", "lines", "complaint"),
    [
        ("jsonl", [{"prompt": "a"}, "{"], "line 2: not JSON"),
        ("jsonl", [{"prompt": "a"}, "", {"text": "b"}], 'line 3: "prompt"'),
        ("jsonl", [{"prompt": ["a", 1]}], 'line 1: "prompt"'),
        ("jsonl", [[]], "line 1: not an object"),
        ("jsonl", [{"prompt": "a", "output_tokens": 0}], 'line 1: "output_tokens"'),
        ("jsonl", [{"prompt": "a", "output_tokens": True}], 'line 1: "output_tokens"'),
        ("jsonl", ["[" * 100_000], "line 1: not JSON"),
        ("sharegpt", ["[{"], "is not JSON"),
        ("sharegpt", ['[{"conversations": []} {}]'], "no , or ] after entry 0"),
        ("sharegpt", ['[{"conversations": []}] 1'], "no , or ] after entry 0"),
        ("sharegpt", ['[{"conversations": []},]'], "entry 1: Expecting value"),
        ("sharegpt", ["[" * 100_000], "entry 0 is nested too deeply"),
        ("sharegpt", ['["\\ud800"]'], "is not JSON"),
        ("sharegpt", [""], "holds no list"),
        ("sharegpt", [{"a": 1}], "holds no list"),
        ("sharegpt", [[{"conversations": [1]}]], "entry 0"),
        ("sharegpt", [[{"conversations": []}, 3]], "entry 1"),
    ],
)
def test_a_damaged_file_is_named_with_the_place(
    write: Write, kind: str, lines: list[Any], complaint: str
) -> None:
    with pytest.raises(DataError) as caught:
        open_source(write(kind, *lines), workload(1), 1, None)
    assert complaint in caught.value.message
    assert "data." in caught.value.message


def test_a_line_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"good\n\xff\xfe\n")
    with pytest.raises(DataError, match="line 2: not UTF-8"):
        open_source(f"text:{tmp_path / 'x'}", workload(1), 1, None)


def test_a_huge_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"a" * (2**20 + 1))
    with pytest.raises(DataError, match="line 1: longer than 1 MiB"):
        open_source(f"text:{tmp_path / 'x'}", workload(1), 1, None)


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_FILE_BYTES", 10)
    (tmp_path / "x").write_bytes(b"a\n" * 10)
    with pytest.raises(DataError, match="larger than"):
        open_source(f"text:{tmp_path / 'x'}", workload(1), 1, None)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        open_source(f"text:{tmp_path / 'none'}", workload(1), 1, None)
    with pytest.raises(DataError, match="is not a file"):
        open_source(f"text:{tmp_path}", workload(1), 1, None)
    with pytest.raises(DataError, match="is not a file"):
        open_source("text:/dev/zero", workload(1), 1, None)


@pytest.mark.parametrize("dataset", ["", "randon", "csv:file", "text", "text:", ":file"])
def test_an_unknown_dataset_lists_the_known_ones(dataset: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_source(dataset, workload(1), 1, None)
    assert "sharegpt:FILE" in str(caught.value.hint)
    assert "mooncake:FILE" in str(caught.value.hint)
