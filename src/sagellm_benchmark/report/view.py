"""What every report of a run says, in words and formatted figures; the renderers only arrange it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sagellm_benchmark.machine.contention import Contended
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.host import Host
from sagellm_benchmark.runs import row as rows
from sagellm_benchmark.runs.record import Client, Config, Record, Summary
from sagellm_benchmark.runs.side import throughput_interval
from sagellm_benchmark.verdict.figures import Metric
from sagellm_benchmark.verdict.intervals import Interval
from sagellm_benchmark.verdict.metrics import (
    ERRORS,
    GOODPUT,
    LATENCIES,
    METRICS,
    OUTPUT_TOKENS,
    REQUESTS,
    SENT_RATE,
    THROUGHPUT,
)
from sagellm_benchmark.verdict.stats import Distribution
from sagellm_benchmark.verdict.summarize import Histogram
from sagellm_benchmark.verdict.timeline import Timeline
from sagellm_benchmark.words import retold, t

UNKNOWN = "–"
RECOUNT_TOLERANCE = 0.1  # random text may be tokenized differently from how it was generated
BUSY = 0.1  # of the processors; if other programs use more, that is mentioned

Intervals = Mapping[str, Interval]
"""95 % intervals by the name of the metric."""
STATISTICS = ("mean", "p50", "p90", "p99")
HEAD = ("ms", *STATISTICS, "mean, 95 %")


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure at the beginning of a report; `note` says how sure it is."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A distribution to be drawn, in milliseconds."""

    label: str
    meaning: str
    histogram: Histogram
    figures: Distribution


@dataclass(frozen=True, slots=True)
class View:
    """A run in words, ready to be shown."""

    title: str
    subject: str
    valid: bool
    reasons: tuple[str, ...]
    unpublishable: tuple[str, ...]  # why it may not be published, each with a remedy
    not_checked: tuple[str, ...]
    headlines: tuple[Headline, ...]
    refused: tuple[str, ...]
    latencies: tuple[tuple[str, ...], ...]  # rows below HEAD, milliseconds
    figures: tuple[tuple[str, str], ...]
    setup: tuple[tuple[str, str], ...]
    distributions: tuple[Drawn, ...]
    timeline: Timeline | None

    @property
    def verdict(self) -> str:
        """The verdict in one word: VALID or INVALID."""
        return "VALID" if self.valid else "INVALID"

    @property
    def otherwise_unpublishable(self) -> tuple[str, ...]:
        """Why the run may not be published, without the reasons why it is not valid, which are shown elsewhere."""
        return tuple(why for why in self.unpublishable if not any(why.endswith(one) for one in self.reasons))

    @property
    def publishable(self) -> bool:
        """Whether the run may be published."""
        return not self.unpublishable


def view(record: Record, declared: Sequence[Metric] = METRICS) -> View:
    """Return what a record says, in words."""
    config, summary, sure = record.config, record.summary, _intervals(record)
    return View(
        title=phrase(config.description),
        subject=subject(config),
        valid=summary.valid,
        reasons=tuple(map(retold, summary.reasons)),
        unpublishable=tuple(map(retold, _unpublishable(record))),
        not_checked=tuple(map(retold, summary.not_checked)),
        headlines=tuple(_headlines(summary, declared, sure)),
        refused=tuple(retold(f"{name}: {why}") for name, why in summary.numbers.refused.items()),
        latencies=tuple(
            _latency(retold(one.label), summary.latency(one))
            for one in LATENCIES
            if not one.open_loop or summary.latency(one).count
        ),
        figures=_labelled((*_figures(summary, declared, sure), *_remarks(summary))),
        setup=_labelled(_setup(config, summary)),
        distributions=tuple(
            Drawn(one.label, one.meaning, summary.numbers.histograms[one.name], summary.latency(one))
            for one in LATENCIES
            if one.name in summary.numbers.histograms
        ),
        timeline=record.timeline,
    )


