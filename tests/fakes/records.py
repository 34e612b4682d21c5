"""A run's record with ordinary contents, for what comes after a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from sagellm_benchmark.client.calibration import Calibration
from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.client.terms import ClientHealth, Limits
from sagellm_benchmark.engines.base import ModelFacts
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.machine.host import Cpu, Host
from sagellm_benchmark.runs.record import Client, Config, Dataset, Load, MeasuredServer, Record, Summary, Tool
from sagellm_benchmark.verdict.figures import Measurement, Metric
from sagellm_benchmark.verdict.metrics import METRICS
from sagellm_benchmark.verdict.summarize import summarize
from sagellm_benchmark.workload.workloads import WORKLOADS
from tests.fakes.samples import closed_loop, columns

HARDWARE = Hardware(
    vendor="NVIDIA",
    chip_model="NVIDIA H100 80GB HBM3",
    chip_count=1,
    node_count=1,
    interconnect="None",
    memory_per_chip_gb=79.6,
)
MODEL = ModelFacts(name="Qwen2-7B", parameters="7.6B", precision="BF16", weights="real")
SERVER = MeasuredServer(
    base_url="http://127.0.0.1:8000",
    served_model="Qwen/Qwen2-7B",
    engine="vllm",
    engine_version="0.11.0",
    local=True,
    api="completions",
)
TOOL = Tool(
    name="sagellm-benchmark",
    version="0.6.0",
    git_commit=None,
    command="sagellm-benchmark run --base-url http://127.0.0.1:8000",
    python_version="3.12.1",
)
LOAD = Load(
    concurrency=None,
    rate_rps=None,
    last_rate_rps=None,
    arrival="poisson",
    burstiness=1.0,
    duration_s=None,
    ramp_s=0.0,
)
DATASET = Dataset(name="random", sha256="0" * 64, uniform=True, exact=True)
CALIBRATION = Calibration(
    streams=1,
    requests=None,
    tokens_per_s=100.0,
    ttft_bias_s_p50=0.0002,
    ttft_bias_s_p99=0.0004,
    itl_bias_s=0.0001,
    cpu_s_per_token=0.00001,
    clean_tokens_per_s=61_000.0,
    limited_by="server",
    most_tokens_per_s=90_000.0,
)
CONFIG = Config(
    description="Q1 5×(32→64), one at a time",
    load_description="one at a time",
    tool=TOOL,
    sagellm_version="0.6.0",
    started_at="2026-03-09T10:00:00.000+00:00",
    submitter="someone",
    workload=WORKLOADS["Q1"],
    dataset=DATASET,
    load=LOAD,
    seed=7,
    repeats=1,
    warmup=1,
    warmup_s=0.0,
    cooldown_s=0.0,
    client_processes=1,
    limits=Limits(),
    server=SERVER,
    model=MODEL,
    hardware=HARDWARE,
    machine=Host(
        cpu=Cpu(vendor="AMD", model="AMD EPYC", sockets=1, cores=2, threads=4),
        usable_threads=4,
        memory_bytes=2**34,
        os="Linux",
        python_version="3.12.1",
    ),
    environment={"os": "Linux", "python_version": "3.12.1", "cuda_version": None},
)
"""A Q1 run of Qwen2-7B on vLLM."""


def a_summary(
    samples: Sequence[Sample] | None = None,
    *,
    repeats: Sequence[Sequence[Sample]] = (),
    slo_s: Mapping[str, float] | None = None,
    peak_memory_mib: float | None = 312.4,
    declared: Sequence[Metric] = METRICS,
    **changes: Any,
) -> Summary:
    """The summary of `samples` (by default five ordinary requests), or of several repeats; `changes` replace fields."""
    measured = [columns(one) for one in repeats or [closed_loop(5) if samples is None else samples]]
    asked_rate = changes.get("asked_rate_rps")
    beside = Measurement(
        measured[0], slo_s=slo_s or {}, asked_rate_rps=asked_rate, peak_memory_mib=peak_memory_mib
    )
    ordinary = Summary(
        status="complete",
        valid=True,
        reasons=(),
        not_checked=(),
        finished_at="2026-03-09T10:00:09.000+00:00",
        weights="real",
        token_source="server's usage",
        asked_rate_rps=None,
        slo_ms={metric: limit * 1e3 for metric, limit in (slo_s or {}).items()},
        numbers=summarize(measured, beside, declared),
        client=Client(
            ClientHealth(loop_lag_p99_s=0.0004, loop_lag_max_s=0.001, cpu_share=0.02, cpu_s=0.1), CALIBRATION
        ),
        recounted_ratio=1.0,
        contention_share=0.01,
        peak_memory_source="server process",
    )
    return replace(ordinary, **changes)


def a_record(**changes: Any) -> Record:
    """Both parts; `changes` replace fields of the config where it has them, else go to `a_summary`."""
    names = {one.name for one in fields(Config)}
    in_config = {name: value for name, value in changes.items() if name in names and name != "repeats"}
    rest = {name: value for name, value in changes.items() if name not in in_config}
    return Record(replace(CONFIG, **in_config), a_summary(**rest))
