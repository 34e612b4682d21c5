"""What `scripts/engines.py` measured of one load, what speaks against it, and its line of the table."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
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
    *("TTFT p50, ms", "on the wire", "to plain", "to plain, by the wire"),
    *("ITL p50, ms", "on the wire", "to plain", "to plain, by the wire"),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians in milliseconds, or ratios of them."""

    ttft: float
    itl: float

    @classmethod
    def of(cls, ttft_s: Sequence[float], gaps_s: Sequence[float]) -> Figures:
        """From every request's first event, and every gap between events."""
        return cls(median(ttft_s) * 1e3, median(gaps_s) * 1e3)

    def __truediv__(self, other: Figures) -> Figures:
        return Figures(self.ttft / other.ttft, self.itl / other.itl)


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
    seen: Sequence[Seen] | None = None  # every answer on the wire, where it was read
    plain: list[list[Json]] = field(default_factory=list)  # the plain client's answers of each turn

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
            row.seen = witness.streams(urlsplit(server["base_url"]).port or 0)
        return row

    def compare(self, turns: Sequence[Sequence[Answer]]) -> None:
        """Hold each repeat against the plain client's answers of the same turn."""
        self.plain = [[asdict(answer) for answer in turn] for turn in turns]

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
    def plain_answers(self) -> list[Json]:
        """Of all turns."""
        return [answer for turn in self.plain for answer in turn]

    @property
    def carried(self) -> list[Seen]:
        """The same answers on the wire; each repeat has its own beginning of time."""
        return [seen for repeat in self.repeats for _, seen in matched(repeat, self.seen or ())]

    @property
    def plain_carried(self) -> list[Seen]:
        """The plain client's answers on the wire."""
        return [seen for _, seen in matched(self.plain_answers, self.seen or ())]

    @property
    def wire(self) -> Figures | None:
        """Of the same answers, by the packets that carried them."""
        return _seen_figures(self.carried) if self.carried else None

    @property
    def ratios(self) -> tuple[Ratio, Ratio] | None:
        """Of the TTFT and of the ITL to the plain client's, turn by turn; the engine's own ups and downs are in it."""
        if not self.plain:
            return None
        ours, plain = ([_figures(turn) for turn in turns] for turns in (self.repeats, self.plain))
        return (
            Ratio.of([one.ttft for one in ours], [one.ttft for one in plain]),
            Ratio.of([one.itl for one in ours], [one.itl for one in plain]),
        )

    @property
    def by_the_wire(self) -> Figures | None:
        """Ratios of each client's medians over those of its own packets, so that the engine's ups and downs cancel."""
        if self.wire is None or not self.plain_carried:
            return None
        plain = _figures(self.plain_answers) / _seen_figures(self.plain_carried)
        return self.ours / self.wire / plain

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


def _seen_figures(seen: Sequence[Seen]) -> Figures:
    return Figures.of([one.ttft_s for one in seen], [gap for one in seen for gap in one.gaps_s])


def _gaps(moments: Sequence[float]) -> Iterator[float]:
    return (later - earlier for earlier, later in pairwise(moments))


def faults(row: Row, tokenizer: Tokenizer, tolerance: float) -> Iterator[str]:
    """What speaks against a row."""
    if not row.summary["valid"]:
        yield f"INVALID: {'; '.join(row.summary['reasons'])}"
    same, answers = row.recounted(tokenizer)
    if same < MOST * answers:
        yield f"the tokenizer agrees with the tokens of only {same} of {answers} answers"
    if row.seen is not None:
        yield from _missed(len(row.carried), answers, "answers")
        yield from _missed(len(row.plain_carried), len(row.plain_answers), "answers of the plain client")
    for name, ours, wire in _both(row.ours, row.wire):
        if abs(ours / wire - 1) > tolerance:
            yield f"{name} p50 is {ours:.2f} ms, that of the packets {wire:.2f} ms"
    for name, by_the_wire, _ in _both(row.by_the_wire or Figures(1, 1), Figures(1, 1)):
        if abs(by_the_wire - 1) > tolerance:
            yield f"{name} p50, each by its packets, is {by_the_wire:.3f} times the plain client's"
    for name, ratio in _named(row.ratios):
        if ratio.differs(tolerance) and row.by_the_wire is None:
            yield f"{name} p50 is {ratio} times the plain client's"


def _missed(seen: int, of: int, what: str) -> Iterator[str]:
    if seen < of:
        yield f"only {seen} of {of} {what} were seen on the wire"


def notes(row: Row, tolerance: float) -> Iterator[str]:
    """What is no fault of ours: engines that answered the clients differently, and what more turns would decide."""
    for name, ratio in _named(row.ratios):
        if row.by_the_wire is not None and ratio.differs(tolerance):
            yield f"{name} p50 is {ratio} times the plain client's, and the packets tell the same"
        if row.by_the_wire is None and not (ratio.differs(tolerance) or ratio.agrees(tolerance)):
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
    ours, wire, ratios, by_the_wire = row.ours, row.wire, row.ratios, row.by_the_wire
    return markdown_row(
        *(row.engine, row.how, row.what, "VALID" if row.summary["valid"] else "INVALID"),
        *(row.summary["token_source"], f"{same} of {answers}"),
        *(f"{ours.ttft:.1f}", f"{wire.ttft:.1f}" if wire else "", str(ratios[0]) if ratios else ""),
        f"{by_the_wire.ttft:.3f}" if by_the_wire else "",
        *(f"{ours.itl:.2f}", f"{wire.itl:.2f}" if wire else "", str(ratios[1]) if ratios else ""),
        f"{by_the_wire.itl:.3f}" if by_the_wire else "",
    )
