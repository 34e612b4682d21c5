"""Conversations from files: ShareGPT, JSONL and text as they are, and traces whose lengths random words take."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from typing import Any

import orjson

from sagellm_benchmark.engines.tokens import TokenCounter
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.workload import schedule
from sagellm_benchmark.workload.prompts import Prompts
from sagellm_benchmark.workload.workloads import Conversation, Turn, Workload

TRACE = "trace"
WARMUP_INDEX = 1_000_000_000  # warm-up conversations begin here; they are none of the measured ones
MAX_FILE_BYTES = 2**30
MAX_LINE_BYTES = 2**20
MAX_TEXT_CHARS = 32_768  # a longer text is left out, like an empty one
MAX_TOKENS = 1_000_000
MAX_TRACE_S = 7 * 24 * 3600.0

Texts = tuple[str, ...]
"""What a user says in one conversation, turn by turn."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """Conversations that were read from a file, in an order that the seed decides. Indices go round and round."""

    name: str
    content_hash: str
    conversations: tuple[Conversation, ...]
    count: int
    overhead_tokens: int = 0
    uniform: bool = False
    exact: None = None
    due_s: None = None

    @property
    def distinct(self) -> int:
        """How many there are before they come round again."""
        return len(self.conversations)

    def conversation(self, index: int) -> Conversation:
        """The run takes from the front, and the warm-up from the back, so that it warms none of the run's prompts."""
        far = index - WARMUP_INDEX
        return self.conversations[(index if far < 0 else -1 - far) % len(self.conversations)]


@dataclass(frozen=True, slots=True)
class TraceSource:
    """Random prompts with the lengths and the moments of a recorded trace."""

    name: str
    content_hash: str
    prompts: Prompts
    lengths: tuple[tuple[int, int], ...]
    due_s: tuple[float, ...]
    uniform: bool = False
    exact: None = None
    distinct: None = None

    @property
    def count(self) -> int:
        """The requests of the trace."""
        return len(self.lengths)

    @property
    def overhead_tokens(self) -> int:
        """As Prompts has it."""
        return self.prompts.overhead_tokens

    def conversation(self, index: int) -> Conversation:
        """Lengths go round and round; every prompt is another one."""
        return self.prompts.build(index, *self.lengths[index % len(self.lengths)])


def open_file(
    dataset: str, workload: Workload, seed: int, counter: TokenCounter | None
) -> FileSource | TraceSource:
    """The conversations of `kind:FILE`; a damaged file is a DataError that names the line."""
    kind, path = _named(dataset)
    digest = _digest(path)
    if kind == TRACE:
        return _trace(path, digest, workload, seed, counter)
    found = _enough(kind, path, workload)
    random.Random(f"{seed}/{workload.name}").shuffle(found)  # noqa: S311 - reproducible is what it must be
    counted = 2 * workload.conversations + 32  # only a long run needs more, and can do without their lengths
    conversations = tuple(
        _conversation(texts, asked, workload, counter if place < counted else None)
        for place, (texts, asked) in enumerate(found)
    )
    overhead = (
        counter.count("") if counter is not None and counter.cheap else 0
    )  # a template's, in every prompt
    return FileSource(f"{kind}:{path.name}", digest, conversations, workload.conversations, overhead)


def check(dataset: str, workload: Workload) -> None:
    """Raise what `open_file` would raise, without a server to count tokens with."""
    kind, path = _named(dataset)
    if kind == TRACE:
        _recorded(path)
    else:
        _enough(kind, path, workload)


def _named(dataset: str) -> tuple[str, Path]:
    """The kind and the file of `kind:FILE`."""
    kind, colon, name = dataset.partition(":")
    if not colon or not name or kind not in {*_READERS, TRACE}:
        raise UsageError(
            f"there is no dataset {dataset!r}",
            hint="choose random, or sharegpt:FILE, jsonl:FILE, text:FILE, trace:FILE",
        )
    return kind, Path(name)


def _enough(kind: str, path: Path, workload: Workload) -> list[Read]:
    """The usable conversations of a file, of which there must be as many as the run sends."""
    found = list(_usable(_READERS[kind](path)))
    if len(found) < workload.conversations:
        raise DataError(
            f"{path} holds {len(found)} usable conversations; the run asks for {workload.conversations}",
            hint="ask for fewer --requests, or give a larger file: a prompt sent twice is answered from a cache",
        )
    return found


Read = tuple[Texts, int | None]
"""One conversation's texts, and the output tokens that its line asks for."""


def _usable(conversations: Iterator[Read]) -> Iterator[Read]:
    """Those without an empty or an overlong turn."""
    for texts, asked in conversations:
        if texts and all(text.strip() and len(text) <= MAX_TEXT_CHARS for text in texts):
            yield texts, asked


def _conversation(
    texts: Texts, asked: int | None, workload: Workload, counter: TokenCounter | None
) -> Conversation:
    """Turns with their own lengths, counted where that is cheap, else 0 for not known."""
    count = counter.count if counter is not None and counter.cheap else _not_counted
    output = asked or workload.output_tokens
    return tuple(Turn(text, count(text), output) for text in texts[: workload.turns])


