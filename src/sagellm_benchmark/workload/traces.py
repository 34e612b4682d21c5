"""Recorded traces in their published formats: when requests came, how long they were, and which began alike."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

from sagellm_benchmark.engines.tokens import TokenCounter
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.workload import lines, schedule
from sagellm_benchmark.workload.prompts import BLOCK_TOKENS, Prompts
from sagellm_benchmark.workload.workloads import Conversation, Workload

MAX_TRACE_S = 7 * 24 * 3600.0
MAX_REQUESTS = 2_000_000


@dataclass(frozen=True, slots=True)
class Cut:
    """Which part of a trace is sent, and how fast."""

    requests: int | None = None  # only so many, from the beginning
    duration_s: float | None = None  # only those that are due within this time
    time_scale: float = 1.0  # multiplies all times: 0.5 sends the trace twice as fast


WHOLE = Cut()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request of a trace; `moment_s` counts from any zero."""

    moment_s: float
    input_tokens: int
    output_tokens: int
    # the numbers of the prompt's blocks: equal numbers at the beginning are equal text
    blocks: tuple[int, ...] = ()


Read = Callable[[Path], Iterator[tuple[int, Recorded | None]]]
"""Reads a file: yields each line's number and its request, None if it has no tokens and cannot be repeated."""


@dataclass(frozen=True, slots=True)
class TraceSource:
    """Random prompts with the lengths, the times and the shared beginnings of a recorded trace."""

    name: str
    content_hash: str
    prompts: Prompts
    requests: tuple[Recorded, ...]
    due_s: tuple[float, ...]
    left_out: int = 0  # requests without tokens, such as those that failed
    uniform: bool = False
    exact: None = None
    distinct: None = None

    @property
    def count(self) -> int:
        """The number of the trace's requests."""
        return len(self.requests)

    @property
    def overhead_tokens(self) -> int:
        """Tokens that the server adds to each prompt, such as a chat template's."""
        return self.prompts.overhead_tokens

    @property
    def shares_beginnings(self) -> bool:
        """Whether prompts begin alike on purpose, so that a server may answer from its cache."""
        return any(one.blocks for one in self.requests)

    @property
    def context_tokens(self) -> int:
        """The tokens of the longest prompt and answer together."""
        return max(one.input_tokens + one.output_tokens for one in self.requests)

    def conversation(self, index: int) -> Conversation:
        """Return the conversation at `index`; after the trace's end, lengths are repeated, but no prompts or blocks."""
        rounds, place = divmod(index, len(self.requests))
        one = self.requests[place]
        if one.blocks:
            return self.prompts.of_blocks(rounds, index, one.blocks, one.input_tokens, one.output_tokens)
        return self.prompts.build(index, one.input_tokens, one.output_tokens)


def is_trace(dataset: str) -> bool:
    """Return whether a dataset is a trace, which determines what is sent and when."""
    return dataset.partition(":")[0] in TRACES


def open_trace(
    kind: str, path: Path, workload: Workload, seed: int, counter: TokenCounter | None, cut: Cut
) -> TraceSource:
    """Return the requests of a trace. Raise DataError, naming the line, if the file is damaged."""
    requests, due_s, left_out = recorded(kind, path, cut)
    longest = max(one.input_tokens for one in requests)
    shape = replace(workload, requests=0, turns=1, input_tokens=longest)
    prompts = Prompts(shape, seed, counter)
    return TraceSource(f"{kind}:{path.name}", lines.digest(path), prompts, requests, due_s, left_out)


def recorded(kind: str, path: Path, cut: Cut) -> tuple[tuple[Recorded, ...], schedule.Times, int]:
    """Return the requests to send, their moments, and how many are left out before the last of them.

    Raise DataError if the file is damaged, holds no requests or is too long.
    """
    kept: list[Recorded] = []
    left_out = 0
    for number, one in TRACES[kind](path):
        if one is None:
            left_out += 1
            continue
        if kept and one.moment_s < kept[-1].moment_s:
            raise lines.bad_line(path, number, "its time is before that of the line above")
        after_s = (one.moment_s - (kept[0] if kept else one).moment_s) * cut.time_scale
        if cut.duration_s is not None and after_s >= cut.duration_s:
            break
        if after_s > MAX_TRACE_S or len(kept) >= MAX_REQUESTS:
            raise _too_long(path)
        kept.append(one)
        if len(kept) == cut.requests:
            break
    if not kept:
        raise DataError(f"{path} holds no requests", hint="give a trace with a request on each line")
    first = kept[0].moment_s
    return tuple(kept), schedule.trace([(one.moment_s - first) * cut.time_scale for one in kept]), left_out


def _too_long(path: Path) -> DataError:
    return DataError(
        f"{path} lasts more than a week, or holds more than {MAX_REQUESTS:,} requests",
        hint="send a part of it with --requests or --duration, or all of it faster with --time-scale; "
        "timestamps in milliseconds belong in timestamp_ms, or in a mooncake: file",
    )


