"""Parse the text of single options into typed values; the error for a bad text shows how to write it."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import click

from sagellm_benchmark.errors import UsageError

T = TypeVar("T")

MOST_STREAMS = 100_000
_RATE_HINT = "write requests per second: 4, or 1,2,4 for a sweep, 2..20 for a ramp, or inf for all at once"
_STREAMS = re.compile(r"[0-9]{1,9}")
_SLO_HINT = "write it as ttft=200ms,tpot=50ms"
_SLO_PART = re.compile(r"(?P<metric>[a-z0-9]+)\s*=\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>ms|s)")


class Rate(NamedTuple):
    """Requests per second; infinite means all at once. In a ramp, the rate goes from `first` to `last`."""

    first: float
    last: float | None = None

    @property
    def steady(self) -> bool:
        """Whether there is one finite rate, around which arrivals can be spread."""
        return self.last is None and math.isfinite(self.first)

    def __str__(self) -> str:
        return str(self.first) if self.last is None else f"{self.first}..{self.last}"


class Number(click.FloatRange):
    """A number above 0, or from 0 with `or_zero`, up to a million; never NaN. --help shows it as `unit`."""

    def __init__(self, unit: str, *, or_zero: bool = False) -> None:
        super().__init__(min=0, min_open=not or_zero, max=1e6)
        self.unit = unit

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """Return the placeholder of the value in --help."""
        return self.unit

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number. Raise UsageError if it is none or out of range, or NaN, which click would let through."""
        try:
            number = float(super().convert(value, param, ctx))
        except click.BadParameter:
            number = math.nan
        if math.isnan(number):
            above = f"write a number above 0, up to {self.max:,.0f}"
            raise _refused(
                param, value, above if self.min_open else f"write a number from 0 to {self.max:,.0f}"
            )
        return number


class Count(click.IntRange):
    """A whole number in a range; --help shows it as N."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """Return the placeholder of the value in --help."""
        return "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number. Raise UsageError if it is none or out of range."""
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            hint = f"write a whole number from {self.min:,} to {self.max:,}"
            raise _refused(param, value, hint) from None


class OneOf(click.Choice[str]):
    """One of a few words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word as it is declared. Raise UsageError for any other word."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            raise _refused(param, value, f"choose from {', '.join(self.choices)}") from None


class Parsed(click.ParamType[Any]):
    """Text that `parse` turns into a typed value; `parse` raises a UsageError that says how to write it."""

    name = "text"

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self.parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """Return the typed value; click may hand over a default, which is typed already."""
        return self.parse(value) if isinstance(value, str) else value


class Words(click.ParamType[Any]):
    """A command or its arguments, split into words as a shell would, without a shell."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        """Return the words. Raise UsageError if a quote is not closed, or if there are none."""
        if not isinstance(value, str):
            return value
        try:
            found = tuple(shlex.split(value))
        except ValueError as error:
            raise _refused(param, value, "close every quote") from error
        if not found:
            raise _refused(param, value, "leave the option out, or give it something")
        return found


def _refused(param: click.Parameter | None, value: Any, hint: str) -> UsageError:
    option = next((name for name in (param.opts if param else ()) if name.startswith("--")), "this command")
    return UsageError(f"{option} does not understand {str(value)!r}", hint=hint)


POSITIVE = Number("X")
SECONDS = Number("SECONDS")
SECONDS_OR_NONE = Number("SECONDS", or_zero=True)
COUNT = Count(1, 10_000_000)


def slo(text: str) -> Mapping[str, float]:
    """Parse a text such as `ttft=200ms,tpot=0.05s` into limits in seconds, by metric."""
    limits: dict[str, float] = {}
    for part in text.split(","):
        match = _SLO_PART.fullmatch(part.strip().lower())
        if match is None:
            raise UsageError(f"--slo does not understand {part.strip()!r}", hint=_SLO_HINT)
        limit = float(match["number"]) * (1e-3 if match["unit"] == "ms" else 1.0)
        if not 0 < limit < math.inf:
            raise UsageError(f"--slo does not understand {part.strip()!r}", hint=_SLO_HINT)
        if match["metric"] in limits:
            raise UsageError(f"--slo names {match['metric']} twice", hint="give each metric one objective")
        limits[match["metric"]] = limit
    return limits


def rates(text: str) -> tuple[Rate, ...]:
    """Parse a list such as `1,2.5,inf` of requests per second, in which `2..20` is a ramp."""
    return _different("--rate", tuple(_rate(part, text) for part in text.split(",")))


def _rate(part: str, text: str) -> Rate:
    first, dots, last = (word.strip() for word in part.partition(".."))
    try:
        if not dots:
            return Rate(math.inf if first.lower() == "inf" else _above_zero(first))
        return Rate(_above_zero(first), _above_zero(last))
    except ValueError as error:
        raise UsageError(f"--rate does not understand {text!r}", hint=_RATE_HINT) from error


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:  # 1e400 is infinite, too, and not meant
        raise ValueError(text)
    return number


def counts(text: str) -> tuple[int, ...]:
    """Parse a list such as `1,2,4` of numbers of streams."""
    parts = [part.strip() for part in text.split(",")]
    if not all(_STREAMS.fullmatch(part) and 1 <= int(part) <= MOST_STREAMS for part in parts):
        raise UsageError(
            f"--concurrency does not understand {text!r}",
            hint=f"write whole numbers from 1 to {MOST_STREAMS:,}: 8, or 1,2,4 for a sweep",
        )
    return _different("--concurrency", tuple(int(part) for part in parts))


def _different(option: str, loads: tuple[T, ...]) -> tuple[T, ...]:
    """Return the loads of a sweep. Raise UsageError if one of them is named twice."""
    twice = next((one for one in loads if loads.count(one) > 1), None)
    if twice is not None:
        raise UsageError(
            f"{option} names {twice} twice",
            hint="leave one of them out; --repeats measures the same load several times",
        )
    return loads
