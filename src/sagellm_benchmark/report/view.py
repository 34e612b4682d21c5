"""What every report of a run says, in words and formatted figures; the renderers only lay it out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagellm_benchmark.runs.record import Record

UNKNOWN = "–"
RECOUNT_TOLERANCE = 0.1  # random text does not tokenize back to itself exactly
BUSY = 0.1  # of the processors, from which on other programs are mentioned

METRICS = (
    ("TTFT", "ttft_ms", "time to first token"),
    ("ITL", "itl_ms", "gap between content events"),
    ("TPOT", "tpot_ms", "time per output token"),
    ("E2E", "e2e_ms", "whole answer"),
    ("TTFT, scheduled", "scheduled_ttft_ms", "from when the request was due"),
    ("E2E, scheduled", "scheduled_e2e_ms", "from when the request was due"),
)
STATISTICS = ("mean", "p50", "p90", "p99")
HEAD = ("ms", *STATISTICS, "mean, 95 %")


@dataclass(frozen=True, slots=True)
class View:
    """A run as people read it."""

    title: str
    subject: str
    valid: bool
    reasons: tuple[str, ...]
    not_checked: tuple[str, ...]
    refused: tuple[str, ...]
    latencies: tuple[tuple[str, ...], ...]  # rows below HEAD, milliseconds
    figures: tuple[tuple[str, str], ...]
    setup: tuple[tuple[str, str], ...]
    histograms: Mapping[str, Mapping[str, list[float]] | None]

    @property
    def verdict(self) -> str:
        """VALID or INVALID."""
        return "VALID" if self.valid else "INVALID"


def view(record: Record) -> View:
    """The record in words."""
    config, summary = record.config, record.summary
    return View(
        title=config["description"],
        subject=subject(config),
        valid=summary["valid"],
        reasons=tuple(summary["reasons"]),
        not_checked=tuple(summary["not_checked"]),
        refused=tuple(f"{name}: {why}" for name, why in summary["refused"].items()),
        latencies=tuple(_latency(label, summary[name]) for label, name, _ in METRICS if name in summary),
        figures=tuple(_figures(summary)),
        setup=tuple(_setup(config, summary)),
        histograms=summary["histograms"],
    )


def subject(config: Mapping[str, Any]) -> str:
    """Which model on which engine, such as `Qwen2-7B (dummy weights, INT4 Q4_0) on llama.cpp 2026.10`."""
    model, server = config["model"], config["server"]
    weights = f"{model['weights']} weights" if model["weights"] else "weights not known"
    numbers = " ".join(part for part in (model["precision"], model["quantization"]) if part)
    engine = " ".join(part for part in (server["engine"], server["engine_version"]) if part)
    return f"{model['name']} ({', '.join(filter(None, (weights, numbers)))}) on {engine}"


def figure(value: float | None, unit: str = "", digits: int = 1) -> str:
    """A number for people, or a dash for what was not measured."""
    if value is None:
        return UNKNOWN
    return f"{value:,.{digits}f} {unit}".strip()


def _latency(label: str, distribution: Mapping[str, Any]) -> tuple[str, ...]:
    interval = distribution.get("mean_ci95")
    between = UNKNOWN if interval is None else f"{interval[0]:,.1f}–{interval[1]:,.1f}"
    return (label, *(figure(distribution[statistic], digits=2) for statistic in STATISTICS), between)


def _figures(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    figures = [
        ("throughput", figure(summary["throughput_tps"], "tokens/s")),
        ("requests", f"{summary['requests']}, {summary['errors']} failed"),
        ("error rate", figure(None if summary["error_rate"] is None else summary["error_rate"] * 100.0, "%")),
        ("request rate", figure(summary["request_rate_rps"], "/s", 2)),
        ("one user sees", figure(summary["tokens_per_s_per_user"], "tokens/s")),
        (
            "output tokens",
            f"{figure(summary['output_tokens'], digits=0)} (counted by: {summary['token_source']})",
        ),
        ("peak memory", figure(summary["peak_mem_mb"], "MB", 0)),
    ]
    if (ratio := summary["recounted_ratio"]) is not None and abs(ratio - 1) > RECOUNT_TOLERANCE:
        figures.append(
            ("tokens again", f"the text has {ratio:.2f} tokens for each one that the server counted")
        )
    if (share := summary["neighbours_share"]) is not None and share > BUSY:
        figures.append(
            ("attention", f"other programs used {share:.0%} of the processors; stop them for a fair number")
        )
    if summary["slo_ms"]:
        limits = ", ".join(f"{metric} ≤ {limit:g} ms" for metric, limit in summary["slo_ms"].items())
        figures.append(("goodput", f"{figure(summary['goodput_rps'], '/s', 2)} ({limits})"))
    if summary.get("asked_rate_rps"):
        figures.append(
            ("sent", f"{figure(summary['sent_rate_rps'], '/s', 2)} of {summary['asked_rate_rps']:g}/s")
        )
    if summary["repeats"]:
        interval = summary["repeats"]["throughput_tps_ci95"]
        figures.append(("throughput, 95 %", _interval(interval, "tokens/s")))
    extras = {name: summary[name] for name in SERVER_FIGURES if summary.get(name) is not None}
    return figures + [(SERVER_FIGURES[name], figure(value, digits=3)) for name, value in extras.items()]


SERVER_FIGURES = {
    "prefix_hit_rate": "prefix hit rate",
    "kv_used_tokens": "KV cache tokens",
    "evict_count": "preemptions",
    "spec_accept_rate": "speculation accepted",
    "energy_per_token_j": "energy per token, J",
}


def _interval(interval: tuple[float, float] | None, unit: str) -> str:
    return UNKNOWN if interval is None else f"{interval[0]:,.1f} – {interval[1]:,.1f} {unit}"


def _setup(config: Mapping[str, Any], summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    hardware, server, client = config["hardware"], config["server"], summary["client"]
    memory = hardware["memory_per_chip_gb"]
    return [
        ("hardware", _hardware(hardware)),
        ("memory", figure(memory, "GB")),
        ("client's machine", _machine(config["machine"])),
        ("server", f"{server['base_url']}, {server['api']} API"),
        (
            "load",
            f"{config['load_description']}, seed {config['seed']}, {config['warmup']} warm-up request(s)",
        ),
        ("client", _client(client)),
        ("started", config["started_at"]),
        ("tool", f"sagellm-benchmark {config['tool']['version']}"),
        ("command", config["tool"]["command"]),
    ]


def _machine(machine: Mapping[str, Any]) -> str:
    cpu = machine["cpu"]
    cores = f"{cpu['cores'] or UNKNOWN} cores, {cpu['threads'] or UNKNOWN} threads"
    return f"{cpu['model'] or 'unknown processor'}, {cores}, {machine['memory_bytes'] / 2**30:.1f} GB"


def _hardware(hardware: Mapping[str, Any]) -> str:
    if hardware["chip_model"] is None:
        return "not known; say it with --hardware FILE.toml or --chip-model"
    return f"{hardware['chip_count'] or UNKNOWN} × {hardware['chip_model']}"


def _client(client: Mapping[str, Any]) -> str:
    lag = client["loop_lag_p99_s"]
    bias = client["calibrated_ttft_bias_s"]
    clean = (client.get("calibration") or {}).get("clean_tokens_per_s")
    return (
        f"{figure(None if lag is None else lag * 1e3, 'ms late', 2)} (p99), "
        f"{figure(None if client['cpu_share'] is None else client['cpu_share'] * 100.0, '% of a core', 0)}, "
        f"TTFT bias {figure(None if bias is None else bias * 1e3, 'ms', 2)}, "
        f"seen clean up to {figure(clean, 'tokens/s', 0)}"
    )
