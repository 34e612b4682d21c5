"""The options of `run`, and the specification they add up to. What does not go together is said here."""

from __future__ import annotations

import math
import re
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sagellm_benchmark.errors import UsageError

if TYPE_CHECKING:
    from sagellm_benchmark.runs.spec import HardwareHints, LoadShape, RunSpec
    from sagellm_benchmark.workload.workloads import Workload

BASE_URL_VARIABLE = "SAGELLM_BASE_URL"
SUBMITTER_VARIABLE = "SAGELLM_SUBMITTER"
PRECISIONS = ("FP32", "FP16", "BF16", "INT8", "INT4", "FP8")
HARDWARE_FLAGS = ("vendor", "chip_model", "chip_count", "node_count", "interconnect", "memory_per_chip_gb")
WORKLOAD_FLAGS = ("requests", "input_tokens", "output_tokens", "turns")

FILE = click.Path(path_type=Path, dir_okay=False)
POSITIVE = click.IntRange(min=1, max=10_000_000)


class _Number(click.FloatRange):
    """A range that a text which means no number is outside of."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


SECONDS = _Number(min=0, min_open=True, max=1e6)

_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    # what is measured
    (("--model", "-m"), {"help": "A GGUF file or folder, a Hub repository, or a name such as Qwen2-7B."}),
    (("--base-url",), {"help": f"An OpenAI-compatible server that runs already; else ${BASE_URL_VARIABLE}."}),
    (("--api-key-env",), {"metavar": "NAME", "help": "The environment variable that holds the API key."}),
    (
        ("--api",),
        {"type": click.Choice(["auto", "chat", "completions"]), "default": "auto", "show_default": True},
    ),
    (("--engine",), {"help": "The server's engine, where it does not say so itself."}),
    (("--engine-version",), {"help": "The engine's version, where it does not say so itself."}),
    (("--sagellm-version",), {"help": "The sageLLM release this belongs to, X.Y.Z."}),
    (("--parameters",), {"help": "The model's size, such as 7B, where neither file nor server says it."}),
    (("--precision",), {"type": click.Choice(PRECISIONS, case_sensitive=False), "help": "Of the weights."}),
    (
        ("--quantization",),
        {"help": "Such as AWQ; for our own weights the type to fetch or write, such as Q4_0."},
    ),
    (
        ("--weights",),
        {"type": click.Choice(["real", "dummy"]), "help": "What a server was started with.  [default: real]"},
    ),
    (("--threads",), {"type": POSITIVE, "help": "Processor threads of the embedded engine."}),
    # what is asked of it
    (
        ("--workload", "-w"),
        {"default": "Q1", "show_default": True, "help": "Q1 … Q8, all, custom, or a .toml file."},
    ),
    (
        ("--requests", "-n"),
        {"type": POSITIVE, "help": "How many requests, instead of the workload's own number."},
    ),
    (("--input-tokens",), {"type": POSITIVE, "help": "Prompt length of a custom workload."}),
    (("--output-tokens",), {"type": POSITIVE, "help": "Answer length of a custom workload."}),
    (("--turns",), {"type": POSITIVE, "help": "Turns of a conversation of a custom workload."}),
    (
        ("--dataset",),
        {
            "default": "random",
            "show_default": True,
            "help": "random, sharegpt:FILE, jsonl:FILE, text:FILE or trace:FILE.",
        },
    ),
    # how it is asked
    (
        ("--concurrency", "-c"),
        {"metavar": "N[,N…]", "help": "Streams of a closed loop; several make a sweep."},
    ),
    (
        ("--rate", "-r"),
        {
            "metavar": "R[,R…]",
            "help": "Open loop: requests per second, inf, or 2..20 for a ramp; several make a sweep.",
        },
    ),
    (
        ("--arrival",),
        {"type": click.Choice(["poisson", "constant", "gamma"]), "default": "poisson", "show_default": True},
    ),
    (
        ("--burstiness",),
        {"type": SECONDS, "default": 1.0, "show_default": True, "help": "Shape of the gamma arrivals."},
    ),
    (("--duration",), {"type": SECONDS, "help": "Measure for so many seconds instead of so many requests."}),
    (
        ("--ramp",),
        {
            "type": _Number(min=0, max=1e6),
            "default": 0.0,
            "help": "Spread the streams' first requests over so many seconds.",
        },
    ),
    (
        ("--warmup",),
        {
            "type": click.IntRange(0, 10_000),
            "default": 1,
            "show_default": True,
            "help": "Requests before the measured ones.",
        },
    ),
    (
        ("--warmup-seconds",),
        {
            "type": _Number(min=0, max=1e6),
            "default": 0.0,
            "help": "With --duration: not measured at the start.",
        },
    ),
    (
        ("--cooldown-seconds",),
        {
            "type": _Number(min=0, max=1e6),
            "default": 0.0,
            "help": "With --duration: not measured at the end.",
        },
    ),
    (
        ("--repeats",),
        {
            "type": click.IntRange(1, 1000),
            "default": 1,
            "show_default": True,
            "help": "Measure so many times, for an interval.",
        },
    ),
    (
        ("--slo",),
        {"metavar": "ttft=200ms,…", "help": "Objectives on ttft, tpot, itl, e2e: gives the goodput."},
    ),
    (
        ("--search-goodput",),
        {"is_flag": True, "help": "Find the highest rate that keeps --slo, by bisection."},
    ),
    (
        ("--seed",),
        {
            "type": click.IntRange(0, 2**31 - 1),
            "help": "Repeats a run's prompts.  [default: a new one, recorded]",
        },
    ),
    (
        ("--client-processes",),
        {
            "type": click.IntRange(1, 256),
            "default": 1,
            "show_default": True,
            "help": "Spread the streams over processor cores.",
        },
    ),
    (
        ("--request-timeout",),
        {"type": SECONDS, "default": 600.0, "show_default": True, "help": "Seconds for one answer."},
    ),
    (
        ("--connect-timeout",),
        {"type": SECONDS, "default": 10.0, "show_default": True, "help": "Seconds for a connection."},
    ),
    (
        ("--timeout",),
        {
            "type": SECONDS,
            "help": "Seconds for one load, such as each repeat; what has finished by then is kept.",
        },
    ),
    (
        ("--calibrate/--no-calibrate",),
        {"default": True, "help": "Measure the client's own error first (about two seconds)."},
    ),
    # what it ran on, and where the results go
    (
        ("--hardware",),
        {"type": FILE, "help": "A TOML file that describes the hardware of a server elsewhere."},
    ),
    (("--vendor",), {"help": "Intel, AMD, NVIDIA, Huawei or Other."}),
    (("--chip-model",), {"help": "Such as 'NVIDIA A100 80GB PCIe'."}),
    (("--chip-count",), {"type": POSITIVE, "help": "Over all nodes."}),
    (("--node-count",), {"type": POSITIVE}),
    (("--interconnect",), {"help": "Between chips: NVLink, PCIe, HCCS, None, …"}),
    (("--memory-per-chip-gb",), {"type": SECONDS}),
    (("--submitter",), {"help": f"Whose row this is; else ${SUBMITTER_VARIABLE}, else git's user.name."}),
    (
        ("--output-dir", "-o"),
        {
            "type": click.Path(path_type=Path, file_okay=False),
            "default": Path("outputs"),
            "show_default": True,
        },
    ),
    (("--json", "as_json"), {"is_flag": True, "help": "Print the summaries as JSON and nothing else."}),
)


def of_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all options of `run`, in the order in which --help lists them."""
    for names, settings in reversed(_OPTIONS):
        command = click.option(*names, **settings)(command)
    return command


