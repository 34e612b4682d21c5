"""What `scripts/engines.py` measured of one load, what speaks against it, and its line of the table."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any
from urllib.parse import urlsplit

from engine_habits import Answer
from packets import Seen, Witness, matched
from tokenizers import Tokenizer

from sagellm_benchmark.text import markdown_row
from sagellm_benchmark.verdict.intervals import student_t

Json = dict[str, Any]
MOST = (
    0.8  # of the answers; a text can be split into tokens in more ways than one, and some tokens have no text
)
HEAD = (
    *("engine", "how", "load", "verdict", "tokens counted by", "recounted"),
    *("TTFT p50, ms", "on the wire", "to plain"),
    *("ITL p50, ms", "on the wire", "to plain"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians in milliseconds."""

    ttft: float
    itl: float

    @classmethod
    def of(cls, ttft_s: Sequence[float], gaps_s: Sequence[float]) -> Figures:
        """From every request's first event, and every gap between events."""
        return cls(median(ttft_s) * 1e3, median(gaps_s) * 1e3)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours over the plain client's: the geometric mean over turns, with a 95 % interval where there are two or more."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, ours: Sequence[float], plain: Sequence[float]) -> Ratio:
        """Turn by turn, with Student's t of the logarithms."""
        logs = [math.log(mine / other) for mine, other in zip(ours, plain, strict=True)]
        mean, turns = fmean(logs), len(logs)
        half = student_t(turns - 1) * stdev(logs) / math.sqrt(turns) if turns > 1 else math.inf
        return cls(math.exp(mean), math.exp(mean - half), math.exp(min(mean + half, 99.0)))

    def differs(self, tolerance: float) -> bool:
        """Whether the whole interval lies beyond the tolerance."""
        return self.low > 1 + tolerance or self.high < 1 - tolerance

    def agrees(self, tolerance: float) -> bool:
        """Whether the whole interval lies within the tolerance."""
        return 1 - tolerance <= self.low and self.high <= 1 + tolerance

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f}–{self.high:.2f})"


@dataclass(slots=True)
class Row:
    """One line of the table."""

    engine: str
    how: str
    what: str
    summary: Json
    requests: list[Json] = field(default_factory=list)
    pairs: list[tuple[Mapping[str, Any], Seen]] | None = (
        None  # the same answers on the wire, where it was read
    )
    turns: list[tuple[Figures, Figures]] = field(default_factory=list)  # ours and the plain client's

    @classmethod
    def read(cls, folder: Path, how: str, witness: Witness | None) -> Row:
        """A run from its folder, with what passed on the wire meanwhile."""
        config = json.loads((folder / "config.json").read_text())
        return cls.of(config, json.loads((folder / "summary.json").read_text()), folder, how, witness)

    @classmethod
    def of(cls, config: Json, summary: Json, folder: Path, how: str, witness: Witness | None) -> Row:
        """A run by its record, and the requests in its folder."""
        asked, server = config["workload"], config["server"]
        what = f"{asked['name']}, {asked['concurrency']} at a time"
        row = cls(f"{server['engine']} {server['engine_version']}", how, what, summary)
        every = map(json.loads, (folder / "requests.jsonl").read_text().splitlines())
        row.requests = [one for one in every if one["failure"] is None]  # failures are in the summary
        if witness is not None:
            streams = witness.streams(urlsplit(server["base_url"]).port or 0)
            row.pairs = [pair for repeat in row.repeats for pair in matched(repeat, streams)]
        return row

    def compare(self, turns: Sequence[Sequence[Answer]]) -> None:
        """Hold each repeat against the plain client's answers of the same turn."""
        self.turns = [
            (_figures(ours), _plain_figures(plain)) for ours, plain in zip(self.repeats, turns, strict=True)
        ]

    @property
    def repeats(self) -> list[list[Json]]:
        """The requests of each."""
        ordered = sorted(self.requests, key=itemgetter("repeat"))
        return [list(requests) for _, requests in groupby(ordered, key=itemgetter("repeat"))]

    @property
    def ours(self) -> Figures:
        """By the records."""
        return _figures(self.requests)

    @property
    def wire(self) -> Figures | None:
        """Of the same answers, by the packets that carried them."""
        if not self.pairs:
            return None
        seen = [one for _, one in self.pairs]
        return Figures.of([one.ttft_s for one in seen], [gap for one in seen for gap in one.gaps_s])

    @property
    def ratios(self) -> tuple[Ratio, Ratio] | None:
        """Of the TTFT and of the ITL to the plain client's."""
        if not self.turns:
            return None
        ours, plain = zip(*self.turns, strict=True)
        return (
            Ratio.of([one.ttft for one in ours], [one.ttft for one in plain]),
            Ratio.of([one.itl for one in ours], [one.itl for one in plain]),
        )

    def recounted(self, tokenizer: Tokenizer) -> tuple[int, int]:
        """Answers whose tokens are those of the model's own tokenizer, and all; what ends an answer has no text."""
        same = 0
        for one in self.requests:
            counted = len(tokenizer.encode(one["text"], add_special_tokens=False).ids)
            ended = one["finish_reason"] != "length"
            same += counted == one["tokens"] or (ended and counted == one["tokens"] - 1)
        return same, len(self.requests)


