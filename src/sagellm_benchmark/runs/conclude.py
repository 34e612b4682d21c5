"""Turn what was fixed before a run and seen during it into the run's record, judged by the checks."""

from __future__ import annotations

import datetime as dt
import math
import sys
from dataclasses import replace

from sagellm_benchmark import provenance
from sagellm_benchmark._version import __version__
from sagellm_benchmark.engines.base import Server
from sagellm_benchmark.engines.counting import USAGE
from sagellm_benchmark.machine.host import environment, host
from sagellm_benchmark.runs.context import Context, Observations
from sagellm_benchmark.runs.grounds import Grounds
from sagellm_benchmark.runs.record import (
    Client,
    Config,
    Dataset,
    Load,
    MeasuredServer,
    Record,
    Status,
    Summary,
    Tool,
)
from sagellm_benchmark.runs.spec import RunSpec
from sagellm_benchmark.verdict import recounts
from sagellm_benchmark.verdict.checks import judge
from sagellm_benchmark.verdict.columns import Columns, joined, known
from sagellm_benchmark.verdict.evidence import Evidence, Verdict
from sagellm_benchmark.verdict.figures import Measurement
from sagellm_benchmark.verdict.physics import step_floor_s
from sagellm_benchmark.verdict.steadiness import Drift, Trend
from sagellm_benchmark.verdict.streams import off_length
from sagellm_benchmark.verdict.summarize import Numbers, summarize


def conclude(context: Context, seen: Observations) -> Record:
    """Return the record of a run that is over."""
    looked_at, measured = evidence(context, seen), measurement(context, seen)
    return Record(
        config(context, seen),
        summary(context, seen, judge(looked_at), summarize(seen.repeats, measured), _drift(looked_at)),
        seen.timeline,
        Grounds.of(context.source, seen.repeats, looked_at, measured),
    )


def evidence(context: Context, seen: Observations) -> Evidence:
    """Return what the checks look at; they check lengths only if all requests have the same length."""
    workload = context.workload
    uniform = workload.turns == 1 and context.source.uniform
    columns = joined(seen.repeats)
    return Evidence(
        columns=columns,
        concurrency=None if context.is_open_loop else workload.concurrency,
        asked_rate_rps=context.asked_rate_rps,
        prompts_repeated=_prompts_repeated(context, columns),
        asked_input_tokens=workload.input_tokens if uniform else None,
        asked_output_tokens=workload.output_tokens if context.asks_one_length else None,
        shared_prefix_tokens=context.source.overhead_tokens,
        may_cache=workload.turns > 1 or context.source.shares_beginnings,
        repeat_test=seen.repeat_test,
        interrupted=seen.interrupted,
        timed_out=seen.timed_out,
        health=seen.health,
        calibrated_ttft_bias_s=None if seen.calibration is None else seen.calibration.ttft_bias_s_p50,
        most_events_per_s=None if seen.calibration is None else seen.calibration.most_tokens_per_s,
        texts=columns.texts,
        echoes=seen.echoes,
        charged_only=context.counting.answers == USAGE and not seen.recounts,
        recounted=context.counting.answers.recounted,
        recounted_ratio=recounts.ratio(seen.recounts),
        thin=recounts.thin(seen.recounts),
        asked_model=context.server.served_model,
        echoed_model=context.capabilities.model,
        step_floor_s=step_floor_s(context.server.model, context.hardware),
        contention=seen.contention,
        server_is_here=context.server.local,
        may_be_busy=context.spec.accept_busy,
        nodes=seen.nodes,
        energy_j=seen.gpu.energy_j,
        watched_s=seen.gpu.watched_s,
        power_limit_w=seen.gpu.power_limit_w,
        throttled=seen.gpu.throttled,
        other_processes=seen.gpu.other_processes,
    )


def _prompts_repeated(context: Context, columns: Columns) -> bool:
    """Return whether a file has too few texts, so that some were sent twice."""
    distinct = context.source.distinct
    return distinct is not None and columns.attempted / context.workload.turns > distinct


def config(context: Context, seen: Observations) -> Config:
    """Return what was asked, of which server, on which hardware, and by which tool."""
    spec, server = context.spec, context.server
    return Config(
        description=f"{context.what}, {context.how}",
        load_description=context.how,
        tool=Tool(
            name="sagellm-benchmark",
            version=__version__,
            git_commit=provenance.git_commit(),
            command=spec.command,
            python_version=sys.version.split()[0],
        ),
        sagellm_version=_sagellm_version(spec, server),
        started_at=seen.started_at.isoformat(timespec="milliseconds"),
        submitter=spec.submitter or provenance.submitter(),
        workload=context.workload,
        dataset=Dataset(
            name=context.source.name,
            sha256=context.source.content_hash,
            uniform=context.source.uniform,
            exact=context.source.exact,
        ),
        load=load(context),
        seed=spec.seed,
        repeats=spec.repeats,
        warmup=spec.warmup,
        warmup_s=spec.warmup_s,
        cooldown_s=spec.cooldown_s,
        client_processes=spec.processes,
        limits=spec.limits,
        server=MeasuredServer(
            base_url=server.base_url,
            served_model=server.served_model,
            engine=server.engine.name,
            engine_version=server.engine_version,
            local=server.local,
            api=context.capabilities.api,
            extra=context.capabilities.extra,
            packages=server.packages,
        ),
        model=server.model,
        hardware=context.hardware,
        machine=host(),
        environment=_environment(context),
    )


