"""Combinations of options that make no sense, as two tables: contradictions, and options that have no effect."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sagellm_benchmark.board.rules import SIZE, VERSION
from sagellm_benchmark.board.scenarios import CUSTOM
from sagellm_benchmark.engines.known.llamacpp import LLAMACPP
from sagellm_benchmark.engines.registry import engines
from sagellm_benchmark.engines.registry import find as find_engine
from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.machine import hardware
from sagellm_benchmark.options.declare import flag
from sagellm_benchmark.options.run import BASE_URL_VARIABLE, OF_A_CLUSTER, RunOptions
from sagellm_benchmark.runs.arrivals import MOST_ARRIVALS
from sagellm_benchmark.verdict.compare import FEWEST_ROUNDS
from sagellm_benchmark.verdict.objectives import SLO_METRICS
from sagellm_benchmark.workload.sources import RANDOM
from sagellm_benchmark.workload.sources import is_trace as names_a_trace
from sagellm_benchmark.workload.workloads import find as find_workloads

Holds = Callable[[RunOptions], object]


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Options that exclude each other: when they do, what is wrong, and what to do instead."""

    when: Holds
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Needs:
    """Options that have an effect only if `condition` holds; stating them otherwise is an error."""

    options: tuple[str, ...]
    condition: Holds
    purpose: str  # a sentence that says what the options are for
    hint: str


def check(options: RunOptions) -> None:
    """Raise UsageError for the first rule that the options break."""
    for message, hint in _broken(options):
        raise UsageError(message, hint=hint)


def idle(options: RunOptions) -> tuple[str, ...]:
    """Return the fields of all options that are stated but have no effect with the others."""
    return tuple(name for _, names in _idle(options) for name in names)


def _idle(options: RunOptions) -> Iterator[tuple[Needs, list[str]]]:
    for need in NEEDS:
        stated = [name for name in need.options if name in options.given]
        if stated and not need.condition(options):
            yield need, stated


def _broken(options: RunOptions) -> Iterator[tuple[str, str]]:
    for name in sorted(name for name in options.given if getattr(options, name) == ""):
        yield f"{flag(RunOptions, name)} is empty", "give it a value, or leave it out"
    for rule in CONTRADICTIONS:
        if rule.when(options):
            yield rule.message, rule.hint
    for need, names in _idle(options):
        stated = [flag(RunOptions, name) for name in names]
        yield f"{', '.join(stated)}: {need.purpose}", need.hint
    if unknown := [metric for metric in options.slo or () if metric not in SLO_METRICS]:
        yield f"--slo has no metric {unknown[0]!r}", f"the metrics are {', '.join(SLO_METRICS)}"


def is_served(options: RunOptions) -> bool:
    """Return whether a server that already runs is measured."""
    return options.base_url is not None


def is_started(options: RunOptions) -> bool:
    """Return whether an engine is started for the run, other than the embedded one."""
    engine = None if options.engine is None else find_engine(options.engine)
    return not is_served(options) and bool(options.launch or (engine and engine.launch))


def _unstartable(options: RunOptions) -> bool:
    """Return whether --engine names an engine that `run` cannot start."""
    if options.engine is None or is_served(options) or is_started(options):
        return False
    return find_engine(options.engine) is not LLAMACPP


def is_versus(options: RunOptions) -> bool:
    """Return whether a second server or engine is measured in alternation with the first."""
    return options.versus is not None or options.versus_engine is not None


def _several_loads(options: RunOptions) -> bool:
    shapes = len(options.rate or options.concurrency or ())
    return _several_workloads(options) or shapes > 1 or options.search_goodput


def is_trace(options: RunOptions) -> bool:
    """Return whether a recorded trace determines what is sent and when."""
    return names_a_trace(options.dataset)


def is_custom(options: RunOptions) -> bool:
    """Return whether the options themselves describe the workload."""
    return options.workload.strip().lower() == CUSTOM


def is_open(options: RunOptions) -> bool:
    """Return whether requests are sent when they are due, so that there are no streams."""
    return bool(options.rate) or options.search_goodput or is_trace(options)


def has_several_streams(options: RunOptions) -> bool:
    """Return whether several requests can be under way at once."""
    return most_streams(options) > 1


def most_streams(options: RunOptions) -> float:
    """Return how many requests can be under way at once; infinity if they are sent when they are due."""
    if is_open(options):
        return math.inf
    if options.concurrency:
        return max(options.concurrency)
    return 1 if is_custom(options) else max(one.concurrency for one in find_workloads(options.workload))


def has_several_nodes(options: RunOptions) -> bool:
    """Return whether the hardware, as it is described, is a cluster."""
    in_file = None if options.hardware is None else hardware.read(options.hardware).node_count
    return (options.node_count or in_file or 1) > 1


