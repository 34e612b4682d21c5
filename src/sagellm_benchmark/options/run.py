"""Every option of `run`, declared once: its names, its heading in --help, its type and its purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import click

from sagellm_benchmark.chips import VENDORS
from sagellm_benchmark.options.declare import option
from sagellm_benchmark.options.values import (
    COUNT,
    POSITIVE,
    SECONDS,
    SECONDS_OR_NONE,
    Count,
    Number,
    OneOf,
    Parsed,
    Rate,
    Words,
    counts,
    rates,
    slo,
)
from sagellm_benchmark.words import LANGUAGES, Language

BASE_URL_VARIABLE = "SAGELLM_BASE_URL"
SUBMITTER_VARIABLE = "SAGELLM_SUBMITTER"
BUSY_VARIABLE = "SAGELLM_ACCEPT_BUSY"
OF_A_CLUSTER = ("comm_backend", "topology_type", "topology")  # which a row of several nodes must state
PRECISIONS = ("FP32", "FP16", "BF16", "INT8", "INT4", "FP8")

_measured = partial(option, heading="What is measured")
_asked = partial(option, heading="What is asked of it")
_load = partial(option, heading="How it is asked")
_window = partial(option, heading="What counts")
_versus = partial(option, heading="Against a second server")
_client = partial(option, heading="The client")
_machine = partial(option, heading="What it runs on")
_results = partial(option, heading="Results")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of `run` as the command line states them; `rules` checks that they go together."""

    model: str | None = _measured(
        "--model", "-m", help="A GGUF file or folder, a Hub repository, or a name such as Qwen2-7B."
    )
    base_url: str | None = _measured(
        "--base-url", help=f"A running OpenAI-compatible server.  [default: ${BASE_URL_VARIABLE}]"
    )
    api_key_env: str | None = _measured(
        "--api-key-env", metavar="NAME", help="The environment variable that holds the API key."
    )
    api: Literal["auto", "chat", "completions"] = _measured(
        "--api",
        default="auto",
        type=OneOf(["auto", "chat", "completions"]),
        help="The API to measure; auto uses completions if the server has it.",
    )
    engine: str | None = _measured(
        "--engine",
        help="The engine to start, such as sagellm or vllm; an unknown name lists them all. "
        "With --base-url: the server's engine, if it does not report it.",
    )
    engine_args: tuple[str, ...] | None = _measured(
        "--engine-args",
        type=Words(),
        metavar="'…'",
        help="More options for the engine that is started.",
    )
    engine_python: Path | None = _measured(
        "--engine-python",
        type=click.Path(path_type=Path, exists=True),
        metavar="VENV",
        help="The environment in which the engine is installed, or its Python.",
    )
    engine_env: Literal["create"] | None = _measured(
        "--engine-env",
        type=OneOf(["create"]),
        help="Create the engine's environment if there is none (several GB).",
    )
    launch: tuple[str, ...] | None = _measured(
        "--launch",
        type=Words(),
        metavar="'CMD {model} {port}'",
        help="Start a server with your own command.",
    )
    engine_version: str | None = _measured(
        "--engine-version", help="The engine's version, if it does not report it."
    )
    sagellm_version: str | None = _measured(
        "--sagellm-version", metavar="X.Y.Z", help="The sageLLM release that this run belongs to."
    )
    parameters: str | None = _measured(
        "--parameters", help="The model's size, such as 7B, if the server does not report it."
    )
    precision: str | None = _measured(
        "--precision",
        type=OneOf(PRECISIONS, case_sensitive=False),
        metavar="|".join(PRECISIONS),
        help="The precision of the weights.",
    )
    quantization: str | None = _measured(
        "--quantization",
        help="The quantization, such as AWQ; for weights that are downloaded or made here, "
        "their GGUF type, such as Q4_0.",
    )
    weights: Literal["real", "dummy"] | None = _measured(
        "--weights",
        type=OneOf(["real", "dummy"]),
        help="Whether the server has real or dummy weights, if it does not report it.",
    )
    tokenizer: str | None = _measured(
        "--tokenizer",
        metavar="PATH|NAME",
        help="Counts the tokens if the server does not: a tokenizer.json, its folder, or a Hub name.",
    )
    threads: int | None = _measured("--threads", type=COUNT, help="Processor threads of the embedded engine.")

    workload: str = _asked(
        "--workload",
        "-w",
        default="Q1",
        help="Q1, Q2, … (an unknown name lists them), all, custom, or a .toml file.",
    )
    requests: int | None = _asked(
        "--requests", "-n", type=COUNT, help="The number of requests, instead of the workload's own."
    )
    input_tokens: int | None = _asked(
        "--input-tokens", type=COUNT, help="The prompt length of a custom workload."
    )
    output_tokens: int | None = _asked(
        "--output-tokens", type=COUNT, help="The answer length of a custom workload."
    )
    turns: int | None = _asked("--turns", type=COUNT, help="The turns per conversation of a custom workload.")
    dataset: str = _asked(
        "--dataset",
        default="random",
        help="random, or KIND:FILE of texts (sharegpt, jsonl, text) or a trace (mooncake, burstgpt, azure, trace).",
    )
    time_scale: float = _asked(
        "--time-scale",
        default=1.0,
        type=POSITIVE,
        help="Multiplies the times of a trace: 0.5 sends it twice as fast.",
    )
    seed: int | None = _asked(
        "--seed",
        type=Count(0, 2**31 - 1),
        help="The same seed gives the same prompts.  [default: a new one, recorded]",
    )

    concurrency: tuple[int, ...] | None = _load(
        "--concurrency",
        "-c",
        type=Parsed(counts),
        metavar="N[,N…]",
        help="The number of streams in a closed loop; several numbers make a sweep.",
    )
    rate: tuple[Rate, ...] | None = _load(
        "--rate",
        "-r",
        type=Parsed(rates),
        metavar="R[,R…]",
        help="Open loop: requests per second, inf, or 2..20 for a ramp; several make a sweep.",
    )
    arrival: Literal["poisson", "constant", "gamma"] = _load(
        "--arrival",
        default="poisson",
        type=OneOf(["poisson", "constant", "gamma"]),
        help="The distribution of the arrivals in an open loop.",
    )
    burstiness: float = _load(
        "--burstiness",
        default=1.0,
        type=POSITIVE,
        help="The shape of gamma arrivals: 1 is Poisson, less is burstier.",
    )
    ramp: float = _load(
        "--ramp",
        default=0.0,
        type=SECONDS_OR_NONE,
        help="Spread the first requests of the streams over this many seconds.",
    )
    search_goodput: bool = _load(
        "--search-goodput",
        help="Find the highest rate that meets --slo, by bisection.",
        default=False,
        is_flag=True,
    )

    duration: float | None = _window(
        "--duration", type=SECONDS, help="Measure for this many seconds, instead of a number of requests."
    )
    repeats: int = _window(
        "--repeats", default=1, type=Count(1, 1000), help="Measure this many times, to get an interval."
    )
    warmup: int = _window(
        "--warmup", default=1, type=Count(0, 10_000), help="The number of requests before the measured ones."
    )
    warmup_seconds: float = _window(
        "--warmup-seconds",
        default=0.0,
        type=SECONDS_OR_NONE,
        help="With --duration: seconds at the start that are not measured.",
    )
    cooldown_seconds: float = _window(
        "--cooldown-seconds",
        default=0.0,
        type=SECONDS_OR_NONE,
        help="With --duration: seconds at the end that are not measured.",
    )
    slo: Mapping[str, float] | None = _window(
        "--slo",
        type=Parsed(slo),
        metavar="ttft=200ms,…",
        help="Objectives for ttft, tpot, itl or e2e; gives the goodput.",
    )

    versus: str | None = _versus(
        "--versus",
        metavar="URL",
        help="A second server: both are measured in alternating rounds with the same prompts.",
    )
    versus_engine: str | None = _versus(
        "--versus-engine",
        metavar="ENGINE",
        help="A second engine to start; with --versus: the second server's engine, if it does not report it.",
    )
    versus_engine_args: tuple[str, ...] | None = _versus(
        "--versus-engine-args", type=Words(), metavar="'…'", help="More options for the second engine."
    )
    versus_engine_python: Path | None = _versus(
        "--versus-engine-python",
        type=click.Path(path_type=Path, exists=True),
        metavar="VENV",
        help="The environment of the second engine, for example another version of the first.",
    )
    fail_if: tuple[str, ...] = _versus(
        "--fail-if",
        default=(),
        multiple=True,
        metavar="LIMIT",
        help="Exit with code 6 if the second is worse, such as 'ttft.p99>+5%'.",
    )

    client_processes: int = _client(
        "--client-processes",
        default=1,
        type=Count(1, 256),
        help="Spread the streams over this many processes.",
    )
    on: str | None = _client(
        "--on",
        metavar="ray://auto",
        help="Send the load from the nodes of this machine's Ray cluster (docs/cluster.md).",
    )
    client_nodes: int = _client(
        "--client-nodes",
        default=2,
        type=Count(1, 256),
        help="With --on: the number of nodes, with --client-processes on each.",
    )
    keep_raw: bool = _client(
        "--keep-raw",
        help="Also keep the raw bytes of each answer: about 200 bytes per token.",
        default=False,
        is_flag=True,
    )
    request_timeout: float = _client(
        "--request-timeout", default=600.0, type=SECONDS, help="The most seconds for one answer."
    )
    connect_timeout: float = _client(
        "--connect-timeout", default=10.0, type=SECONDS, help="The most seconds for a connection."
    )
    timeout: float | None = _client(
        "--timeout",
        type=SECONDS,
        help="The most seconds for one load, such as a repeat; what has finished by then is kept.",
    )
    calibrate: bool = _client(
        "--calibrate/--no-calibrate",
        default=True,
        help="Measure the client's own error first (about two seconds).",
    )

    accept_busy: bool = _client(
        "--accept-busy",
        help=f"Only note that the machine is busy, instead of making the run INVALID; also ${BUSY_VARIABLE}.",
        default=False,
        is_flag=True,
    )

    hardware: Path | None = _machine(
        "--hardware",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A TOML file that describes the hardware of a server on another machine.",
    )
    vendor: str | None = _machine(
        "--vendor",
        type=OneOf(VENDORS, case_sensitive=False),
        metavar="|".join(VENDORS),
        help="The vendor of the chips.",
    )
    chip_model: str | None = _machine(
        "--chip-model", help="The model of the chips, such as 'NVIDIA A100 80GB PCIe'."
    )
    chip_count: int | None = _machine(
        "--chip-count", type=COUNT, help="The number of chips on all nodes together."
    )
    node_count: int | None = _machine(
        "--node-count",
        type=COUNT,
        help="The number of nodes; more than one needs the three options below, or --hardware.",
    )
    comm_backend: str | None = _machine(
        "--comm-backend", metavar="TEXT", help="The communication library between nodes, such as NCCL."
    )
    topology_type: str | None = _machine(
        "--topology-type", metavar="TEXT", help="The kind of network between nodes, such as fat-tree."
    )
    topology: str | None = _machine(
        "--topology", metavar="TEXT", help="The layout of the nodes, such as '2 × 8 chips'."
    )
    interconnect: str | None = _machine(
        "--interconnect", help="The link between chips: NVLink, PCIe, HCCS, None, …"
    )
    memory_per_chip_gb: float | None = _machine(
        "--memory-per-chip-gb", type=POSITIVE, help="The memory of one chip, in GiB."
    )

    price_per_hour: float | None = _machine(
        "--price-per-hour",
        type=Number("DOLLARS"),
        help="The hourly price of the server's hardware; gives the cost of a million input and output tokens.",
    )

    submitter: str | None = _results(
        "--submitter", help=f"Whose row this is; else ${SUBMITTER_VARIABLE}, else git's user.name."
    )
    outputs: Path = _results(
        "--outputs",
        "-o",
        default=Path("outputs"),
        hidden_names=("--output-dir",),
        type=click.Path(path_type=Path, file_okay=False),
        help="The folder in which the run's own folder is created.",
    )
    as_json: bool = _results(
        "--json", help="Print the summaries as JSON and nothing else.", default=False, is_flag=True
    )
    quiet: bool = _results(
        "--quiet",
        "-q",
        help="Print nothing but errors; the exit code says whether the run is valid.",
        default=False,
        is_flag=True,
    )
    lang: Language | None = _results(
        "--lang",
        type=OneOf(LANGUAGES),
        help="The language of the screen and the report.  [default: the locale's]",
    )
    opened: bool | None = _results(
        "--open/--no-open", help="Open report.html at the end; on a desktop, you are asked."
    )

    given: frozenset[str] = field(default=frozenset())
    """The names of the fields that the command line states, even if it states their default."""