def _environment(context: Context) -> dict[str, str | None]:
    """Return this machine's environment, with the versions of the libraries that the engine computes with."""
    server, installed = context.server, context.server.packages
    of_machine = environment(server_is_local=server.local)
    of_machine["pytorch_version"] = installed.get("torch")
    if context.hardware.vendor == "NVIDIA":  # elsewhere, CUDA's libraries may be installed but not used
        of_machine["cuda_version"] = (
            installed.get("cuda") or installed.get("cuda 12") or of_machine["cuda_version"]
        )
    return of_machine


def load(context: Context) -> Load:
    """Return how the requests were sent; a trace is an open loop at its mean rate."""
    shape, due = context.shape, context.source.due_s
    asked = Load(
        concurrency=shape.concurrency,
        rate_rps="inf" if shape.rate_rps == math.inf else shape.rate_rps,
        last_rate_rps=shape.last_rate_rps,
        arrival=shape.arrival if shape.last_rate_rps is None else "ramp",
        burstiness=shape.burstiness,
        duration_s=shape.duration_s,
        ramp_s=shape.ramp_s,
    )
    if due is None:
        return asked
    return replace(asked, arrival="trace", rate_rps=round(len(due) / max(due[-1], 1.0), 3))


def _sagellm_version(spec: RunSpec, server: Server) -> str:
    """Return the engine's version if sageLLM is measured, else this tool's, unless the user states one."""
    if spec.sagellm_version is not None:
        return spec.sagellm_version
    return server.engine_version or "" if server.engine.is_sagellm else __version__


def _drift(looked_at: Evidence) -> Drift | None:
    trend = looked_at.trend
    return Drift(trend.change, trend.least) if isinstance(trend, Trend) else None


def summary(
    context: Context, seen: Observations, verdict: Verdict, numbers: Numbers, drift: Drift | None
) -> Summary:
    """Return the run's figures and the verdict on them."""
    spec = context.spec
    stopped: Status = "timed out" if seen.timed_out else "interrupted"
    return Summary(
        status=stopped if seen.interrupted else "node lost" if _lost(seen) else "complete",
        valid=verdict.valid,
        reasons=verdict.reasons,
        not_checked=verdict.not_checked,
        limited_by=verdict.limited_by,
        finished_at=dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
        weights=context.server.model.weights,
        token_source=context.counting.answers.source,
        token_check=context.counting.answers.check,
        own_lengths=_own_lengths(context, seen),
        asked_rate_rps=context.asked_rate_rps,
        slo_ms={metric: limit * 1e3 for metric, limit in spec.slo_s.items()},
        numbers=numbers,
        client=Client(seen.health, seen.calibration, seen.nodes),
        recounted_ratio=recounts.ratio(seen.recounts),
        contention_share=None if seen.contention is None else seen.contention.others_share,
        contention=seen.contention,
        drift=drift,
        repeat_test=seen.repeat_test,
        peak_memory_source=None if seen.peak_memory_mib is None else "server process",
        gpu=seen.gpu,
    )


def measurement(context: Context, seen: Observations) -> Measurement:
    """Return the values from which the metrics are computed."""
    spec = context.spec
    return Measurement(
        columns=joined(seen.repeats),
        slo_s=spec.slo_s,
        streams=None if context.is_open_loop else context.workload.concurrency,
        asked_rate_rps=context.asked_rate_rps,
        server=seen.server,
        gpu=seen.gpu,
        energy_is_the_windows=not (spec.warmup_s or spec.cooldown_s),
        peak_memory_mib=seen.peak_memory_mib,
        price_per_hour_usd=spec.price_per_hour_usd,
    )


def _lost(seen: Observations) -> bool:
    return any(node.lost is not None for node in seen.nodes)


def _own_lengths(context: Context, seen: Observations) -> bool:
    """Return whether answers ended early, on a server that cannot be told to go on, and so changed the load."""
    if context.asks_one_length or not context.source.uniform:
        return False
    asked = context.workload.output_tokens
    tokens = known(joined(seen.repeats).tokens)
    return bool(off_length(tokens, asked, recounted=context.counting.answers.recounted).any())
