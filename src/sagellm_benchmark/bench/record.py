"""What a run leaves for everything after it: `config` (what was asked, of what) and `summary` (what came of it)."""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sagellm_benchmark._version import __version__
from sagellm_benchmark.bench import stats
from sagellm_benchmark.bench.checks import Evidence, Verdict, judge
from sagellm_benchmark.bench.chips import bandwidth_gb_s
from sagellm_benchmark.bench.setting import Observations, Setting
from sagellm_benchmark.bench.spec import RunSpec
from sagellm_benchmark.bench.stats import Columns, Floats
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.probe import tool
from sagellm_benchmark.probe.hardware import Hardware
from sagellm_benchmark.probe.host import environment

RECORD_VERSION = 1  # 1: the first


@dataclass(frozen=True, slots=True)
class Record:
    """One finished (or interrupted) run; both parts are plain JSON values."""

    config: Mapping[str, Any]
    summary: Mapping[str, Any]


def of(setting: Setting, seen: Observations) -> Record:
    """The record of what was seen, judged by the checks."""
    return Record(config(setting, seen), summary(setting, seen, judge(evidence(setting, seen))))


def evidence(setting: Setting, seen: Observations) -> Evidence:
    workload, rate = setting.workload, setting.shape.rate_rps
    uniform = workload.turns == 1 and setting.source.uniform
    return Evidence(
        columns=stats.join(seen.repeats),
        concurrency=workload.concurrency if rate is None else None,
        asked_rate_rps=rate if rate is not None and math.isfinite(rate) else None,
        asked_input_tokens=workload.input_tokens if uniform else None,
        asked_output_tokens=workload.output_tokens if setting.source.uniform else None,
        shared_prefix_tokens=setting.source.overhead_tokens,
        may_cache=workload.turns > 1,
        fresh_ttft_s=seen.fresh_ttft_s,
        interrupted=seen.interrupted,
        health=seen.health,
        calibrated_ttft_bias_s=None if seen.calibration is None else seen.calibration.ttft_bias_s_p50,
        clean_tokens_per_s=None if seen.calibration is None else seen.calibration.clean_tokens_per_s,
        weights_bytes=setting.server.model.size_bytes,
        memory_bytes_per_s=_memory_bytes_per_s(setting.hardware),
        energy_j=seen.gpu.get("energy_j"),
        power_limit_w=seen.gpu.get("power_limit_w"),
        throttled=tuple(seen.gpu.get("throttled", ())),
        other_processes=tuple(seen.gpu.get("other_processes", ())),
    )


def config(setting: Setting, seen: Observations) -> dict[str, Any]:
    """`config.json`: what was asked, of what, on what, by what."""
    spec, workload, shape, server = setting.spec, setting.workload, setting.shape, setting.server
    load = asdict(shape) | {"rate_rps": "inf" if shape.rate_rps == math.inf else shape.rate_rps}
    return {
        "record_version": RECORD_VERSION,
        "description": f"{workload.describe()}, {shape.describe(workload)}",
        "load_description": shape.describe(workload),
        "tool": {
            "name": "sagellm-benchmark",
            "version": __version__,
            "git_commit": tool.git_commit(),
            "command": spec.command,
            "python_version": sys.version.split()[0],
        },
        "sagellm_version": _sagellm_version(spec, server),
        "started_at": seen.started_at.isoformat(timespec="milliseconds"),
        "submitter": spec.submitter or tool.submitter(),
        "workload": asdict(workload),
        "dataset": {"name": setting.source.name, "sha256": setting.source.content_hash},
        "load": load,
        "seed": spec.seed,
        "repeats": spec.repeats,
        "warmup": spec.warmup,
        "warmup_s": spec.warmup_s,
        "cooldown_s": spec.cooldown_s,
        "client_processes": spec.processes,
        "limits": asdict(spec.limits),
        "server": {
            "base_url": server.base_url,
            "served_model": server.served_model,
            "engine": server.engine,
            "engine_version": server.engine_version,
            "local": server.local,
            "api": setting.capabilities.api,
            "extra": setting.capabilities.extra,
        },
        "model": asdict(server.model),
        "hardware": asdict(setting.hardware),
        "environment": environment(server_is_local=server.local),
    }


def _memory_bytes_per_s(hardware: Hardware) -> float | None:
    """Of all chips together: as the driver tells, else as the makers state for a chip of that name."""
    if hardware.memory_bytes_per_s is not None:
        return hardware.memory_bytes_per_s
    each = None if hardware.chip_model is None else bandwidth_gb_s(hardware.chip_model)
    return None if each is None else each * 1e9 * (hardware.chip_count or 1)


def _sagellm_version(spec: RunSpec, server: Server) -> str:
    """The engine's own where sageLLM is measured; for another engine, this toolkit's."""
    if spec.sagellm_version is not None:
        return spec.sagellm_version
    return server.engine_version or "" if server.engine == "sagellm" else __version__