def run_spec(given: Mapping[str, Any], argv: Sequence[str], environ: Mapping[str, str]) -> RunSpec:
    """The specification that options, arguments and environment add up to; UsageError for what cannot be."""
    from sagellm_benchmark.client.terms import Limits  # noqa: PLC0415 - keeps --help quick
    from sagellm_benchmark.runs.spec import ModelHints, RunSpec, parse_slo  # noqa: PLC0415

    base_url = given["base_url"] or environ.get(BASE_URL_VARIABLE) or None
    seed = secrets.randbelow(2**31) if given["seed"] is None else given["seed"]
    _check(given, base_url)
    slo_s = parse_slo(given["slo"]) if given["slo"] else {}
    return RunSpec(
        workloads=_workloads(given),
        output_dir=given["output_dir"],
        command=_repeatable(argv, given, base_url, seed),
        model=given["model"] or None,
        base_url=base_url,
        api_key=_api_key(given["api_key_env"], environ),
        api=given["api"],
        engine=given["engine"],
        engine_version=given["engine_version"],
        shapes=_shapes(given),
        slo_s=slo_s,
        search_goodput=given["search_goodput"],
        repeats=given["repeats"],
        warmup=given["warmup"],
        warmup_s=given["warmup_seconds"],
        cooldown_s=given["cooldown_seconds"],
        seed=seed,
        dataset=given["dataset"],
        limits=Limits(given["connect_timeout"], given["request_timeout"], given["timeout"]),
        processes=given["client_processes"],
        calibrate=given["calibrate"],
        hardware=_hardware(given),
        model_hints=ModelHints(
            given["parameters"], given["precision"], given["quantization"], _served_weights(given, base_url)
        ),
        sagellm_version=given["sagellm_version"],
        submitter=given["submitter"] or environ.get(SUBMITTER_VARIABLE) or None,
        threads=given["threads"],
    )


def _repeatable(argv: Sequence[str], given: Mapping[str, Any], base_url: str | None, seed: int) -> str:
    """The command with what came from the environment and from chance, so that others can type the same."""
    words = ["sagellm-benchmark", *argv]
    if base_url and not given["base_url"]:
        words += ["--base-url", base_url]
    if given["seed"] is None:
        words += ["--seed", str(seed)]
    return shlex.join(words)


