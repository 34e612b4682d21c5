"""Small pictures as SVG, with round ticks on every axis. Pure; colours come from the page's style."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from sagellm_benchmark.text import wide
from sagellm_benchmark.verdict.marks import Mark
from sagellm_benchmark.verdict.stats import Distribution
from sagellm_benchmark.verdict.summarize import Histogram
from sagellm_benchmark.verdict.timeline import Gauge, Span, Timeline
from sagellm_benchmark.words import t

WIDTH, HEIGHT = 440, 220
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 22, 40
FLOOR = HEIGHT - BOTTOM
MOST_TICKS = 6
LETTER = 7  # the greatest width of a letter; a Chinese character is twice as wide


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis, which maps values to pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    whole: bool = False  # whether it counts things, so that ticks must be whole numbers

    def __call__(self, value: float) -> float:
        low, high, at = (math.log(one) if self.log else one for one in (self.low, self.high, value))
        return self.start + (at - low) / ((high - low) or 1.0) * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """Return round values inside the scale, about MOST_TICKS at most."""
        found = log_ticks(self.low, self.high) if self.log else ticks(self.low, self.high)
        return [tick for tick in found if tick == round(tick)] if self.whole else found


@dataclass(frozen=True, slots=True)
class Point:
    """A run in a picture; it is drawn hollow if its checks failed."""

    x: float
    y: float
    valid: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """Points that are joined by a line, in order."""

    name: str
    points: Sequence[Point]


def ticks(low: float, high: float, most: int = MOST_TICKS) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten from `low` to `high`."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten; only the powers if those are too many, or even steps if too few."""
    powers = [10.0**i for i in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    for factors in ((1, 2, 5), (1,)):
        chosen = [value for power in powers for f in factors if low <= (value := power * f) <= high]
        if 3 <= len(chosen) <= MOST_TICKS + 1:
            return [round(value, 12) for value in chosen]
    if len(powers) > MOST_TICKS:
        return powers[1 :: math.ceil(len(powers) / MOST_TICKS)]
    return ticks(low, high, 5)


def number(value: float) -> str:
    """Return a short label for a tick: its number, with k, M or G if it is large."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= factor:
            return f"{value / (1e3 if letter == 'k' else factor):g}{letter}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def distribution(histogram: Histogram, figures: Distribution, unit: str = "ms") -> str:
    """Draw bars over a logarithmic axis, with the median, p90 and p99 marked."""
    edges, counts = histogram.edges, histogram.counts
    x = Scale(edges[0], edges[-1], LEFT, WIDTH - RIGHT, log=edges[0] > 0)
    y = Scale(0, max(counts), FLOOR, TOP, whole=True)
    bars = "".join(
        _element(
            "rect",
            x=x(low),
            y=y(count),
            width=max(x(high) - x(low) - 0.5, 0.5),
            height=FLOOR - y(count),
            class_="bar",
        )
        for (low, high), count in zip(pairwise(edges), counts, strict=True)
        if count
    )
    return _svg(_grid(x, y, unit, "count") + bars + "".join(_marks(x, figures)))


def _marks(x: Scale, figures: Distribution) -> Iterator[str]:
    """Yield lines at the known percentiles; a label that would hide another one is moved aside."""
    named = {name: value for name in ("p50", "p90", "p99") if (value := getattr(figures, name)) is not None}
    # 0 is not on a logarithmic axis.
    lines = [x(min(max(value, x.low), x.high)) for value in named.values()]
    for name, at, place in zip(named, lines, _apart(lines, x.end), strict=True):
        yield _element("line", x1=at, x2=at, y1=TOP, y2=FLOOR, class_="mark")
        yield _element("text", name, x=place, y=TOP - 8, text_anchor="middle")


def _apart(wanted: Sequence[float], end: float, room: float = 28) -> list[float]:
    """Return places for labels in the wanted order, `room` pixels apart and none beyond the end."""
    places: list[float] = []
    for at in wanted:
        places.append(max(at, places[-1] + room) if places else at)
    most = [end - room * left for left in reversed(range(len(places)))]
    return [min(pair) for pair in zip(places, most, strict=True)]


def requests(spans: Sequence[Span]) -> str:
    """Draw one bar for each request: the wait for its turn, the time to the first token, and the rest.

    A bar is in the first line that is free when it begins, so there are as many lines as requests in flight.
    """
    lines = _lines(spans)
    x = Scale(min(map(_begin, spans)), max(span.end_s for span in spans), LEFT, WIDTH - RIGHT)
    y = Scale(0, len(lines), TOP, FLOOR)
    thick = max((FLOOR - TOP) / len(lines) * 0.8, 0.4)
    bars = "".join(
        _element(
            "rect",
            x=x(start),
            y=y(i),
            width=max(x(end) - x(start), 0.3),
            height=min(thick, 24),
            class_=kind,
        )
        for i, line in enumerate(lines)
        for span in line
        for kind, start, end in _phases(span)
    )
    return _svg(_grid(x, None, "s") + bars)


def _lines(spans: Sequence[Span]) -> list[list[Span]]:
    lines: list[list[Span]] = []
    for span in sorted(spans, key=_begin):
        free = next((line for line in lines if line[-1].end_s <= _begin(span)), None)
        if free is None:
            lines.append([span])
        else:
            free.append(span)
    return lines


def _begin(span: Span) -> float:
    return span.start_s if span.due_s is None else min(span.due_s, span.start_s)


def _phases(span: Span) -> Iterator[tuple[str, float, float]]:
    if span.due_s is not None and span.due_s < span.start_s:
        yield "wait", span.due_s, span.start_s
    if span.failed or span.first_s is None:
        yield "failed", span.start_s, span.end_s
        return
    yield "prefill", span.start_s, span.first_s
    yield "decode", span.first_s, span.end_s


def over_time(timeline: Timeline, values: Sequence[float | None]) -> str:
    """Draw one value per bin: a line, or dots if some bins have none. The measured part has a shaded background."""
    moments = [(i + 0.5) * timeline.bin_s for i in range(len(values))]
    known = [(at, value) for at, value in zip(moments, values, strict=True) if value is not None]
    return _course(timeline, known, joined=len(known) == len(values))


def gauge(timeline: Timeline, read: Gauge) -> str:
    """Draw a line through the values that were read during the run."""
    return _course(timeline, list(zip(read.at_s, read.values, strict=True)), joined=len(read.at_s) > 1)


def _course(timeline: Timeline, points: Sequence[tuple[float, float]], *, joined: bool) -> str:
    """Return points over the run's time; the measured part and the marked stretches have shaded backgrounds."""
    end = timeline.bin_s * len(timeline.errors)
    x = Scale(0, end, LEFT, WIDTH - RIGHT)
    y = Scale(0, max((value for _, value in points), default=0) or 1, FLOOR, TOP)
    windows = "".join(
        _element(
            "rect", x=x(a), y=TOP, width=max(x(min(b, end)) - x(a), 0), height=FLOOR - TOP, class_="window"
        )
        for a, b in timeline.windows
    )
    bands = "".join(_bands(x, timeline.marks))
    places = [(x(at), y(value)) for at, value in points]
    if joined:
        line = " ".join(f"{across:.1f},{up:.1f}" for across, up in places)
        drawn = _element("polyline", points=line, class_="curve c0")
    else:
        drawn = "".join(_element("circle", cx=across, cy=up, r=2, class_="dot c0") for across, up in places)
    return _svg(windows + bands + _grid(x, y, "s") + drawn)


def _bands(x: Scale, marks: Sequence[Mark]) -> Iterator[str]:
    """Yield a shaded background for each marked stretch, with its name if there is room above it."""
    free = -math.inf
    for mark in sorted(marks, key=lambda one: one.begin_s):
        begin, end = x(min(mark.begin_s, x.high)), x(min(mark.end_s, x.high))
        yield _element(
            "rect", x=begin, y=TOP, width=max(end - begin, 0.5), height=FLOOR - TOP, class_="phase"
        )
        label = t(mark.kind)
        long = LETTER * wide(label)
        at = min(begin, WIDTH - RIGHT - long)
        if at >= free:
            free = at + long + LETTER
            yield _element("text", label, x=at, y=TOP - 8)


def curve(lines: Sequence[Line], x_label: str, y_label: str) -> str:
    """Draw lines through points over linear axes, the y axis from zero; a legend above names each line's colour."""
    points = [point for line in lines for point in line.points]
    low, high = min(point.x for point in points), max(point.x for point in points)
    whole = all(point.x == round(point.x) for point in points)
    x = Scale(low if low < high else 0, high or 1, LEFT + 8, WIDTH - RIGHT - 8, whole=whole)
    y = Scale(0, max(point.y for point in points) or 1.0, FLOOR, TOP)
    drawn = ""
    for i, line in enumerate(lines):
        places = " ".join(f"{x(point.x):.1f},{y(point.y):.1f}" for point in line.points)
        drawn += _element("polyline", points=places, class_=f"curve c{i % 4}")
        for point in line.points:
            kind = "dot" if point.valid else "dot hollow"
            drawn += _element("circle", cx=x(point.x), cy=y(point.y), r=3.5, class_=f"{kind} c{i % 4}")
    legend, at = "", float(LEFT)
    for i, line in enumerate(lines if len(lines) > 1 else ()):
        legend += _element("rect", x=at, y=5, width=9, height=9, class_=f"key c{i % 4}")
        name = t(line.name)
        legend += _element("text", name, x=at + 13, y=13)
        at += 13 + 7 * wide(name) + 12
    return _svg(_grid(x, y, x_label, y_label) + drawn + legend)


def _grid(x: Scale, y: Scale | None, x_label: str, y_label: str = "") -> str:
    """Return both axes with their ticks; without `y`, only the horizontal one."""
    parts = [_element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=FLOOR, y2=FLOOR, class_="axis")]
    for tick in x.ticks:
        parts.append(_element("line", x1=x(tick), x2=x(tick), y1=FLOOR, y2=FLOOR + 4, class_="axis"))
        label = number(tick)
        centre = min(x(tick), WIDTH - LETTER * wide(label) / 2)  # so that it is not cut at the right edge
        parts.append(_element("text", label, x=centre, y=FLOOR + 15, text_anchor="middle"))
    parts.append(_element("text", t(x_label), x=WIDTH - RIGHT, y=HEIGHT - 8, text_anchor="end"))
    if y is not None:
        for tick in y.ticks:
            parts.append(_element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y(tick), y2=y(tick), class_="rule"))
            parts.append(_element("text", number(tick), x=LEFT - 6, y=y(tick) + 4, text_anchor="end"))
    if y_label:
        parts.append(_element("text", t(y_label), x=0, y=TOP - 9))
    return "".join(parts)


def _svg(content: str) -> str:
    size = f'width="{WIDTH}" height="{HEIGHT}"'  # inside another picture; a page's style overrides it
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" {size} role="img">{content}</svg>'


def _element(tag: str, text: str = "", **attributes: str | float) -> str:
    """Return an SVG element; every value is escaped. `class_` and `text_anchor` become `class` and `text-anchor`."""
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{written}>{escape(text)}</{tag}>" if text else f"<{tag}{written}/>"


def _plain(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
