"""Two runs or rows side by side: whether they may be compared, how they differ, and which one is faster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sagellm_benchmark.errors import DataError
from sagellm_benchmark.runs.quantities import QUANTITIES, Quantity
from sagellm_benchmark.runs.side import Side
from sagellm_benchmark.verdict import compare
from sagellm_benchmark.verdict.compare import DETECT, Difference, Estimate, Speed

FEWEST_REPEATS = 3  # of each side: with fewer, nobody can say how many repeats would decide


@dataclass(frozen=True, slots=True)
class Compared:
    """A quantity of two sides; `difference` is None if it has no ratio."""

    quantity: Quantity
    a: float
    b: float
    difference: Difference | None

    @property
    def word(self) -> str:
        """The verdict in one word; a quantity that is not a speed is better or worse, not faster or slower."""
        if self.quantity.unit in ("ms", "") or self.quantity.unit.endswith("/s"):
            return self.verdict.value
        return {Speed.FASTER: "better", Speed.SLOWER: "worse"}.get(self.verdict, self.verdict.value)

    @property
    def verdict(self) -> Speed:
        """Whether B is faster by this quantity."""
        if self.difference is None:
            return Speed.CANNOT_TELL
        return self.difference.verdict(self.quantity.better)


@dataclass(frozen=True, slots=True)
class Comparison:
    """B beside A."""

    a: Side
    b: Side
    lines: tuple[Compared, ...]
    objections: tuple[str, ...]  # reasons not to compare A and B, which were overruled
    detect: float = DETECT  # the smallest relative difference that the comparison should find
    in_turn: bool = False  # whether A and B were measured alternately, round by round

    @property
    def verdict(self) -> Speed | None:
        """The verdict on throughput and mean latencies together; None if they contradict each other."""
        return compare.overall(
            [
                one.difference.verdict(one.quantity.better, together=True)
                for one in self.lines
                if one.quantity.decides and one.difference is not None
            ]
        )

    @property
    def more_repeats(self) -> int | None:
        """How many repeats of each side would find a difference of `detect` in every deciding figure.

        None if 1,000 would not do. A figure whose variation is unknown counts with FEWEST_REPEATS; see `at_least`.
        """
        needed = [one.more_repeats if one.sure else FEWEST_REPEATS for one in self._deciding]
        return None if None in needed or not needed else max(one for one in needed if one is not None)

    @property
    def at_least(self) -> bool:
        """Whether it may take more than `more_repeats`, because the variation of a deciding figure is unknown."""
        return not all(one.sure for one in self._deciding)

    @property
    def _deciding(self) -> list[Difference]:
        return [one.difference for one in self.lines if one.quantity.decides and one.difference is not None]


def compared(
    a: Side, b: Side, *, force: bool = False, detect: float = DETECT, in_turn: bool = False
) -> Comparison:
    """Compare B with A, round by round if they were measured `in_turn`.

    Raise DataError if the two are not alike or one is not valid, unless `force` overrules that.
    """
    objections = tuple(_objections(a, b))
    if objections and not force:
        raise DataError(
            f"{b.name} cannot be compared with {a.name}:"
            + "".join(f"\n       {one.what}" for one in objections),
            hint=objections[0].remedy,
        )
    lines = tuple(
        Compared(
            one,
            a.estimates[one.name].value,
            b.estimates[one.name].value,
            _difference(a.estimates[one.name], b.estimates[one.name], detect, in_turn=in_turn),
        )
        for one in QUANTITIES
        if one.name in a.estimates and one.name in b.estimates
    )
    return Comparison(a, b, lines, tuple(one.what for one in objections), detect, in_turn)


def _difference(a: Estimate, b: Estimate, detect: float, *, in_turn: bool) -> Difference:
    if in_turn and len(a.repeats) == len(b.repeats) > 0:
        return compare.paired(a, b, detect)
    return compare.difference(a, b, detect)


class _Objection(NamedTuple):
    """Why two sides should not be compared, and what to do instead."""

    what: str
    remedy: str


_OTHER_RUNS = "name two different runs"
_ONE_CLIENT = "measure both with the same client, or add --force"
_AGAIN = "measure again what is not valid, or add --force"
_LIKE = "compare runs of the same load on the same hardware, or add --force"


def _objections(a: Side, b: Side) -> Iterator[_Objection]:
    """Yield the reasons not to compare the two, the weightiest first."""
    if a.figures and a.figures == b.figures and a.configuration == b.configuration:
        yield _Objection("both are the same run: no figure differs in any digit", _OTHER_RUNS)
    if a.client != b.client:
        yield _Objection(
            f"one was measured by {a.client} and the other by {b.client}: each takes times in its own way, "
            "so a difference may be that of the clients",
            _ONE_CLIENT,
        )
    unlike = [
        f"{name} is {value or 'not known'} in one and {b.configuration[name] or 'not known'} in the other"
        for name, value in a.configuration.items()
        if value != b.configuration.get(name, value)  # another client's files may not state it
    ]
    yield from (_Objection(one, _LIKE) for one in unlike)
    for side in (a, b):
        if side.against:
            yield _Objection(f"{side.name} is not valid ({'; '.join(side.against)})", _AGAIN)