def _not_counted(_: str) -> int:
    return 0


def _sharegpt(path: Path) -> Iterator[Read]:
    """A JSON array of {"conversations": [{"from", "value"}, …]}: the human's side of it."""
    with _opened(path) as file:
        try:
            entries = orjson.loads(file.read())
        except orjson.JSONDecodeError as error:
            raise DataError(f"{path} is not JSON: {error}", hint="is it cut off? Fetch it again") from error
    if not isinstance(entries, list):
        raise DataError(f"{path} holds no list of conversations", hint="ShareGPT files begin with [")
    for number, entry in enumerate(entries):
        turns = entry.get("conversations") if isinstance(entry, dict) else None
        if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
            raise DataError(
                f"{path}, entry {number}: no list of conversations", hint="see the ShareGPT format"
            )
        said = [turn.get("value") for turn in turns if turn.get("from") in ("human", "user")]
        yield tuple(text for text in said if isinstance(text, str)), None


def _jsonl(path: Path) -> Iterator[Read]:
    """One object a line: `prompt` (a text, or the turns of a conversation) and, if wanted, `output_tokens`."""
    for number, value in _objects(path):
        prompt = value.get("prompt")
        texts = [prompt] if isinstance(prompt, str) else prompt
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise _bad_line(path, number, '"prompt" must be a text or a list of texts')
        asked = value.get("output_tokens")
        yield tuple(texts), None if asked is None else _length(path, number, "output_tokens", asked)


def _text(path: Path) -> Iterator[Read]:
    """One prompt a line."""
    for number, line in _lines(path):
        try:
            yield (line.decode("utf-8").strip(),), None
        except UnicodeDecodeError as error:
            raise _bad_line(path, number, "not UTF-8") from error


_READERS: dict[str, Callable[[Path], Iterator[Read]]] = {
    "sharegpt": _sharegpt,
    "jsonl": _jsonl,
    "text": _text,
}


def _trace(
    path: Path, digest: str, workload: Workload, seed: int, counter: TokenCounter | None
) -> TraceSource:
    """Random prompts as long as those of the trace, sent when it says."""
    lengths, due_s = _recorded(path)
    shape = replace(workload, requests=0, turns=1, input_tokens=max(length for length, _ in lengths))
    return TraceSource(f"{TRACE}:{path.name}", digest, Prompts(shape, seed, counter), lengths, due_s)


def _recorded(path: Path) -> tuple[tuple[tuple[int, int], ...], schedule.Times]:
    """JSONL of `timestamp` (seconds) or `timestamp_ms`, `input_length` and `output_length` in tokens."""
    lengths: list[tuple[int, int]] = []
    due: list[float] = []
    for number, value in _objects(path):
        due.append(_moment(path, number, value, due))
        lengths.append(
            (
                _length(path, number, "input_length", value.get("input_length")),
                _length(path, number, "output_length", value.get("output_length")),
            )
        )
    if not lengths:
        raise DataError(f"{path} holds no requests", hint="give a trace with a request on each line")
    if due[-1] - due[0] > MAX_TRACE_S:
        raise DataError(
            f"{path} lasts more than a week", hint="timestamps in milliseconds belong into timestamp_ms"
        )
    return tuple(lengths), schedule.trace(due)


def _moment(path: Path, number: int, value: dict[str, Any], before: list[float]) -> float:
    """A line's time in seconds, not before the line above it."""
    for name, scale in (("timestamp", 1.0), ("timestamp_ms", 1e-3)):
        stamp = value.get(name)
        if isinstance(stamp, int | float) and not isinstance(stamp, bool) and math.isfinite(stamp):
            if before and stamp * scale < before[-1]:
                raise _bad_line(path, number, f"{name} goes back in time")
            return stamp * scale
    raise _bad_line(path, number, '"timestamp" (seconds) or "timestamp_ms" must be a number')


def _length(path: Path, number: int, name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_TOKENS:
        return value
    raise _bad_line(path, number, f'"{name}" must be a whole number of tokens from 1 on')


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise _bad_line(path, number, f"not JSON ({error})") from error
        if not isinstance(value, dict):
            raise _bad_line(path, number, "not an object")
        yield number, value


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, numbered from 1; read one at a time, so that a huge line costs no memory."""
    with _opened(path) as file:
        number = 0
        while line := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            if len(line) > MAX_LINE_BYTES:
                raise _bad_line(path, number, f"longer than {MAX_LINE_BYTES // 2**20} MiB")
            if line.strip():
                yield number, line


def _bad_line(path: Path, number: int, what: str) -> DataError:
    return DataError(f"{path}, line {number}: {what}", hint="mend that line or leave it out")


def _opened(path: Path) -> BufferedReader:
    """An ordinary file of a size that fits into memory; anything else could keep us waiting for ever."""
    try:
        if not path.is_file():
            problem = "is not a file" if path.exists() else "does not exist"
            raise DataError(f"{path} {problem}", hint="check the path after the colon of --dataset")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(f"{path} is larger than 1 GiB", hint="give a part of it")
        return path.open("rb")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}", hint="check its permissions") from error


def _digest(path: Path) -> str:
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
