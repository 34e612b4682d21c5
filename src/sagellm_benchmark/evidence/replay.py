"""Decide whether measuring a row's configuration again gave what the row says. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sagellm_benchmark.board.agreement import Interval, Measured, agree
from sagellm_benchmark.board.identity import Identity, Row, identity
from sagellm_benchmark.errors import DataError


@dataclass(frozen=True, slots=True)
class Replayed:
    """A row's throughput and the one measured again, in tokens/s; `differs` names the fields of unlike identities."""

    entry_id: str
    claimed: Measured
    again: Measured | None
    differs: tuple[str, ...] = ()

    @property
    def reproduced(self) -> bool:
        """Whether the same configuration gave the same throughput."""
        return self.again is not None and not self.differs and agree(self.claimed, self.again)


def compare(row: Any, interval: Interval | None, runs: Iterable[tuple[Row, Interval | None]]) -> Replayed:
    """Compare a row with the new row whose configuration is most like its own; `runs` holds rows and their intervals.

    Raise DataError if a row has no throughput, or there is no new row.
    """
    wanted = identity(row)
    claimed = Measured(_throughput(row), interval)
    found = sorted(runs, key=lambda run: len(_differing(wanted, identity(run[0]))))
    if not found:
        raise DataError("the new run is not valid", hint="look at its REPORT.md")
    (measured, its_interval), *_ = found
    return Replayed(
        str(row.get("entry_id")),
        claimed,
        Measured(_throughput(measured), its_interval),
        tuple(_differing(wanted, identity(measured))),
    )


def _differing(one: Identity, other: Identity) -> list[str]:
    return [name for name, a, b in zip(Identity._fields, one, other, strict=True) if a != b]


def _throughput(row: Row) -> float:
    metrics = row.get("metrics")
    value = metrics.get("throughput_tps") if isinstance(metrics, Mapping) else None
    if not isinstance(value, int | float) or value <= 0:
        raise DataError("the row has no throughput", hint="choose another row")
    return float(value)