def summary(setting: Setting, seen: Observations, verdict: Verdict) -> dict[str, Any]:
    """summary.json: what came of it."""
    rate = setting.shape.rate_rps
    figures = numbers(seen.repeats, setting.spec.slo_s, setting.spec.seed)
    energy, tokens = seen.gpu.get("energy_j"), figures["output_tokens"]
    return {
        "record_version": RECORD_VERSION,
        **_verdict(verdict, interrupted=seen.interrupted),
        "finished_at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
        "weights": setting.server.model.weights,
        "token_source": _token_source(setting),
        "asked_rate_rps": rate if rate is not None and math.isfinite(rate) else None,
        **figures,
        "recounted_ratio": seen.recounted_ratio,
        "neighbours_share": seen.neighbours_share,
        "fresh_ttft_ms": None if seen.fresh_ttft_s is None else seen.fresh_ttft_s * 1e3,
        "peak_mem_mb": seen.peak_mem_mb,
        "peak_mem_source": None if seen.peak_mem_mb is None else "server process",
        **seen.server,
        **seen.gpu,
        "energy_per_token_j": energy / tokens if energy is not None and tokens else None,
        "client": {
            **asdict(seen.health),
            "calibrated_ttft_bias_s": None if seen.calibration is None else seen.calibration.ttft_bias_s_p50,
            "calibration": None if seen.calibration is None else asdict(seen.calibration),
        },
    }


def _token_source(setting: Setting) -> str:
    if setting.capabilities.usage:
        return "server's usage"
    return "server's tokenizer" if setting.counter is not None and setting.counter.cheap else "nobody"


def numbers(repeats: Sequence[Columns], slo_s: Mapping[str, float], seed: int) -> dict[str, Any]:
    """Everything of a summary that is computed from the samples alone."""
    columns = stats.join(repeats)
    refused: dict[str, str] = {}
    failed = columns.attempted - columns.answered
    return {
        "requests": columns.attempted,
        "errors": failed,
        "error_rate": failed / columns.attempted if columns.attempted else None,
        "failures": dict(columns.failures),
        "window_s": columns.window_s,
        "throughput_tps": stats.throughput_tps(columns),
        "request_rate_rps": columns.answered / columns.window_s if columns.window_s else None,
        "sent_rate_rps": stats.achieved_rate_rps(columns),
        "goodput_rps": stats.goodput_rps(columns, slo_s),
        "slo_attainment": stats.attainment(columns, slo_s),
        "slo_ms": {metric: limit * 1e3 for metric, limit in slo_s.items()},
        "output_tokens": stats.total(columns.tokens),
        "prompt_tokens": stats.total(columns.prompt_tokens),
        "cached_tokens": stats.total(columns.cached_tokens),
        "tokens_per_event": _ratio(stats.total(columns.tokens), float(columns.events.sum())),
        **_latencies(columns, refused, seed),
        **_scheduled(columns, refused),
        "tokens_per_s_per_user": _per_user(columns),
        "mean_in_flight": stats.mean_in_flight(columns),
        "refused": refused,
        "histograms": {"ttft_ms": _histogram(columns.ttft_s), "itl_ms": _histogram(columns.gap_s)},
        "repeats": _over_repeats(repeats),
    }


def _latencies(columns: Columns, refused: dict[str, str], seed: int) -> dict[str, Any]:
    intervals = stats.mean_intervals_ms(columns, np.random.default_rng(seed))
    values = {
        "ttft_ms": columns.ttft_s,
        "itl_ms": columns.gap_s,
        "tpot_ms": columns.tpot_s,
        "e2e_ms": columns.e2e_s,
    }
    return {
        name: {**stats.distribution(of, refused, name), "mean_ci95": intervals[name]}
        for name, of in values.items()
    }


def _scheduled(columns: Columns, refused: dict[str, str]) -> dict[str, Any]:
    """Latency from when an open loop's requests were due, so that the client's own queue is never hidden."""
    if not len(stats.known(columns.due_s)):
        return {}
    ends = {"scheduled_ttft_ms": columns.first_s, "scheduled_e2e_ms": columns.last_s}
    return {name: stats.distribution(end - columns.due_s, refused, name) for name, end in ends.items()}


def _per_user(columns: Columns) -> float | None:
    """1 / mean TPOT: the rate at which one user sees tokens come."""
    tpot = stats.known(columns.tpot_s)
    return float(1 / tpot.mean()) if len(tpot) and tpot.mean() > 0 else None


def _over_repeats(repeats: Sequence[Columns]) -> dict[str, Any] | None:
    if len(repeats) < 2:
        return None
    rates = [stats.throughput_tps(columns) for columns in repeats]
    known = [rate for rate in rates if rate is not None]
    return {"throughput_tps": rates, "throughput_tps_ci95": stats.repeat_interval(known)}


def _histogram(values_s: Floats, bins: int = 40) -> dict[str, list[float]] | None:
    """Counts over equal bins up to the 99.5th percentile; what lies above is counted in the last bin."""
    values = stats.known(values_s) * 1e3
    if len(values) < 2 or values.max() <= values.min():
        return None
    top = max(float(np.percentile(values, 99.5)), float(values.min()) * 1.0001)
    counts, edges = np.histogram(
        np.minimum(values, top), bins=min(bins, len(values)), range=(values.min(), top)
    )
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _ratio(above: float | None, below: float) -> float | None:
    return above / below if above is not None and below else None


def _verdict(verdict: Verdict, *, interrupted: bool) -> dict[str, Any]:
    """The part of a summary that says whether to believe the rest."""
    return {
        "status": "interrupted" if interrupted else "complete",
        "valid": verdict.valid,
        "reasons": list(verdict.reasons),
        "not_checked": list(verdict.not_checked),
    }
