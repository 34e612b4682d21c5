"""What a run leaves for everything after it: `config` (what was asked, of what) and `summary` (what came of it)."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sagellm_benchmark._version import __version__
from sagellm_benchmark.bench import stats
from sagellm_benchmark.bench.checks import Evidence, Verdict, judge
from sagellm_benchmark.bench.chips import bandwidth_gb_s
from sagellm_benchmark.bench.numbers import numbers
from sagellm_benchmark.bench.setting import Observations, Setting
from sagellm_benchmark.bench.spec import RunSpec
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.probe import tool
from sagellm_benchmark.probe.hardware import Hardware
from sagellm_benchmark.probe.host import environment, host

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
    """What the checks look at; lengths are asked for only where all requests have the same."""
    workload = setting.workload
    uniform = workload.turns == 1 and setting.source.uniform
    columns = stats.join(seen.repeats)
    return Evidence(
        columns=columns,
        concurrency=None if setting.is_open_loop else workload.concurrency,
        asked_rate_rps=setting.asked_rate_rps,
        prompts_repeated=_prompts_repeated(setting, columns),
        asked_input_tokens=workload.input_tokens if uniform else None,
        asked_output_tokens=workload.output_tokens if setting.source.uniform else None,
        shared_prefix_tokens=setting.source.overhead_tokens,
        may_cache=workload.turns > 1,
        repeat_test=seen.repeat_test,
        interrupted=seen.interrupted,
        timed_out=seen.timed_out,
        health=seen.health,
        calibrated_ttft_bias_s=None if seen.calibration is None else seen.calibration.ttft_bias_s_p50,
        most_events_per_s=None if seen.calibration is None else seen.calibration.most_tokens_per_s,
        weights_bytes=setting.server.model.size_bytes,
        memory_bytes_per_s=_memory_bytes_per_s(setting.hardware),
        energy_j=seen.gpu.get("energy_j"),
        watched_s=seen.gpu.get("watched_s"),
        power_limit_w=seen.gpu.get("power_limit_w"),
        throttled=tuple(seen.gpu.get("throttled", ())),
        other_processes=tuple(seen.gpu.get("other_processes", ())),
    )


def _prompts_repeated(setting: Setting, columns: stats.Columns) -> bool:
    """Whether a file of texts was too small, so that some of them were sent twice."""
    distinct = setting.source.distinct
    return distinct is not None and columns.attempted / setting.workload.turns > distinct


def config(setting: Setting, seen: Observations) -> dict[str, Any]:
    """`config.json`: what was asked, of what, on what, by what."""
    spec, workload, server = setting.spec, setting.workload, setting.server
    return {
        "record_version": RECORD_VERSION,
        "description": f"{setting.what}, {setting.how}",
        "load_description": setting.how,
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
        "dataset": {
            "name": setting.source.name,
            "sha256": setting.source.content_hash,
            "uniform": setting.source.uniform,
            "exact": setting.source.exact,
        },
        "load": setting.load,
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
        "machine": asdict(host()),  # this one, which the client ran on
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
    figures = numbers(seen.repeats, setting.spec.slo_s, setting.spec.seed)
    energy, tokens = seen.gpu.get("energy_j"), figures["output_tokens"]
    apart = setting.spec.warmup_s or setting.spec.cooldown_s  # energy was counted over these seconds as well
    return {
        "record_version": RECORD_VERSION,
        **_verdict(verdict, seen),
        "finished_at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
        "weights": setting.server.model.weights,
        "token_source": _token_source(setting),
        "asked_rate_rps": setting.asked_rate_rps,
        **figures,
        "recounted_ratio": seen.recounted_ratio,
        "neighbours_share": seen.neighbours_share,
        "repeat_test": None if seen.repeat_test is None else asdict(seen.repeat_test),
        "peak_mem_mb": seen.peak_mem_mb,
        "peak_mem_source": None if seen.peak_mem_mb is None else "server process",
        **seen.server,
        **seen.gpu,
        "energy_per_token_j": energy / tokens if energy is not None and tokens and not apart else None,
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


def _verdict(verdict: Verdict, seen: Observations) -> dict[str, Any]:
    """The part of a summary that says whether to believe the rest."""
    stopped = "timed out" if seen.timed_out else "interrupted"
    return {
        "status": stopped if seen.interrupted else "complete",
        "valid": verdict.valid,
        "reasons": list(verdict.reasons),
        "not_checked": list(verdict.not_checked),
    }
