"""Which rows may be ranked in one list, and their ranks where intervals allow one. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sagellm_benchmark.board.identity import Identity
from sagellm_benchmark.board.scenarios import CUSTOM, DOCUMENTED, scenario

_NAMED_BY_LOAD = {CUSTOM} | {name for name, one in DOCUMENTED.items() if one.turns == 1}
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")


class Scope(NamedTuple):
    """What rows must share to be ranked against each other: all that is asked of an engine, and what it runs on."""

    model: str
    precision: str
    quantization: str
    weights: str
    workload: str
    input_length: str
    output_length: str
    dataset: str
    batch_size: str
    concurrency: str
    chip_model: str
    chip_count: str
    node_count: str
    unnamed: str

    @property
    def group(self) -> tuple[str, ...]:
        """What rows share that one picture shows: the load and the hardware are its axes and its series.

        Q1 and Q5 differ in nothing but the load; conversations and what other tools named stay what they are.
        """
        name = "" if self.workload in _NAMED_BY_LOAD else self.workload
        return (*self._replace(workload=name)[: self._fields.index("concurrency")], self.unnamed)


def scope(identity: Identity) -> Scope:
    """Return the scope of a configuration: engine, versions and parallelism are what compete in it."""
    shared = {name: getattr(identity, name) for name in Scope._fields}
    return Scope(**{**shared, "workload": scenario(identity.workload) or identity.workload})


class Interval(NamedTuple):
    """Where a throughput lies with 95 % confidence; `known` is false where a row states none."""

    low: float
    high: float
    known: bool = True


def interval(metrics: Mapping[str, Any]) -> Interval | None:
    """Return the interval of `throughput_tps` as a row states it, else the point alone; None without a throughput."""
    value = number(metrics.get("throughput_tps"))
    if value is None:
        return None
    stated = metrics.get("throughput_tps_ci95")
    if not isinstance(stated, list):
        stated = [metrics.get(f"throughput_tps_ci95_{end}") for end in ("low", "high")]
    ends = [number(end) for end in stated]
    if len(ends) == 2 and ends[0] is not None and ends[1] is not None and ends[0] <= value <= ends[1]:
        return Interval(ends[0], ends[1])
    return Interval(value, value, known=False)


def ranks(intervals: Sequence[Interval]) -> list[int]:
    """Return the rank of each: 1 + the number that are clearly faster, whose whole interval lies above its own.

    Overlapping neighbours share a rank; nobody is put below a row that it may be faster than.
    """
    lows = sorted(one.low for one in intervals)
    return [1 + _above(lows, one.high) for one in intervals]


def natural(texts: Iterable[str]) -> tuple[tuple[int, float, str], ...]:
    """Return a key that sorts texts as people would: numbers by their value, before words."""
    return tuple((0, float(text), "") if _DECIMAL.fullmatch(text) else (1, 0.0, text) for text in texts)


def number(value: Any) -> float | None:
    """Return a finite number that is not negative; None for everything else, true among it."""
    usable = type(value) in (int, float) and 0 <= value <= 1e15
    return float(value) if usable else None


def _above(ascending: Sequence[float], value: float) -> int:
    """Return how many of these are greater."""
    return len(ascending) - bisect_right(ascending, value)
