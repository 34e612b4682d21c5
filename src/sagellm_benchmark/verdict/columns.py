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
    """What happened inside a fixed window, including parts of answers that began before it or ended after it."""

    tokens: float  # NaN if nobody could count them
    busy_s: float  # the time in flight, summed over the requests

    @classmethod
    def of(cls, sample: Sample, tokens: int | None, begin: float, end: float) -> Inside:
        """Return the part of one answer that lies inside the window from `begin` to `end`."""
        share = (bisect_left(sample.event_s, end) - bisect_left(sample.event_s, begin)) / len(sample.event_s)
        busy_s = max(min(sample.end_s, end) - max(sample.start_s, begin), 0.0)
        return cls(_or_nan(tokens) * share if share else 0.0, busy_s)

    def __add__(self, other: Inside) -> Inside:
        return Inside(self.tokens + other.tokens, self.busy_s + other.busy_s)


@dataclass(frozen=True, slots=True)
class Columns:
    """The measured requests as arrays, in seconds: one entry per answered request; `gap_s` has one per event gap."""

    attempted: int
    failures: Mapping[str, int]  # by reason
    first_start_s: float  # of all measured requests, including failed ones; or the window's beginning
    last_end_s: float  # likewise; or the window's end
    due_s: Floats  # NaN in a closed loop
    start_s: Floats
    first_s: Floats  # the first content event
    last_s: Floats  # the last content event
    end_s: Floats  # the last byte; until then, the request was in flight
    tokens: Floats  # generated; NaN if nobody could count them
    prompt_tokens: Floats  # NaN if the server did not say; so with `cached_tokens`
    cached_tokens: Floats
    events: Floats
    first_share: Floats  # the part of the text that came with the first event; NaN if it was not recorded
    conversation: Floats  # its position in the run's source
    gap_s: Floats
    starts_s: Floats  # when each measured conversation started, including failed ones, in order
    texts: Texts = Texts()  # of the answers
    inside: Inside | None = None  # None if there is no fixed window

    @property
    def answered(self) -> int:
        """The number of requests that were answered completely."""
        return len(self.start_s)

    @property
    def window_s(self) -> float:
        """Seconds from the start of the first measured request to the end of the last; or of the fixed window."""
        return max(self.last_end_s - self.first_start_s, 0.0)

    @property
    def ttft_s(self) -> Floats:
        """Seconds to the first token of each answered request."""
        return self.first_s - self.start_s

    @property
    def e2e_s(self) -> Floats:
        """Seconds from the start to the last content event of each answered request."""
        return self.last_s - self.start_s

    @property
    def tpot_s(self) -> Floats:
        """Seconds per output token after the first event of each answered request; see `tpot_s`."""
        return tpot_s(self.last_s - self.first_s, self.tokens, self.events, self.first_share)

    @property
    def itl_s(self) -> Floats:
        """The mean event gap of each answered request; NaN for an answer of one event."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.events > 1, (self.last_s - self.first_s) / (self.events - 1), np.nan)


def tpot_s(span_s: Floats, tokens: Floats, events: Floats, first_share: Floats) -> Floats:
    """Return the seconds per output token of each answer; NaN for one token or one event.

    (last − first content event) / tokens that came after the first event. All arguments are arrays of one value per
    answer; NaN in `tokens` and `first_share` is not known.
    """
    several = (tokens > 1) & (events > 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(several, span_s / (tokens - first_tokens(tokens, events, first_share)), np.nan)


def first_tokens(tokens: Floats, events: Floats, first_share: Floats) -> Floats:
    """Return the tokens in the first event of each answer: as many as in the other events, or one, as a prefill gives.

    Of the two, it is the one that fits better with the part of the text that came with the first events.
    """
    shares = known(first_share)
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = tokens / events
        alone = np.minimum(alike, 1.0)
        if not len(shares) or not len(known(tokens)):
            return alike
        seen = np.nanmean(tokens) * shares.mean()
        return alike if abs(seen - np.nanmean(alike)) <= abs(seen - np.nanmean(alone)) else alone


def collect(
    samples: Iterable[Sample],
    count_tokens: Callable[[Sample], int | None],
    window_s: tuple[float, float] | None = None,
) -> Columns:
    """Return arrays of the measured samples, without those that were in flight when the load was stopped.

    `count_tokens` returns an answer's generated tokens, or None if nobody can tell. Without `window_s`, the window
    reaches from the first request's start to the last one's end. With it, tokens count by the time at which they came,
    including those of answers that begin before the window or end after it.
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
    """Return the values that were measured: those that are not NaN."""
    return values[~np.isnan(values)]


def joined(repeats: Sequence[Columns]) -> Columns:
    """Return several repeats of one load as if their windows had followed each other without a pause."""
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