def _check(given: Mapping[str, Any], base_url: str | None) -> None:
    """Options that contradict each other, each with what to do."""
    seconds = given["warmup_seconds"] + given["cooldown_seconds"]
    rules = (
        (given["concurrency"] and given["rate"], "--concurrency is a closed loop, --rate an open one", "give one"),
        (given["duration"] and given["requests"], "--duration and --requests both end a run", "give one of them"),
        (seconds and not given["duration"], "--warmup-seconds and --cooldown-seconds need --duration", "give it"),
        (given["duration"] and seconds >= given["duration"], "--duration leaves nothing to measure", "make it longer"),
        (given["search_goodput"] and not given["slo"], "--search-goodput needs objectives", "add --slo ttft=200ms"),
        (given["ramp"] and given["rate"], "--ramp spreads the streams of a closed loop", "leave out --rate or --ramp"),
        (
            given["search_goodput"]
            and (given["concurrency"] or given["ramp"] or re.search(r",|\.\.", given["rate"] or "")),
            "--search-goodput chooses its own rates",
            "give at most one --rate, to begin with",
        ),
        (given["duration"] and given["rate"] == "inf", "--rate inf sends all at once, whatever --duration", "give one"),
        (
            given["search_goodput"] and re.search(r",|^all$", given["workload"].strip().lower()),
            "--search-goodput looks for one workload's rate",
            "name one --workload",
        ),
        (given["search_goodput"] and "inf" in (given["rate"] or ""), "--rate inf is no first rate", "leave it out"),
        (
            given["dataset"].startswith("trace:")
            and any(given[name] for name in ("rate", "concurrency", "requests", "search_goodput")),
            "a trace says itself what is sent and when",
            "leave out --rate, --concurrency, --requests and --search-goodput",
        ),
        (given["weights"] and not base_url, "--weights is what a server was started with", "add --base-url"),
        (given["threads"] and base_url, "--threads is for the embedded engine", "leave out --threads or --base-url"),
    )  # fmt: skip
    for broken, message, hint in rules:
        if broken:
            raise UsageError(message, hint=hint)


def _served_weights(given: Mapping[str, Any], base_url: str | None) -> Any:
    """A server that somebody measures serves real weights unless they say otherwise; our own engine knows."""
    return (given["weights"] or "real") if base_url else None


def _api_key(variable: str | None, environ: Mapping[str, str]) -> str | None:
    """The key itself; only its variable's name is ever typed or shown."""
    if variable is None:
        return None
    key = environ.get(variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UsageError(  # the name is not shown: it may be a key that was given in its place
            "--api-key-env names no environment variable that holds a usable key",
            hint="export it, such as MY_KEY=…, and give its name; the key itself never goes on the command line",
        )
    return key


def _workloads(given: Mapping[str, Any]) -> tuple[Workload, ...]:
    from sagellm_benchmark.workload.workloads import CUSTOM, Workload, find  # noqa: PLC0415

    changes = {name: given[name] for name in WORKLOAD_FLAGS if given[name] is not None}
    if given["workload"].strip().lower() == CUSTOM:
        missing = [f"--{name.replace('_', '-')}" for name in WORKLOAD_FLAGS[1:3] if name not in changes]
        if missing:
            raise UsageError(
                f"a custom workload needs {' and '.join(missing)}", hint="such as --input-tokens 512"
            )
        return (Workload(**{"name": CUSTOM, "requests": 10, "concurrency": 1, **changes}),)
    if set(changes) - {"requests"}:
        raise UsageError(
            "the lengths of a documented workload are part of its name",
            hint="use --workload custom with --input-tokens and --output-tokens",
        )
    return tuple(replace(workload, **changes) for workload in find(given["workload"]))


def _shapes(given: Mapping[str, Any]) -> tuple[LoadShape, ...]:
    from sagellm_benchmark.runs.spec import LoadShape, parse_counts, parse_rates  # noqa: PLC0415

    base = LoadShape(
        arrival=given["arrival"],
        burstiness=given["burstiness"],
        duration_s=given["duration"],
        ramp_s=given["ramp"],
    )
    if given["rate"]:
        rates = parse_rates(given["rate"])
        return tuple(replace(base, rate_rps=first, last_rate_rps=last) for first, last in rates)
    if given["concurrency"]:
        return tuple(
            replace(base, concurrency=count) for count in parse_counts("--concurrency", given["concurrency"])
        )
    return (base,)


def _hardware(given: Mapping[str, Any]) -> HardwareHints:
    from sagellm_benchmark.runs.spec import HardwareHints  # noqa: PLC0415

    values = {name: given[name] for name in HARDWARE_FLAGS if given[name] is not None}
    return HardwareHints(given["hardware"], values)