def phrase(description: str) -> str:
    """Return a description such as `Q1 5×(32→64), one at a time`, each part between commas translated by itself."""
    return ", ".join(map(retold, description.split(", ")))


def _labelled(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((retold(name), retold(value)) for name, value in pairs)


def _unpublishable(record: Record) -> tuple[str, ...]:
    row = rows.build(record)
    return ("it has no figures",) if row is None else tuple(row.get("unpublishable", ()))


def _intervals(record: Record) -> Intervals:
    """Return the intervals of metrics over repeats; for a run without repeats, that of its throughput over time."""
    known, value = record.summary.numbers.intervals, record.summary.value(THROUGHPUT)
    if record.timeline is None or value is None or THROUGHPUT.name in known:
        return known
    found = throughput_interval(record.timeline, value)
    return known if found is None else {**known, THROUGHPUT.name: found}


def _headlines(summary: Summary, declared: Sequence[Metric], sure: Intervals) -> Iterator[Headline]:
    for metric in declared:
        if metric.headline:
            ends = _ends(metric, sure)
            yield Headline(retold(metric.label), shown(metric, summary.value(metric)), _surely(ends))
    for latency in LATENCIES:
        if latency.headline:
            of_it = summary.latency(latency)
            ends = (
                []
                if of_it.mean_ci95 is None
                else [figure(of_it.mean_ci95[0]), figure(of_it.mean_ci95[1], "ms")]
            )
            tail = "" if of_it.p99 is None else f"p99 {figure(of_it.p99, 'ms')}"
            note = ", ".join(filter(None, (_surely(ends), tail)))
            yield Headline(t("{label}, mean", label=latency.label), figure(of_it.mean, "ms"), note)


def _ends(metric: Metric, sure: Intervals) -> list[str]:
    """Return the ends of a metric's interval, with the unit after the second one only."""
    interval = sure.get(metric.name)
    if interval is None:
        return []
    low, high = (shown(metric, end) for end in interval)
    unit = "%" if metric.percent else metric.unit
    return [low.removesuffix(unit).rstrip(), high]


def _surely(ends: Sequence[str]) -> str:
    return f"95 %: {' – '.join(ends)}" if ends else ""


def subject(config: Config) -> str:
    """Return the model and the engine, such as `Qwen2-7B (dummy weights, INT4 Q4_0) on llama.cpp 2026.10`."""
    model, server = config.model, config.server
    weights = t(f"{model.weights} weights" if model.weights else "weights not known")
    numbers = " ".join(part for part in (model.precision, model.quantization) if part)
    engine = " ".join(part for part in (server.engine, server.engine_version) if part)
    known = ", ".join(filter(None, (weights, numbers)))
    return t("{model} ({weights}) on {engine}", model=model.name, weights=known, engine=engine)


def figure(value: float | None, unit: str = "", digits: int = 1) -> str:
    """Return a number with its unit, or a dash if it was not measured."""
    if value is None:
        return UNKNOWN
    return f"{value:,.{digits}f} {unit}".strip()


def shown(metric: Metric, value: float | None) -> str:
    """Return a metric's value in the format of its declaration."""
    if metric.percent:
        return figure(None if value is None else value * 100.0, "%", metric.digits)
    return figure(value, metric.unit, metric.digits)


def _latency(label: str, distribution: Distribution) -> tuple[str, ...]:
    interval = distribution.mean_ci95
    between = UNKNOWN if interval is None else f"{interval[0]:,.1f}–{interval[1]:,.1f}"
    figures = (getattr(distribution, statistic) for statistic in STATISTICS)
    return (label, *(figure(value, digits=2) for value in figures), between)


def _figures(summary: Summary, declared: Sequence[Metric], sure: Intervals) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each metric that is shown, with its interval and its remark."""
    for metric in declared:
        value, note = summary.value(metric), NOTES.get(metric.name, _nothing)(summary)
        if metric.shown == "always" or (metric.shown == "known" and (value is not None or note)):
            asides = ", ".join(filter(None, (note, _surely(_ends(metric, sure)))))
            yield metric.label, f"{shown(metric, value)} ({asides})" if asides else shown(metric, value)


def _nothing(_: Summary) -> str:
    return ""


def _objectives(summary: Summary) -> str:
    return ", ".join(f"{metric} ≤ {limit:g} ms" for metric, limit in summary.slo_ms.items())


NOTES: Mapping[str, Callable[[Summary], str]] = {
    REQUESTS.name: lambda summary: f"{summary.value(ERRORS) or 0:.0f} failed",
    OUTPUT_TOKENS.name: lambda summary: f"counted by: {summary.token_source}",
    GOODPUT.name: _objectives,
    SENT_RATE.name: lambda summary: f"asked: {summary.asked_rate_rps:g}/s" if summary.asked_rate_rps else "",
}
"""Remarks that are shown with a metric's value."""


def _remarks(summary: Summary) -> Iterator[tuple[str, str]]:
    if (ratio := summary.recounted_ratio) is not None and abs(ratio - 1) > RECOUNT_TOLERANCE:
        yield "recounted tokens", f"the text has {ratio:.2f} tokens for each one that the server counted"
    if (drift := summary.drift) is not None:
        yield (
            "steadiness",
            f"latency changed by {drift.change:+.0%} over the window; "
            f"{drift.least:.0%} or more would have been detected",
        )
    if (share := summary.contention_share) is not None and share > BUSY:
        yield "attention", f"other programs used {share:.0%} of the processors; stop them for a fair result"


def _setup(config: Config, summary: Summary) -> list[tuple[str, str]]:
    hardware, server = config.hardware, config.server
    return [
        ("hardware", _hardware(hardware)),
        ("chip memory", figure(hardware.memory_per_chip_gb, "GiB per chip")),
        ("client's machine", _machine(config.machine)),
        *_processors(summary.contention),
        ("server", f"{server.base_url}, {server.api} API"),
        ("load", f"{config.load_description}, seed {config.seed}, warm-up requests: {config.warmup}"),
        ("client", _client(summary.client)),
        ("started", config.started_at),
        ("tool", f"sagellm-benchmark {config.tool.version}"),
        ("command", config.tool.command),
    ]


def _machine(machine: Host) -> str:
    cpu = machine.cpu
    cores = f"{cpu.cores or UNKNOWN} cores, {cpu.threads or UNKNOWN} threads"
    return f"{cpu.model or 'unknown processor'}, {cores}, {machine.memory_bytes / 2**30:.1f} GiB"


def _processors(seen: Contended | None) -> Iterator[tuple[str, str]]:
    if seen is None:
        return
    others, stolen, server, client, pressed = (
        figure(None if share is None else share * 100.0, "%", 0)
        for share in (
            seen.others_share,
            seen.steal_share,
            seen.server_wait_share,
            seen.client_wait_share,
            seen.pressure_share,
        )
    )
    yield (
        "processors",
        f"other programs used {others}, the host took {stolen}; "
        f"waiting for a processor: the server {server}, the client {client}, any program {pressed} of the time",
    )


def _hardware(hardware: Hardware) -> str:
    if hardware.chip_model is None:
        return "not known; state it with --hardware FILE.toml or --chip-model"
    return f"{hardware.chip_count or UNKNOWN} × {hardware.chip_model}"


def _client(client: Client) -> str:
    health, calibration = client.health, client.calibration
    lag, share = health.loop_lag_p99_s, health.cpu_share
    bias = None if calibration is None else calibration.ttft_bias_s_p50 * 1e3
    clean = None if calibration is None else calibration.clean_tokens_per_s
    nodes = f"{len(client.nodes)} nodes; the worst of them: " if len(client.nodes) > 1 else ""
    return (
        f"{nodes}event loop {figure(None if lag is None else lag * 1e3, 'ms late', 2)} (p99), "
        f"{figure(None if share is None else share * 100.0, '% of a core', 0)}, "
        f"TTFT bias {figure(bias, 'ms', 2)}, accurate up to {figure(clean, 'tokens/s', 0)}"
    )
