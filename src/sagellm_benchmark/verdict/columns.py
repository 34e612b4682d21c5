"""The measured requests of a run as arrays. Pure: samples in, arrays out."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import numpy.typing as npt

from sagellm_benchmark.client.sample import Failure, Phase, Sample
from sagellm_benchmark.verdict.texts import Reader, Texts
from sagellm_benchmark.verdict.texts import join as join_texts

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Inside:
    """What happened inside a fixed window, including the parts of answers that began before it or ended after it."""

    tokens: float  # NaN where nobody could count them
    busy_s: float  # summed over the requests in flight

    @classmethod
    def of(cls, sample: Sample, tokens: int | None, begin: float, end: float) -> Inside:
        """Return one answer's part of it."""
        share = (bisect_left(sample.event_s, end) - bisect_left(sample.event_s, begin)) / len(sample.event_s)
        busy_s = max(min(sample.end_s, end) - max(sample.start_s, begin), 0.0)
        return cls(_or_nan(tokens) * share if share else 0.0, busy_s)

    def __add__(self, other: Inside) -> Inside:
        return Inside(self.tokens + other.tokens, self.busy_s + other.busy_s)


@dataclass(frozen=True, slots=True)
class Columns:
    """The measured requests as arrays: one entry per answered request, seconds; `gap_s` one per event gap."""

    attempted: int
    failures: Mapping[str, int]  # by reason
    first_start_s: float  # over all measured requests, failed ones too
    last_end_s: float
    due_s: Floats  # NaN in a closed loop
    start_s: Floats
    first_s: Floats  # first content event
    last_s: Floats  # last content event
    end_s: Floats  # last byte: until then the request was in flight
    tokens: Floats  # generated; NaN where nobody could count them
    prompt_tokens: Floats  # NaN where the server did not say
    cached_tokens: Floats
    events: Floats
    first_share: Floats  # of the text, that came with the first event; NaN where nobody noted it
    conversation: Floats  # its position in the run's source
    gap_s: Floats
    starts_s: Floats  # of every measured conversation, failed ones too, in order
    texts: Texts = Texts()  # of the answers
    inside: Inside | None = None  # of a fixed window

    @property
    def answered(self) -> int:
        """Requests that were answered completely."""
        return len(self.start_s)

    @property
    def window_s(self) -> float:
        """Start of the first measured request to the end of the last."""
        return max(self.last_end_s - self.first_start_s, 0.0)

    @property
    def ttft_s(self) -> Floats:
        """Time to first token of each answered request."""
        return self.first_s - self.start_s

    @property
    def e2e_s(self) -> Floats:
        """Request start to last content event of each answered request."""
        return self.last_s - self.start_s

    @property
    def tpot_s(self) -> Floats:
        """(last − first content event) / tokens that came after the first event; NaN for one token, or one event."""
        several = (self.tokens > 1) & (self.events > 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(several, (self.last_s - self.first_s) / (self.tokens - self.first_tokens), np.nan)

    @property
    def first_tokens(self) -> Floats:
        """Tokens in the first event of each answer.

        As many as in the others, or one, as a prefill gives it: whichever the first event's part of the text, over all
        answers, comes nearer to. One where every event holds one.
        """
        shares = known(self.first_share)
        with np.errstate(divide="ignore", invalid="ignore"):
            alike = self.tokens / self.events
            alone = np.minimum(alike, 1.0)
            if not len(shares) or not len(known(self.tokens)):
                return alike
            seen = np.nanmean(self.tokens) * shares.mean()
            return alike if abs(seen - np.nanmean(alike)) <= abs(seen - np.nanmean(alone)) else alone

    @property
    def itl_s(self) -> Floats:
        """Mean event gap of each answered request; NaN for one-event answers."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.events > 1, (self.last_s - self.first_s) / (self.events - 1), np.nan)


def collect(
    samples: Iterable[Sample],
    count_tokens: Callable[[Sample], int | None],
    window_s: tuple[float, float] | None = None,
) -> Columns:
    """Return arrays of the measured samples; those that our own Ctrl-C caught in flight are left out.

    `count_tokens` gives an answer's generated tokens, or None where nobody can tell. The window runs from the first
    request's start to the last one's end, or is the one given: then tokens count by when they came, also those of
    answers that reach into it or out of it, so that its edges take nothing away.
    """
    rows = array("d")
    gaps = array("d")
    starts = array("d")
    texts = Reader()
    failures: Counter[str] = Counter()
    first_start, last_end = float("inf"), float("-inf")
    attempted, inside = 0, Inside(0.0, 0.0)
    for sample in samples:
        answered, measured = sample.failure is None, sample.phase is Phase.MEASURED
        tokens = count_tokens(sample) if answered and (measured or window_s is not None) else None
        if answered and window_s is not None:
            inside += Inside.of(sample, tokens, *window_s)
        if not measured or sample.failure is Failure.INTERRUPTED:
            continue
        if sample.turn == 0:
            starts.append(sample.start_s)
        attempted += 1
        first_start, last_end = min(first_start, sample.start_s), max(last_end, sample.end_s)
        if sample.failure is not None:
            failures[sample.failure.value] += 1
            continue
        texts.note(sample.text)
        rows.extend(_row(sample, tokens))
        gaps.frombytes(np.diff(array("d", sample.event_s)).tobytes())
    begin, end = window_s or ((first_start, last_end) if attempted else (0.0, 0.0))
    return Columns(
        attempted=attempted,
        failures=dict(failures),
        first_start_s=begin,
        last_end_s=end,
        inside=None if window_s is None else inside,
        texts=texts.texts,
        starts_s=np.sort(_floats(starts)),
        gap_s=_floats(gaps),
        **dict(zip(ROW, _floats(rows).reshape(-1, len(ROW)).T, strict=True)),
    )


def _floats(values: array[float]) -> Floats:
    return np.frombuffer(values, dtype=np.float64) if values else np.empty(0)


ROW = (
    *("due_s", "start_s", "first_s", "last_s", "end_s"),
    *("tokens", "prompt_tokens", "cached_tokens", "events", "first_share", "conversation"),
)


def _row(sample: Sample, tokens: int | None) -> tuple[float, ...]:
    return (
        _or_nan(sample.due_s),
        sample.start_s,
        sample.event_s[0],
        sample.event_s[-1],
        sample.end_s,
        _or_nan(tokens),
        _or_nan(sample.prompt_tokens),
        _or_nan(sample.cached_tokens),
        len(sample.event_s),
        _or_nan(sample.first_share),
        sample.index,
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def known(values: Floats) -> Floats:
    """Return the values that were measured."""
    return values[~np.isnan(values)]


def joined(repeats: Sequence[Columns]) -> Columns:
    """Return several repeats of one load as if they had run back to back, with nothing between their windows."""
    if len(repeats) == 1:
        return repeats[0]
    ends = np.cumsum([0.0, *(columns.window_s for columns in repeats)])
    shifts = [float(end) - columns.first_start_s for end, columns in zip(ends, repeats, strict=False)]

    def stack(name: str, *, moved: bool = False) -> Floats:
        parts = zip(repeats, shifts, strict=True)
        return np.concatenate(
            [getattr(columns, name) + (shift if moved else 0.0) for columns, shift in parts]
        )

    inside = [columns.inside for columns in repeats if columns.inside is not None]
    failures: Counter[str] = Counter()
    for columns in repeats:
        failures.update(columns.failures)
    return Columns(
        attempted=sum(columns.attempted for columns in repeats),
        failures=dict(failures),
        first_start_s=0.0,
        last_end_s=float(ends[-1]),
        texts=join_texts([columns.texts for columns in repeats]),
        inside=reduce(add, inside) if inside else None,
        **{name: stack(name, moved=True) for name in (*ROW[:5], "starts_s")},
        **{name: stack(name) for name in (*ROW[5:], "gap_s")},
    )