def _generic(path: Path) -> Iterator[tuple[int, Recorded]]:
    """Read JSONL with `timestamp` (seconds) or `timestamp_ms`, and `input_length` and `output_length` in tokens."""
    for number, value in lines.objects(path):
        if "hash_ids" in value:
            raise lines.bad_line(path, number, "hash_ids are Mooncake's: name the file as mooncake:FILE")
        yield number, Recorded(_stamp(path, number, value), *_lengths(path, number, value))


def _mooncake(path: Path) -> Iterator[tuple[int, Recorded | None]]:
    """Read Mooncake's JSONL (https://github.com/kvcache-ai/Mooncake): `timestamp` in milliseconds, lengths in tokens.

    `hash_ids` are numbers of the prompt's blocks of 512 tokens; a number stands for a block and all those before it.
    """
    for number, value in lines.objects(path):
        stamp = value.get("timestamp")
        if not _is_number(stamp):
            raise lines.bad_line(path, number, '"timestamp" (milliseconds) must be a number')
        if 0 in (value.get("input_length"), value.get("output_length")):
            yield number, None
            continue
        lengths = _lengths(path, number, value)
        blocks = _blocks(path, number, value.get("hash_ids", []), lengths[0])
        yield number, Recorded(stamp * 1e-3, *lengths, blocks)


def _blocks(path: Path, number: int, ids: object, tokens: int) -> tuple[int, ...]:
    if not isinstance(ids, list) or not all(type(one) is int and 0 <= one < 2**63 for one in ids):
        raise lines.bad_line(path, number, '"hash_ids" must be a list of whole numbers')
    if ids and len(ids) not in (tokens // BLOCK_TOKENS, math.ceil(tokens / BLOCK_TOKENS)):
        raise lines.bad_line(
            path,
            number,
            f"{len(ids)} hash_ids for {tokens} tokens: they stand for {BLOCK_TOKENS} tokens each",
        )
    return tuple(ids)


def _burstgpt(path: Path) -> Iterator[tuple[int, Recorded | None]]:
    """Read BurstGPT's CSV (https://github.com/HPMLL/BurstGPT), in seconds; failed requests have no response tokens."""
    for number, (stamp, *tokens) in lines.rows(path, ("Timestamp", "Request tokens", "Response tokens")):
        yield number, _of_cells(path, number, _seconds(path, number, stamp), tokens)


def _azure(path: Path) -> Iterator[tuple[int, Recorded | None]]:
    """Read Azure's LLM inference traces (https://github.com/Azure/AzurePublicDataset): CSV with dates and times."""
    for number, (stamp, *tokens) in lines.rows(path, ("TIMESTAMP", "ContextTokens", "GeneratedTokens")):
        try:
            moment = dt.datetime.fromisoformat(stamp)
        except ValueError as error:
            raise lines.bad_line(path, number, f"{stamp[:40]!r} is not a date with a time") from error
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()
        yield number, _of_cells(path, number, seconds, tokens)


TRACES: dict[str, Read] = {
    "trace": _generic,
    "mooncake": _mooncake,
    "burstgpt": _burstgpt,
    "azure": _azure,
}
"""The reader of each kind of trace, by its name in `--dataset`."""


def _of_cells(path: Path, number: int, moment_s: float, cells: Sequence[str]) -> Recorded | None:
    """Return a request from the cells with its tokens; None if its prompt or its answer has none."""
    counts = [int(cell) if cell.isascii() and cell.isdecimal() and len(cell) < 12 else None for cell in cells]
    if 0 in counts:
        return None
    prompt, answer = (
        lines.length(path, number, name, count)
        for name, count in zip(("tokens of the prompt", "tokens of the answer"), counts, strict=True)
    )
    return Recorded(moment_s, prompt, answer)


def _seconds(path: Path, number: int, cell: str) -> float:
    try:
        seconds = float(cell)
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise lines.bad_line(path, number, f"{cell[:40]!r} is not a time in seconds")
    return seconds


def _stamp(path: Path, number: int, value: dict[str, Any]) -> float:
    for name, scale in (("timestamp", 1.0), ("timestamp_ms", 1e-3)):
        stamp = value.get(name)
        if _is_number(stamp):
            return stamp * scale
    raise lines.bad_line(path, number, '"timestamp" (seconds) or "timestamp_ms" must be a number')


def _is_number(value: object) -> TypeGuard[int | float]:
    """Return whether a JSON value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _lengths(path: Path, number: int, value: dict[str, Any]) -> tuple[int, int]:
    return (
        lines.length(path, number, "input_length", value.get("input_length")),
        lines.length(path, number, "output_length", value.get("output_length")),
    )
