"""Decide by arithmetic and physics whether a row can be true, without the run behind it. Pure.

Bounds are loose: a row is refused for what cannot be, not for what is rare. Each reason names the next action.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sagellm_benchmark.board.identity import Row
from sagellm_benchmark.chips import GB_PER_S, bandwidth_gb_s

MAX_ERROR_RATE = 0.01  # of attempted requests, in a run as in a row

BYTES_PER_WEIGHT = {"FP32": 4.0, "FP16": 2.0, "BF16": 2.0, "FP8": 1.0, "INT8": 1.0, "INT4": 0.5}
TOKENS_PER_STEP = 8  # speculative decoding accepts several tokens for one reading of the weights
LOOSE = 1.5  # mean latencies and overall rates are means of different things
FIXED_LENGTHS = (None, "", "random", "default")  # datasets whose answers all have the stated length
FLOP_PER_BYTE = 2500  # of the chip that computes most for its memory: B200, FP4 with sparsity, over 8 TB/s
FASTEST_STREAM_MS = 0.2  # no server writes 5,000 events a second into one stream


@dataclass(frozen=True, slots=True)
class Claims:
    """The numbers of a row that the checks look at; None if the row states no usable one."""

    ttft_ms: float | None
    gap_ms: float | None  # between tokens if the row tells tokens and events apart; else between events
    event_gap_ms: float | None
    token_gap_ms: float | None
    answer_ms: float | None  # a whole answer: as stated, else what TTFT and gaps add up to
    throughput_tps: float | None
    error_rate: float | None
    output_length: float | None
    at_once: float | None  # requests in flight at most; None in an open loop
    step_floor_ms: float | None  # the least time that memory needs to feed the active weights once
    most_tps: float | None  # tokens/s that all chips can compute, however many streams share the weights
    request_rate: float | None  # requests/s of an open loop

    @classmethod
    def of(cls, row: Row) -> Claims:
        """Read the numbers from any row."""
        metrics, work = _object(row, "metrics"), _object(row, "workload")
        ttft, events, tokens = (_number(metrics, name) for name in ("ttft_ms", "tbt_ms", "tpot_ms"))
        gap = events if tokens is None else tokens
        length = _number(work, "output_length") if work.get("dataset") in FIXED_LENGTHS else None
        streams = _number(work, "concurrent_requests")
        batch = _number(work, "batch_size") or 1
        return cls(
            ttft_ms=ttft,
            gap_ms=gap,
            event_gap_ms=events,
            token_gap_ms=tokens,
            answer_ms=_number(metrics, "e2e_ms") or _sum(ttft, gap, length),
            throughput_tps=_number(metrics, "throughput_tps"),
            error_rate=_number(metrics, "error_rate"),
            output_length=length,
            at_once=None if streams is None or "request_rate" in work else streams * batch,
            step_floor_ms=_step_floor_ms(row),
            most_tps=_most_tps(row),
            request_rate=_rate(work),
        )


def implausible(row: Any) -> list[str]:
    """Return why a new row cannot be believed, each reason with the next action; empty if it can."""
    if not isinstance(row, dict):
        return []
    claims = Claims.of(row)
    return list(chain.from_iterable(check(claims) for check in CHECKS))


def made_something(c: Claims) -> Iterator[str]:
    """Refuse a row with neither tokens nor failures."""
    if c.throughput_tps == 0 and not c.error_rate:
        yield "zero throughput with zero errors: count empty answers as errors and measure again"


def answered(c: Claims) -> Iterator[str]:
    """Refuse a row if too many of its requests failed."""
    if c.error_rate and c.error_rate > MAX_ERROR_RATE:
        yield (
            f"{c.error_rate:.1%} of the requests failed, more than {MAX_ERROR_RATE:.0%}: "
            "fix the server or lower the load, then measure again"
        )


def streamed(c: Claims) -> Iterator[str]:
    """Refuse answers that were not streamed: nearly all of their time is TTFT, and then all tokens come at once."""
    if c.ttft_ms is None or c.gap_ms is None or not c.answer_ms or (c.output_length or 0) < 8:
        return
    share = c.ttft_ms / c.answer_ms
    if share > 0.95 and c.gap_ms < FASTEST_STREAM_MS:
        yield (
            f"not streamed: TTFT is {share:.0%} of the whole answer and tokens follow every {c.gap_ms:.3g} ms; "
            "switch on streaming, switch off buffering, and measure again"
        )


def took_time(c: Claims) -> Iterator[str]:
    """Refuse tokens that took no time."""
    if c.throughput_tps and c.ttft_ms == 0:
        yield "TTFT of 0 ms with tokens generated: it was not measured; stream the answers and measure again"


def rate_fits_gap(c: Claims) -> Iterator[str]:
    """Refuse a rate above that of all streams together, each with one token per gap."""
    if not c.token_gap_ms or c.at_once is None or c.throughput_tps is None:
        return
    most = c.at_once * 1000 / c.token_gap_ms
    if c.throughput_tps > most * LOOSE:
        yield (
            f"{c.throughput_tps:.4g} tokens/s is more than {c.at_once:g} streams with one token every "
            f"{c.token_gap_ms:.3g} ms can produce ({most:.4g}); check how tokens and requests at once were counted"
        )


def littles_law(c: Claims) -> Iterator[str]:
    """Refuse a load that does not fit requests in flight = tokens/s ÷ tokens per answer × seconds per answer.

    That is Little's law (1961).
    """
    if not (c.throughput_tps and c.answer_ms and c.output_length and c.at_once):
        return
    in_flight = c.throughput_tps / c.output_length * c.answer_ms / 1000
    if in_flight > c.at_once * LOOSE:
        yield (
            f"Little's law: rate and latency imply {in_flight:.3g} requests in flight, but {c.at_once:g} were sent "
            "at once; check concurrent_requests and how the throughput was computed"
        )
    elif c.at_once == 1 and in_flight < 0.5:
        yield (
            "Little's law: one request after another keeps 1 in flight, but rate and latency say "
            f"{in_flight:.2g}; check that answers have the stated length and that failures are counted"
        )


def tokens_fit_events(c: Claims) -> Iterator[str]:
    """Refuse tokens that are much further apart than events, each of which carries at least one token."""
    if c.event_gap_ms and c.token_gap_ms and c.token_gap_ms > 2 * c.event_gap_ms:
        yield (
            f"TPOT {c.token_gap_ms:.3g} ms is more than twice the gap between events ({c.event_gap_ms:.3g} ms): "
            "output tokens are undercounted; take them from the server's usage"
        )


def memory_can_feed(c: Claims) -> Iterator[str]:
    """Refuse tokens that come faster than memory can deliver the active weights, which each decoding step reads."""
    if c.gap_ms is not None and c.step_floor_ms is not None and c.gap_ms < c.step_floor_ms / TOKENS_PER_STEP:
        yield (
            f"a token every {c.gap_ms:.3g} ms is faster than memory can deliver the weights (one step takes "
            f"{c.step_floor_ms:.3g} ms); check hardware, model.parameters and model.precision"
        )


def chips_can_compute(c: Claims) -> Iterator[str]:
    """Refuse a rate that the chips cannot compute: each token costs two operations for each active weight."""
    if c.throughput_tps is not None and c.most_tps is not None and c.throughput_tps > c.most_tps:
        yield (
            f"{c.throughput_tps:.4g} tokens/s is more than these chips can compute ({c.most_tps:.4g}); "
            "check hardware, model.parameters and how tokens were counted"
        )


def rate_was_asked_for(c: Claims) -> Iterator[str]:
    """Refuse more tokens than an open loop asks for, with room for random arrivals that are denser for a while."""
    if c.throughput_tps is None or c.request_rate is None or c.output_length is None:
        return
    most = c.request_rate * c.output_length * 3
    if c.throughput_tps > most:
        yield (
            f"{c.throughput_tps:.4g} tokens/s is more than {c.request_rate:g} requests/s of {c.output_length:g} tokens "
            "amount to; check request_rate and how tokens were counted"
        )


CHECKS: tuple[Callable[[Claims], Iterator[str]], ...] = (
    made_something,
    answered,
    streamed,
    took_time,
    rate_fits_gap,
    littles_law,
    tokens_fit_events,
    memory_can_feed,
    chips_can_compute,
    rate_was_asked_for,
)


def _step_floor_ms(row: Row) -> float | None:
    """Return the milliseconds in which all chips' memory delivers the active weights once; None for an unknown size."""
    width = BYTES_PER_WEIGHT.get(str(_object(row, "model").get("precision")))
    billions, bandwidth = _least_billions(row), _all_gb_s(row)
    if width is None or not billions or not bandwidth:
        return None
    return billions * width / bandwidth * 1000  # 1e9 weights over 1e9 bytes/s


