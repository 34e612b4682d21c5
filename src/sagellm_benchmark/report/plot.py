"""Small pictures as SVG text. Pure; colours come from the page's style."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from sagellm_benchmark.verdict.summarize import Histogram

WIDTH, HEIGHT = 420, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 24


def histogram(data: Histogram, label: str) -> str:
    """Bars over `edges` (one more than `counts`), with the range written below."""
    edges, counts = data.edges, data.counts
    tallest = max(counts)
    step = (WIDTH - LEFT - RIGHT) / len(counts)
    bars = "".join(
        f'<rect class="bar" x="{LEFT + i * step:.1f}" y="{_y(count / tallest):.1f}" '
        f'width="{max(step - 1, 0.5):.1f}" height="{HEIGHT - BOTTOM - _y(count / tallest):.1f}"/>'
        for i, count in enumerate(counts)
    )
    return _figure(bars, label, (edges[0], edges[-1]), (0, tallest))


def curve(points: Sequence[tuple[float, float]], label: str) -> str:
    """A line through (x, y) points, both axes linear, the y axis from zero."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(xs), max(xs)
    tallest = max(ys) or 1.0
    span = (high - low) or 1.0
    places = [(LEFT + (x - low) / span * (WIDTH - LEFT - RIGHT), _y(y / tallest)) for x, y in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle class="bar" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
    return _figure(f'<polyline class="curve" points="{line}"/>{dots}', label, (low, high), (0, tallest))


def _y(share: float) -> float:
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)


def _figure(marks: str, label: str, x: tuple[float, float], y: tuple[float, float]) -> str:
    floor = HEIGHT - BOTTOM
    return (
        f'<figure><figcaption>{escape(label)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}"><line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>'
        f"{marks}"
        f'<text x="{LEFT}" y="{HEIGHT - 8}">{x[0]:,.4g}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{x[1]:,.4g}</text>'
        f'<text x="{LEFT - 6}" y="{TOP + 8}" text-anchor="end">{y[1]:,.4g}</text>'
        f'<text x="{LEFT - 6}" y="{floor}" text-anchor="end">{y[0]:,.4g}</text></svg></figure>'
    )
