"""Conversations from files: ShareGPT, JSONL and text as they are; what names a trace is read as one."""

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

WARMUP_INDEX = 1_000_000_000  # warm-up conversations begin here; they are none of the measured ones
MAX_TEXT_CHARS = 32_768  # a longer text is left out, like an empty one

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
    shares_beginnings: bool = False

    @property
    def distinct(self) -> int:
        """How many there are before they come round again."""
        return len(self.conversations)

    def conversation(self, index: int) -> Conversation:
        """The run takes from the front, and the warm-up from the back, so that it warms none of the run's prompts."""
        far = index - WARMUP_INDEX
        return self.conversations[(index if far < 0 else -1 - far) % len(self.conversations)]


def open_file(
    dataset: str, workload: Workload, seed: int, counter: TokenCounter | None, cut: Cut
) -> FileSource | TraceSource:
    """Return the conversations of `kind:FILE`; a damaged file is a DataError that names the line."""
    kind, path = _named(dataset)
    if kind in TRACES:
        return open_trace(kind, path, workload, seed, counter, cut)
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
    return FileSource(f"{kind}:{path.name}", digest(path), conversations, workload.conversations, overhead)


def check(dataset: str, workload: Workload, cut: Cut) -> None:
    """Raise what `open_file` would raise, without a server to count tokens with."""
    kind, path = _named(dataset)
    if kind in TRACES:
        recorded(kind, path, cut)
    else:
        _enough(kind, path, workload)


def _named(dataset: str) -> tuple[str, Path]:
    """Return the kind and the file of `kind:FILE`."""
    kind, colon, name = dataset.partition(":")
    if not colon or not name or kind not in {*_READERS, *TRACES}:
        raise UsageError(
            f"there is no dataset {dataset!r}",
            hint=f"choose random, or one of {', '.join(f'{one}:FILE' for one in (*_READERS, *TRACES))}",
        )
    return kind, Path(name)


def _enough(kind: str, path: Path, workload: Workload) -> list[Read]:
    """Return the usable conversations of a file, of which there must be as many as the run sends."""
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
    """Yield those without an empty or an overlong turn."""
    for texts, asked in conversations:
        if texts and all(text.strip() and len(text) <= MAX_TEXT_CHARS for text in texts):
            yield texts, asked


def _conversation(
    texts: Texts, asked: int | None, workload: Workload, counter: TokenCounter | None
) -> Conversation:
    """Return turns with their own lengths, counted where that is cheap, else 0 for not known."""
    count = counter.count if counter is not None and counter.cheap else _not_counted
    output = asked or workload.output_tokens
    return tuple(Turn(text, count(text), output) for text in texts[: workload.turns])


def _not_counted(_: str) -> int:
    return 0


def _sharegpt(path: Path) -> Iterator[Read]:
    """Yield a JSON array of {"conversations": [{"from", "value"}, …]}: the human's side of it."""
    for number, entry in enumerate(elements(path)):
        turns = entry.get("conversations") if isinstance(entry, dict) else None
        if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
            raise DataError(
                f"{path}, entry {number}: no list of conversations", hint="see the ShareGPT format"
            )
        said = [turn.get("value") for turn in turns if turn.get("from") in ("human", "user")]
        yield tuple(text for text in said if isinstance(text, str)), None


def _jsonl(path: Path) -> Iterator[Read]:
    """Yield one object a line: `prompt` (a text, or the turns of a conversation) and, if wanted, `output_tokens`."""
    for number, value in objects(path):
        prompt = value.get("prompt")
        texts = [prompt] if isinstance(prompt, str) else prompt
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise bad_line(path, number, '"prompt" must be a text or a list of texts')
        asked = value.get("output_tokens")
        yield tuple(texts), None if asked is None else length(path, number, "output_tokens", asked)


def _text(path: Path) -> Iterator[Read]:
    """Yield one prompt a line."""
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