def has_arrivals(options: RunOptions) -> bool:
    """Return whether there is a steady rate, around which --arrival can spread requests."""
    return options.search_goodput or any(rate.steady for rate in options.rate or ())


def is_infinite(options: RunOptions) -> bool:
    """Return whether one of the loads is sent all at once (--rate inf)."""
    return any(math.isinf(rate.first) for rate in options.rate or ())


def _edges_s(options: RunOptions) -> float:
    return options.warmup_seconds + options.cooldown_seconds


def _several_workloads(options: RunOptions) -> bool:
    return "," in options.workload or options.workload.strip().lower() == "all"


def _too_many(options: RunOptions) -> bool:
    rates = [max(rate.first, rate.last or 0.0) for rate in options.rate or () if math.isfinite(rate.first)]
    return options.duration is not None and max(rates, default=0.0) * options.duration > MOST_ARRIVALS


SEARCH = "leave it out: --search-goodput chooses its own rates, from one --rate on if there is one"

STARTABLE = ", ".join(engine.name for engine in engines() if engine.launch or engine is LLAMACPP)

CONTRADICTIONS = (
    Contradiction(
        lambda o: o.on and is_versus(o),
        "two servers in turn are measured from one machine only",
        "leave out --on, or measure each by itself and use `compare`",
    ),
    Contradiction(
        lambda o: o.on and not o.on.startswith("ray://"),
        "--on takes the address of a Ray cluster",
        "such as ray://auto, or ray://HOST:6379 of its head",
    ),
    Contradiction(
        _unstartable,
        "--engine names an engine that cannot be started here",
        f"these can: {STARTABLE}; for others add --launch 'CMD {{model}} {{port}}', or --base-url if one already runs",
    ),
    Contradiction(
        lambda o: is_started(o) and not o.model, "an engine that is started needs a model", "add --model"
    ),
    Contradiction(
        lambda o: o.launch and not any("{port}" in word for word in o.launch),
        "--launch does not say where the port goes",
        "write {port} where the server's port goes, and {model} for --model",
    ),
    Contradiction(
        lambda o: o.engine_python and o.engine_env == "create",
        "--engine-python names an existing environment, and --engine-env create makes one",
        "leave one of them out",
    ),
    Contradiction(
        lambda o: o.concurrency and o.rate,
        "--concurrency is a closed loop, --rate an open one",
        "give only one of them",
    ),
    Contradiction(
        lambda o: o.duration and o.requests,
        "--duration and --requests both end a run",
        "give only one of them",
    ),
    Contradiction(
        lambda o: o.duration and _edges_s(o) >= o.duration,
        "--duration leaves nothing to measure",
        "make it longer than --warmup-seconds and --cooldown-seconds together",
    ),
    Contradiction(
        lambda o: o.duration and is_infinite(o),
        "--rate inf sends all requests at once, so --duration has no effect",
        "leave inf or --duration out",
    ),
    Contradiction(
        _too_many,
        f"that load has more than {MOST_ARRIVALS:,} requests",
        "give a lower --rate or a shorter --duration",
    ),
    Contradiction(
        lambda o: o.search_goodput and not o.slo, "--search-goodput needs objectives", "add --slo ttft=200ms"
    ),
    Contradiction(
        lambda o: o.search_goodput and o.concurrency,
        "--concurrency is a closed loop, which has no rate to find",
        SEARCH,
    ),
    Contradiction(
        lambda o: o.search_goodput and o.rate and not (len(o.rate) == 1 and o.rate[0].steady),
        "--search-goodput begins with one rate",
        SEARCH,
    ),
    Contradiction(
        lambda o: o.search_goodput and _several_workloads(o),
        "--search-goodput looks for one workload's rate",
        "name one --workload",
    ),
    Contradiction(
        lambda o: is_trace(o) and (o.rate or o.concurrency or o.search_goodput),
        "a trace determines what is sent and when",
        "leave out --rate, --concurrency and --search-goodput; --time-scale makes it faster",
    ),
    Contradiction(
        lambda o: is_versus(o) and _several_loads(o),
        "two servers are measured in turn under one load",
        "name one --workload, and one --concurrency or --rate",
    ),
    Contradiction(
        lambda o: is_versus(o) and "repeats" in o.given and (o.repeats % 2 or o.repeats < FEWEST_ROUNDS),
        "rounds come in twos, so that each server goes first as often as the other",
        f"give an even number of --repeats, {FEWEST_ROUNDS} or more",
    ),
    Contradiction(
        lambda o: o.versus_engine is not None and o.versus is None and is_served(o),
        "--versus-engine starts an engine, but the first one already runs",
        f"add --versus URL, or leave --base-url and {BASE_URL_VARIABLE} out",
    ),
    Contradiction(
        lambda o: o.sagellm_version is not None and not VERSION.accepts(o.sagellm_version),
        "--sagellm-version is not a release",
        "write it as X.Y.Z",
    ),
    Contradiction(
        lambda o: o.parameters is not None and not SIZE.accepts(o.parameters),
        "--parameters is no size of a model",
        "write it such as 7B, 135M, 8x7B or 30B-A3B",
    ),
)

