"""report.html: one file without scripts and without anything to fetch, for a browser or an e-mail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sagellm_benchmark.report import plot
from sagellm_benchmark.report.view import HEAD, View
from sagellm_benchmark.text import shown
from sagellm_benchmark.verdict.timeline import Timeline, at_most
from sagellm_benchmark.words import language, retold, t

MOST_BINS = 120  # more than a picture has room for
GAUGES = {
    "running": "requests in progress over time, as the server reports them",
    "waiting": "requests waiting at the server over time, as it reports them",
    "kv_tokens": "tokens in the server's KV cache over time, as it reports them",
    "power_w": "total power of the chips, W, over time",
    "clock_mhz": "clock of the slowest chip, MHz, over time",
}
"""The captions of what the server and accelerators reported."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture, the name of its file, and its caption; `svg` is trusted markup."""

    name: str
    caption: str
    svg: Markup

    @classmethod
    def of(cls, name: str, caption: str, svg: str) -> Plot:
        """Return a picture with a translated caption; its SVG is trusted, because plot.py has escaped its texts."""
        told = retold(caption)
        named = Markup('role="img" aria-label="{}"').format(told)
        return cls(name, told, Markup(svg.replace('role="img"', named, 1)))  # noqa: S704


def render_html(view: View) -> str:
    """Return the whole page; every string is escaped."""
    return fill(
        "run.html", title=view.title, view=view, head=tuple(map(retold, HEAD)), plots=list(plots(view))
    )


def fill(template: str, **values: object) -> str:
    """Return a template filled with values, all of which are escaped."""
    return _environment().get_template(template).render(t=t, language=language(), **values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("sagellm_benchmark.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _printable(value: object) -> object:
    """Return text without characters that a terminal or a browser would obey; our own markup stays as it is."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def plots(view: View) -> Iterator[Plot]:
    """Yield the pictures of a run: the distributions of its latencies, and its course over time."""
    for one in view.distributions:
        drawn = plot.distribution(one.histogram, one.figures)
        yield Plot.of(one.label, f"{one.label}, ms, on a logarithmic axis: {one.meaning}", drawn)
    if view.timeline is not None:
        yield from _over_time(view.timeline)


def _over_time(timeline: Timeline) -> Iterator[Plot]:
    if timeline.requests:
        drawn = plot.requests(timeline.requests)
        phases = "requests over time: waiting (grey), prefill (orange), decode (blue), failed (red)"
        yield Plot.of("requests", phases, drawn)
    if len(timeline.errors) < 2:
        return
    fewer = at_most(timeline, MOST_BINS)
    for name, caption, values in (
        ("throughput", "tokens/s over time; the measured window is shaded", fewer.tokens_per_s),
        ("in flight", "requests in flight over time", fewer.in_flight),
        ("TTFT over time", "TTFT, ms, by the start of the request", fewer.ttft_ms),
    ):
        yield Plot.of(name, caption, plot.over_time(fewer, values))
    if any(fewer.errors):
        drawn = plot.over_time(fewer, [float(n) for n in fewer.errors])
        yield Plot.of("failed", "failed requests over time", drawn)
    for read in timeline.gauges:
        if read.name in GAUGES and any(read.values):
            yield Plot.of(read.name, GAUGES[read.name], plot.gauge(fewer, read))
