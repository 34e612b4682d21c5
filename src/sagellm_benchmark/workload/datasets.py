"""Conversations from files: the texts of ShareGPT, JSONL and text files, and traces, which `traces` reads."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sagellm_benchmark.engines.tokens import TokenCounter
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.workload.lines import bad_line, digest, elements, length, lines, objects
from sagellm_benchmark.workload.traces import TRACES, Cut, TraceSource, open_trace, recorded
from sagellm_benchmark.workload.workloads import Conversation, Turn, Workload

WARMUP_INDEX = 1_000_000_000  # the index of the first warm-up conversation; none of these is measured
MAX_TEXT_CHARS = 32_768  # a longer text is left out, like an empty one

Texts = tuple[str, ...]
"""A user's turns in one conversation."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """Conversations that were read from a file, in an order that the seed decides; after the last, they start again."""

    name: str
    content_hash: str
    conversations: tuple[Conversation, ...]
    count: int
    overhead_tokens: int = 0
    uniform: bool = False
    exact: None = None
    due_s: None = None
    shares_beginnings: bool = False

    @property
    def distinct(self) -> int:
        """The number of different conversations."""
        return len(self.conversations)

    def conversation(self, index: int) -> Conversation:
        """Return a conversation: the run's from the front, the warm-up's from the back, so that they differ."""
        far = index - WARMUP_INDEX
        return self.conversations[(index if far < 0 else -1 - far) % len(self.conversations)]


def open_file(
    dataset: str, workload: Workload, seed: int, counter: TokenCounter | None, cut: Cut
) -> FileSource | TraceSource:
    """Return the conversations of `kind:FILE`.

    Raise UsageError if the kind is unknown, DataError, naming the line, if the file is damaged or too short.
    """
    kind, path = _named(dataset)
    if kind in TRACES:
        return open_trace(kind, path, workload, seed, counter, cut)
    found = _enough(kind, path, workload)
    random.Random(f"{seed}/{workload.name}").shuffle(found)  # noqa: S311 - it must be reproducible
    counted = 2 * workload.conversations + 32  # only a long run sends more, and their lengths do not matter
    conversations = tuple(
        _conversation(texts, asked, workload, counter if place < counted else None)
        for place, (texts, asked) in enumerate(found)
    )
    overhead = counter.count("") if counter is not None and counter.cheap else 0  # a template's tokens
    return FileSource(f"{kind}:{path.name}", digest(path), conversations, workload.conversations, overhead)


def check(dataset: str, workload: Workload, cut: Cut) -> None:
    """Raise what `open_file` would raise, without a server that counts tokens."""
    kind, path = _named(dataset)
    if kind in TRACES:
        recorded(kind, path, cut)
    else:
        _enough(kind, path, workload)


def _named(dataset: str) -> tuple[str, Path]:
    """Return the kind and the file of `kind:FILE`. Raise UsageError if there is no such kind."""
    kind, colon, name = dataset.partition(":")
    if not colon or not name or kind not in {*_READERS, *TRACES}:
        raise UsageError(
            f"there is no dataset {dataset!r}",
            hint=f"choose random, or one of {', '.join(f'{one}:FILE' for one in (*_READERS, *TRACES))}",
        )
    return kind, Path(name)


def _enough(kind: str, path: Path, workload: Workload) -> list[Read]:
    """Return the usable conversations of a file. Raise DataError if there are fewer than the run sends."""
    found = list(_usable(_READERS[kind](path)))
    if len(found) < workload.conversations:
        raise DataError(
            f"{path} holds {len(found)} usable conversations; the run asks for {workload.conversations}",
            hint="ask for fewer --requests, or give a larger file: a prompt sent twice may be answered from a cache",
        )
    return found


Read = tuple[Texts, int | None]
"""One conversation's texts, and the output tokens that its line asks for."""


def _usable(conversations: Iterator[Read]) -> Iterator[Read]:
    """Yield the conversations without an empty or overlong turn."""
    for texts, asked in conversations:
        if texts and all(text.strip() and len(text) <= MAX_TEXT_CHARS for text in texts):
            yield texts, asked


def _conversation(
    texts: Texts, asked: int | None, workload: Workload, counter: TokenCounter | None
) -> Conversation:
    """Return turns with their own lengths, counted if that is cheap; 0 means not known."""
    count = counter.count if counter is not None and counter.cheap else _not_counted
    output = asked or workload.output_tokens
    return tuple(Turn(text, count(text), output) for text in texts[: workload.turns])


def _not_counted(_: str) -> int:
    return 0


def _sharegpt(path: Path) -> Iterator[Read]:
    """Yield the human's turns from a JSON array of {"conversations": [{"from", "value"}, …]}."""
    for number, entry in enumerate(elements(path)):
        turns = entry.get("conversations") if isinstance(entry, dict) else None
        if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
            raise DataError(
                f"{path}, entry {number}: no list of conversations", hint="see the ShareGPT format"
            )
        said = [turn.get("value") for turn in turns if turn.get("from") in ("human", "user")]
        yield tuple(text for text in said if isinstance(text, str)), None


def _jsonl(path: Path) -> Iterator[Read]:
    """Yield one conversation per line, an object: `prompt` (a text or a list of turns), maybe `output_tokens`."""
    for number, value in objects(path):
        prompt = value.get("prompt")
        texts = [prompt] if isinstance(prompt, str) else prompt
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise bad_line(path, number, '"prompt" must be a text or a list of texts')
        asked = value.get("output_tokens")
        yield tuple(texts), None if asked is None else length(path, number, "output_tokens", asked)


def _text(path: Path) -> Iterator[Read]:
    """Yield one prompt per line."""
    for number, line in lines(path):
        try:
            yield (line.decode("utf-8").strip(),), None
        except UnicodeDecodeError as error:
            raise bad_line(path, number, "not UTF-8") from error


_READERS: dict[str, Callable[[Path], Iterator[Read]]] = {
    "sharegpt": _sharegpt,
    "jsonl": _jsonl,
    "text": _text,
}