def _figures(requests: Sequence[Json]) -> Figures:
    gaps = [gap for one in requests for gap in _gaps(one["event_s"])]
    return Figures.of([one["event_s"][0] - one["start_s"] for one in requests], gaps)


def _plain_figures(answers: Sequence[Answer]) -> Figures:
    gaps = [gap for answer in answers for gap in answer.gaps_s]
    return Figures.of([answer.ttft_s for answer in answers], gaps)


def _gaps(moments: Sequence[float]) -> Iterator[float]:
    return (later - earlier for earlier, later in pairwise(moments))


def faults(row: Row, tokenizer: Tokenizer, tolerance: float) -> Iterator[str]:
    """What speaks against a row."""
    if not row.summary["valid"]:
        yield f"INVALID: {'; '.join(row.summary['reasons'])}"
    same, answers = row.recounted(tokenizer)
    if same < MOST * answers:
        yield f"the tokenizer agrees with the tokens of only {same} of {answers} answers"
    if row.pairs is not None and len(row.pairs) < answers:
        yield f"only {len(row.pairs)} of {answers} answers were seen on the wire"
    for name, ours, wire in _both(row.ours, row.wire):
        if abs(ours / wire - 1) > tolerance:
            yield f"{name} p50 is {ours:.2f} ms, that of the packets {wire:.2f} ms"
    for name, ratio in _named(row.ratios):
        if ratio.differs(tolerance):
            yield f"{name} p50 is {ratio} times the plain client's"


def undecided(row: Row, tolerance: float) -> Iterator[str]:
    """What more turns would have to decide."""
    for name, ratio in _named(row.ratios):
        if not (ratio.differs(tolerance) or ratio.agrees(tolerance)):
            yield f"{name} p50 is {ratio} times the plain client's: more --blocks would narrow that"


def _both(ours: Figures, wire: Figures | None) -> Iterator[tuple[str, float, float]]:
    if wire is not None:
        yield "TTFT", ours.ttft, wire.ttft
        yield "ITL", ours.itl, wire.itl


def _named(ratios: tuple[Ratio, Ratio] | None) -> Iterator[tuple[str, Ratio]]:
    return zip(("TTFT", "ITL"), ratios or (), strict=False)


def line(row: Row, tokenizer: Tokenizer) -> str:
    """A row of the Markdown table."""
    same, answers = row.recounted(tokenizer)
    ours, wire, ratios = row.ours, row.wire, row.ratios
    return markdown_row(
        *(row.engine, row.how, row.what, "VALID" if row.summary["valid"] else "INVALID"),
        *(row.summary["token_source"], f"{same} of {answers}"),
        *(f"{ours.ttft:.1f}", f"{wire.ttft:.1f}" if wire else "", str(ratios[0]) if ratios else ""),
        *(f"{ours.itl:.2f}", f"{wire.itl:.2f}" if wire else "", str(ratios[1]) if ratios else ""),
    )