def _most_tps(row: Row) -> float | None:
    """Return the most tokens/s that all chips can compute; None for a model of unknown size."""
    billions, bandwidth = _least_billions(row), _all_gb_s(row)
    return bandwidth * FLOP_PER_BYTE / (2 * billions) if billions and bandwidth else None


def _all_gb_s(row: Row) -> float | None:
    """Return the memory bandwidth of all chips in GB/s; an unknown chip, or a CPU, counts as the fastest known one."""
    hardware = _object(row, "hardware")
    known = bandwidth_gb_s(str(hardware.get("chip_model")))
    chips = _number(hardware, "chip_count")
    return chips and chips * (max(GB_PER_S.values()) if known is None else known)


def _least_billions(row: Row) -> float | None:
    """Return how many billion weights a token passes through at least: for "8x7B", those of one expert."""
    said = str(_object(row, "model").get("parameters"))
    expert = re.fullmatch(r"[0-9]{1,6}x([0-9.]{1,12}B)", said)
    return active_billions(expert[1] if expert else said)


def _rate(work: Row) -> float | None:
    """Return the highest requests/s of an open loop; of a rate that grows, the one at its end. None if unknown."""
    try:
        rate = max(map(float, str(work["request_rate"]).split("..", 1)))
    except (KeyError, ValueError):
        return None
    return rate if 0 < rate < 1e15 else None


def active_billions(parameters: str) -> float | None:
    """Return how many billion weights a token passes through: 7 for "7B", 0.135 for "135M", 3 for "30B-A3B".

    None for "8x7B", and for what is not a size.
    """
    said = re.search(r"A([0-9]+(?:\.[0-9]+)?)B\b", parameters) or re.fullmatch(
        r"\s*([0-9]+(?:\.[0-9]+)?)\s*([BM])", parameters
    )
    if said is None:
        return None
    return float(said[1]) / (1000 if said[0].strip().endswith("M") else 1)


def _sum(ttft: float | None, gap: float | None, length: float | None) -> float | None:
    return ttft + gap * (length - 1) if ttft is not None and gap is not None and length else None


def _object(row: Row, name: str) -> Row:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _number(place: Row, name: str) -> float | None:
    value = place.get(name)
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1e15
    return float(value) if usable and value is not None else None