NEEDS = (
    Needs(("client_nodes",), lambda o: o.on, "nodes are those of a cluster", "add --on ray://auto"),
    Needs(("on",), is_served, "the nodes of a cluster need an address that they can reach", "add --base-url"),
    Needs(("api_key_env",), is_served, "the key is for a server that already runs", "add --base-url"),
    Needs(
        ("engine_version", "parameters"),
        lambda o: is_served(o) or is_started(o),
        "this is for a server that does not report it; the embedded engine does",
        "add --base-url or --engine, or leave it out",
    ),
    Needs(
        ("tokenizer",),
        lambda o: is_served(o) or is_started(o),
        "the embedded engine counts tokens itself",
        "add --base-url or --engine, or leave it out",
    ),
    Needs(
        ("weights",),
        lambda o: is_served(o) or is_started(o),
        "this is what a server was started with",
        "add --base-url or --engine, or leave it out",
    ),
    Needs(
        ("launch",),
        lambda o: not is_served(o),
        "this starts a server, but one that already runs is named",
        f"leave it out, or --base-url and {BASE_URL_VARIABLE}",
    ),
    Needs(
        ("engine_args", "engine_python", "engine_env"),
        lambda o: is_started(o) and not o.launch,
        "this is for an engine that is started by its name",
        "add --engine, and leave --launch, --base-url and " + BASE_URL_VARIABLE + " out",
    ),
    Needs(
        ("versus",),
        is_served,
        "the second server is measured in turn with a first one",
        "add --base-url, or name engines with --engine and --versus-engine",
    ),
    Needs(
        ("versus_engine_args", "versus_engine_python"),
        lambda o: o.versus_engine is not None and o.versus is None,
        "this is for a second engine that is started by its name",
        "add --versus-engine, and leave --versus out",
    ),
    Needs(
        ("fail_if",),
        is_versus,
        "this limits how much worse the second server may be",
        "add --versus or --versus-engine; for finished runs, use `compare --fail-if`",
    ),
    Needs(
        ("threads",),
        lambda o: not (is_served(o) or is_started(o)),
        "this is for the embedded engine",
        f"leave it out, or --engine, --launch, --base-url and {BASE_URL_VARIABLE}",
    ),
    Needs(
        ("arrival",),
        has_arrivals,
        "this is how the requests of an open loop are spread around a finite rate",
        "add --rate, or leave it out",
    ),
    Needs(
        ("burstiness",),
        lambda o: o.arrival == "gamma",
        "this is the shape of gamma arrivals",
        "add --arrival gamma, or leave it out",
    ),
    Needs(
        ("ramp",),
        lambda o: not is_open(o),
        "this spreads the first requests of a closed loop's streams",
        "leave it out; --rate 2..20 is a ramp of the rate",
    ),
    Needs(
        ("ramp", "client_processes"),
        has_several_streams,
        "this is for several streams, and the load has only one",
        "raise --concurrency above 1, or leave it out",
    ),
    Needs(
        ("client_processes",),
        lambda o: not has_several_streams(o) or o.client_processes <= most_streams(o),
        "each process needs a stream, and there are fewer streams",
        "ask for fewer processes, or raise --concurrency",
    ),
    Needs(
        OF_A_CLUSTER,
        has_several_nodes,
        "this connects several nodes, and there is only one",
        "add --node-count, or leave it out",
    ),
    Needs(
        ("time_scale",),
        is_trace,
        "this is the pace of a recorded trace",
        "add --dataset mooncake:FILE or another trace, or leave it out",
    ),
    Needs(
        ("workload", "output_tokens", "turns"),
        lambda o: not is_trace(o),
        "a trace determines what is sent and when",
        "leave it out, or --dataset",
    ),
    Needs(
        ("input_tokens",),
        lambda o: o.dataset == RANDOM,
        "the prompts of a dataset have lengths of their own",
        "leave it out, or --dataset",
    ),
    Needs(
        ("warmup_seconds", "cooldown_seconds"),
        lambda o: o.duration,
        "these are the edges of a timed run",
        "add --duration; --warmup counts requests",
    ),
)
