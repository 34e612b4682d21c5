"""Turn options into the specification of a run, and find everything that is wrong with them before anything starts."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sagellm_benchmark.address import Address
from sagellm_benchmark.board.scenarios import CUSTOM
from sagellm_benchmark.client.terms import Limits
from sagellm_benchmark.engines import environment, served, weights
from sagellm_benchmark.engines.known.sagellm import SAGELLM
from sagellm_benchmark.engines.llamacpp import require
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.machine import hardware
from sagellm_benchmark.machine.hardware import Hardware
from sagellm_benchmark.options import rules
from sagellm_benchmark.options.declare import flag
from sagellm_benchmark.options.run import (
    BASE_URL_VARIABLE,
    BUSY_VARIABLE,
    OF_A_CLUSTER,
    SUBMITTER_VARIABLE,
    RunOptions,
)
from sagellm_benchmark.runs.spec import LoadShape, ModelHints, RunSpec, Start
from sagellm_benchmark.workload import datasets
from sagellm_benchmark.workload.sources import RANDOM, Cut
from sagellm_benchmark.workload.workloads import Workload, find

HARDWARE = (
    *("vendor", "chip_model", "chip_count", "node_count", "interconnect", "memory_per_chip_gb"),
    *OF_A_CLUSTER,
)
CUSTOM_REQUESTS = 10
WARMUP_TOKENS = 32  # in each prompt that is made up for the warm-up if a file has no texts to spare
LENGTHS = ("input_tokens", "output_tokens", "turns")
LOADS_DUMMY = re.compile("(--load[-_]format=)?dummy")  # tells vLLM and SGLang to make up random weights


def run_spec(options: RunOptions, argv: Sequence[str], environ: Mapping[str, str]) -> RunSpec:
    """Return the run that the options describe, completed from the environment; `argv` is recorded as its command.

    Raise UsageError if options contradict each other, have no effect or lack something, DataError if a file that they
    name cannot be used.
    """
    typed_url = options.base_url
    options = replace(
        options, base_url=environ.get(BASE_URL_VARIABLE) or None if typed_url is None else typed_url
    )
    rules.check(options)
    start = _start(options)
    if start is not None:
        start = replace(start, served=served.of(environ))
    if options.base_url is not None:
        Address.parse(options.base_url)  # only checks it: the address is recorded as it was given
    elif start is None:
        require()
    workloads = _workloads(options)
    if not options.duration and not rules.is_trace(options):
        _check_turns(workloads)
    cut = Cut(options.requests, options.duration, options.time_scale)
    if options.dataset != RANDOM:
        for workload in workloads:
            datasets.check(options.dataset, workload, cut)
    shapes = _shapes(options)
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    return RunSpec(
        workloads=workloads,
        output_dir=options.outputs,
        command=_repeatable(argv, options, typed_url, seed, start),
        model=options.model or None,
        base_url=options.base_url,
        start=start,
        api_key=_api_key(options.api_key_env, environ),
        api=options.api,
        engine=options.engine,
        engine_version=options.engine_version,
        shapes=shapes,
        slo_s=options.slo or {},
        search_goodput=options.search_goodput,
        fill_sweep=len(shapes) > 1 and options.requests is None,
        repeats=options.repeats,
        warmup=options.warmup,
        warmup_s=options.warmup_seconds,
        cooldown_s=options.cooldown_seconds,
        seed=seed,
        dataset=options.dataset,
        cut=cut,
        limits=Limits(options.connect_timeout, options.request_timeout, options.timeout),
        processes=options.client_processes,
        keep_raw=options.keep_raw,
        on=options.on,
        client_nodes=options.client_nodes,
        calibrate=options.calibrate,
        accept_busy=options.accept_busy or bool(environ.get(BUSY_VARIABLE)),
        hardware=_hardware(options),
        price_per_hour_usd=options.price_per_hour,
        model_hints=_model_hints(options),
        sagellm_version=options.sagellm_version,
        submitter=options.submitter or environ.get(SUBMITTER_VARIABLE) or None,
        tokenizer=options.tokenizer,
        threads=options.threads,
    )


def _start(options: RunOptions) -> Start | None:
    """Return the engine to start; unless the user names one, sageLLM if it is installed and can serve the model.

    None means that a server already runs, or that the embedded engine is measured.
    """
    if rules.is_started(options):
        return Start(
            engine=options.engine,
            command=options.launch or (),
            arguments=options.engine_args or (),
            python=options.engine_python,
            create=options.engine_env == "create",
        )
    if options.base_url or options.engine or options.model is None or options.threads or options.quantization:
        return None
    serves = not weights.is_gguf(options.model) and environment.find(SAGELLM) is not None
    return Start(engine=SAGELLM.name) if serves else None


def _repeatable(
    argv: Sequence[str], options: RunOptions, typed_url: str | None, seed: int, start: Start | None
) -> str:
    """Return the command, with the address, engine and seed that it does not state, so that others can repeat it."""
    words = ["sagellm-benchmark", *argv]
    if options.base_url and not typed_url:
        words += ["--base-url", options.base_url]
    if start is not None and start.engine != options.engine:
        words += ["--engine", str(start.engine)]
    if options.seed is None:
        words += ["--seed", str(seed)]
    return shlex.join(words)


def _api_key(variable: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the API key, which is read from the environment so that it is never typed or shown."""
    if variable is None:
        return None
    key = environ.get(variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError(  # the name is not shown: it may be a key that was given in its place
            "--api-key-env names no environment variable that holds a usable key",
            hint="export it, such as MY_KEY=…, and give its name; the key itself never goes on the command line",
        )
    return key


def _workloads(options: RunOptions) -> tuple[Workload, ...]:
    """Return the workloads that --workload names, or the custom one that the lengths describe."""
    lengths = {name: value for name in LENGTHS if (value := getattr(options, name)) is not None}
    if rules.is_custom(options):
        if options.dataset != RANDOM:
            lengths["input_tokens"] = WARMUP_TOKENS  # each text has a length of its own
        missing = [name for name in ("input_tokens", "output_tokens") if name not in lengths]
        if missing:
            raise UsageError(
                f"a custom workload needs {' and '.join(_flags(missing))}",
                hint="give each as a number of tokens, such as 128",
            )
        requests = CUSTOM_REQUESTS if options.requests is None else options.requests
        return (Workload(CUSTOM, requests, concurrency=1, **lengths),)
    if lengths:
        raise UsageError(
            "the lengths of a documented workload are part of its name",
            hint="use --workload custom with --input-tokens and --output-tokens",
        )
    found = find(options.workload)
    if options.requests is None:
        return found
    return tuple(replace(workload, requests=options.requests) for workload in found)


def _shapes(options: RunOptions) -> tuple[LoadShape, ...]:
    """Return every load to measure.

    An option that has no effect on a load keeps its default there, so that equal loads are equal values.
    """
    base = LoadShape(duration_s=options.duration, ramp_s=options.ramp)
    spread = replace(base, arrival=options.arrival, burstiness=options.burstiness)
    if options.rate:
        return tuple(
            replace(spread if rate.steady else base, rate_rps=rate.first, last_rate_rps=rate.last)
            for rate in options.rate
        )
    if options.concurrency:
        return tuple(replace(base, concurrency=count) for count in options.concurrency)
    return (spread if options.search_goodput else base,)


def _check_turns(workloads: Sequence[Workload]) -> None:
    """Raise UsageError for a workload with too few requests for a single conversation."""
    for one in workloads:
        if one.turns > one.requests:
            raise UsageError(
                f"{one.name} has conversations of {one.turns} turns, but fewer requests: {one.requests}",
                hint=f"ask for at least --requests {one.turns}, or for fewer turns",
            )


def _flags(names: Sequence[str]) -> list[str]:
    return [flag(RunOptions, name) for name in names]


def _hardware(options: RunOptions) -> Hardware:
    """Return the hardware that the options and --hardware state; an option goes before the file."""
    typed = Hardware(**{name: getattr(options, name) for name in HARDWARE})
    stated = hardware.check(typed, "the command line")
    if options.hardware is not None:
        stated = stated.completed(hardware.read(options.hardware))
    missing = [name for name in OF_A_CLUSTER if getattr(stated, name) is None]
    if (stated.node_count or 1) > 1 and missing:
        raise UsageError(
            f"{stated.node_count} nodes are a cluster, which needs {' and '.join(_flags(missing))} as well",
            hint='such as --comm-backend NCCL; or write comm_backend = "NCCL" into a file for --hardware',
        )
    return stated


def _model_hints(options: RunOptions) -> ModelHints:
    """Return what the user says of the model; an engine started here has real ones unless its arguments say dummy."""
    kind = options.weights
    if kind is None and rules.is_started(options) and not options.launch:
        kind = "dummy" if any(LOADS_DUMMY.fullmatch(word) for word in options.engine_args or ()) else "real"
    return ModelHints(options.parameters, options.precision, options.quantization, kind)
