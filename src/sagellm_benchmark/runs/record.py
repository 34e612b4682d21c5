"""What a run leaves for everything after it: `config` (what was asked, of what) and `summary` (what came of it)."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sagellm_benchmark import provenance
from sagellm_benchmark._version import __version__
from sagellm_benchmark.chips import bandwidth_gb_s
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.host import environment, host
from sagellm_benchmark.runs.context import Context, Observations
from sagellm_benchmark.runs.spec import RunSpec
from sagellm_benchmark.verdict import stats
from sagellm_benchmark.verdict.checks import Evidence, Verdict, judge
from sagellm_benchmark.verdict.summarize import numbers

RECORD_VERSION = 1  # 1: the first


@dataclass(frozen=True, slots=True)
class Record:
    """One finished (or interrupted) run; both parts are plain JSON values."""

    config: Mapping[str, Any]
    summary: Mapping[str, Any]


def of(context: Context, seen: Observations) -> Record:
    """The record of what was seen, judged by the checks."""
    return Record(config(context, seen), summary(context, seen, judge(evidence(context, seen))))


def evidence(context: Context, seen: Observations) -> Evidence:
    """What the checks look at; lengths are asked for only where all requests have the same."""
    workload = context.workload
    uniform = workload.turns == 1 and context.source.uniform
    columns = stats.join(seen.repeats)
    return Evidence(
        columns=columns,
        concurrency=None if context.is_open_loop else workload.concurrency,
        asked_rate_rps=context.asked_rate_rps,
        prompts_repeated=_prompts_repeated(context, columns),
        asked_input_tokens=workload.input_tokens if uniform else None,
        asked_output_tokens=workload.output_tokens if context.source.uniform else None,
        shared_prefix_tokens=context.source.overhead_tokens,
        may_cache=workload.turns > 1,
        repeat_test=seen.repeat_test,
        interrupted=seen.interrupted,
        timed_out=seen.timed_out,
        health=seen.health,
        calibrated_ttft_bias_s=None if seen.calibration is None else seen.calibration.ttft_bias_s_p50,
        most_events_per_s=None if seen.calibration is None else seen.calibration.most_tokens_per_s,
        weights_bytes=context.server.model.size_bytes,
        memory_bytes_per_s=_memory_bytes_per_s(context.hardware),
        energy_j=seen.gpu.get("energy_j"),
        watched_s=seen.gpu.get("watched_s"),
        power_limit_w=seen.gpu.get("power_limit_w"),
        throttled=tuple(seen.gpu.get("throttled", ())),
        other_processes=tuple(seen.gpu.get("other_processes", ())),
    )


def _prompts_repeated(context: Context, columns: stats.Columns) -> bool:
    """Whether a file of texts was too small, so that some of them were sent twice."""
    distinct = context.source.distinct
    return distinct is not None and columns.attempted / context.workload.turns > distinct


def config(context: Context, seen: Observations) -> dict[str, Any]:
    """`config.json`: what was asked, of what, on what, by what."""
    spec, workload, server = context.spec, context.workload, context.server
    return {
        "record_version": RECORD_VERSION,
        "description": f"{context.what}, {context.how}",
        "load_description": context.how,
        "tool": {
            "name": "sagellm-benchmark",
            "version": __version__,
            "git_commit": provenance.git_commit(),
            "command": spec.command,
            "python_version": sys.version.split()[0],
        },
        "sagellm_version": _sagellm_version(spec, server),
        "started_at": seen.started_at.isoformat(timespec="milliseconds"),
        "submitter": spec.submitter or provenance.submitter(),
        "workload": asdict(workload),
        "dataset": {
            "name": context.source.name,
            "sha256": context.source.content_hash,
            "uniform": context.source.uniform,
            "exact": context.source.exact,
        },
        "load": context.load,
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
            "engine": server.engine.name,
            "engine_version": server.engine_version,
            "local": server.local,
            "api": context.capabilities.api,
            "extra": context.capabilities.extra,
        },
        "model": asdict(server.model),
        "hardware": asdict(context.hardware),
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
    return server.engine_version or "" if server.engine.is_sagellm else __version__


def summary(context: Context, seen: Observations, verdict: Verdict) -> dict[str, Any]:
    """summary.json: what came of it."""
    figures = numbers(seen.repeats, context.spec.slo_s)
    energy, tokens = seen.gpu.get("energy_j"), figures["output_tokens"]
    apart = context.spec.warmup_s or context.spec.cooldown_s  # energy was counted over these seconds as well
    return {
        "record_version": RECORD_VERSION,
        **_verdict(verdict, seen),
        "finished_at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
        "weights": context.server.model.weights,
        "token_source": _token_source(context),
        "asked_rate_rps": context.asked_rate_rps,
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


def _token_source(context: Context) -> str:
    if context.capabilities.usage:
        return "server's usage"
    return "server's tokenizer" if context.counter is not None and context.counter.cheap else "nobody"


def _verdict(verdict: Verdict, seen: Observations) -> dict[str, Any]:
    """The part of a summary that says whether to believe the rest."""
    stopped = "timed out" if seen.timed_out else "interrupted"
    return {
        "status": stopped if seen.interrupted else "complete",
        "valid": verdict.valid,
        "reasons": list(verdict.reasons),
        "not_checked": list(verdict.not_checked),
    }
