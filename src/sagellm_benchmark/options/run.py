"""Every option of `run`, declared once: its names, its heading in --help, its type and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    counts,
    rates,
    slo,
    words,
)
from sagellm_benchmark.words import LANGUAGES, Language

BASE_URL_VARIABLE = "SAGELLM_BASE_URL"
SUBMITTER_VARIABLE = "SAGELLM_SUBMITTER"
BUSY_VARIABLE = "SAGELLM_ACCEPT_BUSY"
PRECISIONS = ("FP32", "FP16", "BF16", "INT8", "INT4", "FP8")

MEASURED = "What is measured"
ASKED = "What is asked of it"
LOAD = "How it is asked"
WINDOW = "What counts"
VERSUS = "Against a second server"
CLIENT = "The client"
MACHINE = "What it runs on"
RESULTS = "Results"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The options of `run` as the command line states them; `rules` checks whether they go together."""

    model: str | None = option(
        "--model",
        "-m",
        heading=MEASURED,
        help="A GGUF file or folder, a Hub repository, or a name such as Qwen2-7B.",
    )
    base_url: str | None = option(
        "--base-url",
        heading=MEASURED,
        help=f"A running OpenAI-compatible server.  [default: ${BASE_URL_VARIABLE}]",
    )
    api_key_env: str | None = option(
        "--api-key-env",
        heading=MEASURED,
        metavar="NAME",
        help="The environment variable that holds the API key.",
    )
    api: Literal["auto", "chat", "completions"] = option(
        "--api",
        heading=MEASURED,
        default="auto",
        type=OneOf(["auto", "chat", "completions"]),
        help="The API to measure; auto uses completions if the server has it.",
    )
    engine: str | None = option(
        "--engine",
        heading=MEASURED,
        help="The engine to start, such as sagellm or vllm; an unknown name lists them all. "
        "With --base-url: the server's engine, if it does not report it.",
    )
    engine_args: tuple[str, ...] | None = option(
        "--engine-args",
        heading=MEASURED,
        type=Parsed(words),
        metavar="'…'",
        help="More options for the engine that is started.",
    )
    engine_python: Path | None = option(
        "--engine-python",
        heading=MEASURED,
        type=click.Path(path_type=Path, exists=True),
        metavar="VENV",
        help="The environment in which the engine is installed, or its Python.",
    )
    engine_env: Literal["create"] | None = option(
        "--engine-env",
        heading=MEASURED,
        type=OneOf(["create"]),
        help="Create the engine's environment if there is none (several GB).",
    )
    launch: tuple[str, ...] | None = option(
        "--launch",
        heading=MEASURED,
        type=Parsed(words),
        metavar="'CMD {model} {port}'",
        help="Start a server with your own command.",
    )
    engine_version: str | None = option(
        "--engine-version", heading=MEASURED, help="The engine's version, if it does not report it."
    )
    sagellm_version: str | None = option(
        "--sagellm-version",
        heading=MEASURED,
        metavar="X.Y.Z",
        help="The sageLLM release that this run belongs to.",
    )
    parameters: str | None = option(
        "--parameters",
        heading=MEASURED,
        help="The model's size, such as 7B, if the server does not report it.",
    )
    precision: str | None = option(
        "--precision",
        heading=MEASURED,
        type=OneOf(PRECISIONS, case_sensitive=False),
        metavar="|".join(PRECISIONS),
        help="The precision of the weights.",
    )
    quantization: str | None = option(
        "--quantization",
        heading=MEASURED,
        help="The quantization, such as AWQ; for weights that are downloaded or made here, "
        "their GGUF type, such as Q4_0.",
    )
    weights: Literal["real", "dummy"] | None = option(
        "--weights",
        heading=MEASURED,
        type=OneOf(["real", "dummy"]),
        help="Whether the server has real or dummy weights, if it does not report it.",
    )
    tokenizer: str | None = option(
        "--tokenizer",
        heading=MEASURED,
        metavar="PATH|NAME",
        help="Counts the tokens if the server does not: a tokenizer.json, its folder, or a Hub name.",
    )
    threads: int | None = option(
        "--threads", heading=MEASURED, type=COUNT, help="Processor threads of the embedded engine."
    )

    workload: str = option(
        "--workload",
        "-w",
        heading=ASKED,
        default="Q1",
        help="Q1, Q2, … (an unknown name lists them), all, custom, or a .toml file.",
    )
    requests: int | None = option(
        "--requests",
        "-n",
        heading=ASKED,
        type=COUNT,
        help="The number of requests, instead of the workload's own.",
    )
    input_tokens: int | None = option(
        "--input-tokens", heading=ASKED, type=COUNT, help="The prompt length of a custom workload."
    )
    output_tokens: int | None = option(
        "--output-tokens", heading=ASKED, type=COUNT, help="The answer length of a custom workload."
    )
    turns: int | None = option(
        "--turns", heading=ASKED, type=COUNT, help="The turns per conversation of a custom workload."
    )
    dataset: str = option(
        "--dataset",
        heading=ASKED,
        default="random",
        help="random, or KIND:FILE of texts (sharegpt, jsonl, text) or a trace (mooncake, burstgpt, azure, trace).",
    )
    time_scale: float = option(
        "--time-scale",
        heading=ASKED,
        default=1.0,
        type=POSITIVE,
        help="Multiplies the times of a trace: 0.5 sends it twice as fast.",
    )
    seed: int | None = option(
        "--seed",
        heading=ASKED,
        type=Count(0, 2**31 - 1),
        help="The same seed gives the same prompts.  [default: a new one, recorded]",
    )

    concurrency: tuple[int, ...] | None = option(
        "--concurrency",
        "-c",
        heading=LOAD,
        type=Parsed(counts),
        metavar="N[,N…]",
        help="The number of streams in a closed loop; several numbers make a sweep.",
    )
    rate: tuple[Rate, ...] | None = option(
        "--rate",
        "-r",
        heading=LOAD,
        type=Parsed(rates),
        metavar="R[,R…]",
        help="Open loop: requests per second, inf, or 2..20 for a ramp; several make a sweep.",
    )
    arrival: Literal["poisson", "constant", "gamma"] = option(
        "--arrival",
        heading=LOAD,
        default="poisson",
        type=OneOf(["poisson", "constant", "gamma"]),
        help="The distribution of the arrivals in an open loop.",
    )
    burstiness: float = option(
        "--burstiness",
        heading=LOAD,
        default=1.0,
        type=POSITIVE,
        help="The shape of gamma arrivals: 1 is Poisson, less is burstier.",
    )
    ramp: float = option(
        "--ramp",
        heading=LOAD,
        default=0.0,
        type=SECONDS_OR_NONE,
        show_default=False,
        help="Spread the first requests of the streams over this many seconds.",
    )
    search_goodput: bool = option(
        "--search-goodput",
        heading=LOAD,
        default=False,
        is_flag=True,
        show_default=False,
        help="Find the highest rate that meets --slo, by bisection.",
    )

    duration: float | None = option(
        "--duration",
        heading=WINDOW,
        type=SECONDS,
        help="Measure for this many seconds, instead of a number of requests.",
    )
    repeats: int = option(
        "--repeats",
        heading=WINDOW,
        default=1,
        type=Count(1, 1000),
        help="Measure this many times, to get an interval.",
    )
    warmup: int = option(
        "--warmup",
        heading=WINDOW,
        default=1,
        type=Count(0, 10_000),
        help="The number of requests before the measured ones.",
    )
    warmup_seconds: float = option(
        "--warmup-seconds",
        heading=WINDOW,
        default=0.0,
        type=SECONDS_OR_NONE,
        show_default=False,
        help="With --duration: seconds at the start that are not measured.",
    )
    cooldown_seconds: float = option(
        "--cooldown-seconds",
        heading=WINDOW,
        default=0.0,
        type=SECONDS_OR_NONE,
        show_default=False,
        help="With --duration: seconds at the end that are not measured.",
    )
    slo: Mapping[str, float] | None = option(
        "--slo",
        heading=WINDOW,
        type=Parsed(slo),
        metavar="ttft=200ms,…",
        help="Objectives for ttft, tpot, itl or e2e; gives the goodput.",
    )

    versus: str | None = option(
        "--versus",
        heading=VERSUS,
        metavar="URL",
        help="A second server: both are measured in alternating rounds with the same prompts.",
    )
    versus_engine: str | None = option(
        "--versus-engine",
        heading=VERSUS,
        metavar="ENGINE",
        help="A second engine to start; with --versus: the second server's engine, if it does not report it.",
    )
    versus_engine_args: tuple[str, ...] | None = option(
        "--versus-engine-args",
        heading=VERSUS,
        type=Parsed(words),
        metavar="'…'",
        help="More options for the second engine.",
    )
    versus_engine_python: Path | None = option(
        "--versus-engine-python",
        heading=VERSUS,
        type=click.Path(path_type=Path, exists=True),
        metavar="VENV",
        help="The environment of the second engine, for example another version of the first.",
    )
    fail_if: tuple[str, ...] = option(
        "--fail-if",
        heading=VERSUS,
        default=(),
        multiple=True,
        show_default=False,
        metavar="LIMIT",
        help="Exit with code 6 if the second is worse, such as 'ttft.p99>+5%'.",
    )

    client_processes: int = option(
        "--client-processes",
        heading=CLIENT,
        default=1,
        type=Count(1, 256),
        help="Spread the streams over this many processes.",
    )
    on: str | None = option(
        "--on",
        heading=CLIENT,
        metavar="ray://auto",
        help="Send the load from the nodes of this machine's Ray cluster (docs/cluster.md).",
    )
    client_nodes: int = option(
        "--client-nodes",
        heading=CLIENT,
        default=2,
        type=Count(1, 256),
        help="With --on: the number of nodes, with --client-processes on each.",
    )
    keep_raw: bool = option(
        "--keep-raw",
        heading=CLIENT,
        default=False,
        is_flag=True,
        show_default=False,
        help="Also keep the raw bytes of each answer: about 200 bytes per token.",
    )
    request_timeout: float = option(
        "--request-timeout",
        heading=CLIENT,
        default=600.0,
        type=SECONDS,
        help="The most seconds for one answer.",
    )
    connect_timeout: float = option(
        "--connect-timeout",
        heading=CLIENT,
        default=10.0,
        type=SECONDS,
        help="The most seconds for a connection.",
    )
    timeout: float | None = option(
        "--timeout",
        heading=CLIENT,
        type=SECONDS,
        help="The most seconds for one load, such as a repeat; what has finished by then is kept.",
    )
    calibrate: bool = option(
        "--calibrate/--no-calibrate",
        heading=CLIENT,
        default=True,
        help="Measure the client's own error first (about two seconds).",
    )

    accept_busy: bool = option(
        "--accept-busy",
        heading=CLIENT,
        default=False,
        is_flag=True,
        show_default=False,
        help=f"Only note that the machine is busy, instead of making the run INVALID; also ${BUSY_VARIABLE}.",
    )

    hardware: Path | None = option(
        "--hardware",
        heading=MACHINE,
        type=click.Path(path_type=Path, dir_okay=False),
        help="A TOML file that describes the hardware of a server on another machine.",
    )
    vendor: str | None = option(
        "--vendor",
        heading=MACHINE,
        type=OneOf(VENDORS, case_sensitive=False),
        metavar="|".join(VENDORS),
        help="The vendor of the chips.",
    )
    chip_model: str | None = option(
        "--chip-model", heading=MACHINE, help="The model of the chips, such as 'NVIDIA A100 80GB PCIe'."
    )
    chip_count: int | None = option(
        "--chip-count", heading=MACHINE, type=COUNT, help="The number of chips on all nodes together."
    )
    node_count: int | None = option(
        "--node-count",
        heading=MACHINE,
        type=COUNT,
        help="The number of nodes; more than one needs the three options below, or --hardware.",
    )
    comm_backend: str | None = option(
        "--comm-backend",
        heading=MACHINE,
        metavar="TEXT",
        help="The communication library between nodes, such as NCCL.",
    )
    topology_type: str | None = option(
        "--topology-type",
        heading=MACHINE,
        metavar="TEXT",
        help="The kind of network between nodes, such as fat-tree.",
    )
    topology: str | None = option(
        "--topology", heading=MACHINE, metavar="TEXT", help="The layout of the nodes, such as '2 × 8 chips'."
    )
    interconnect: str | None = option(
        "--interconnect", heading=MACHINE, help="The link between chips: NVLink, PCIe, HCCS, None, …"
    )
    memory_per_chip_gb: float | None = option(
        "--memory-per-chip-gb", heading=MACHINE, type=POSITIVE, help="The memory of one chip, in GiB."
    )

    price_per_hour: float | None = option(
        "--price-per-hour",
        heading=MACHINE,
        type=Number("DOLLARS"),
        help="The hourly price of the server's hardware; gives the cost of a million input and output tokens.",
    )

    submitter: str | None = option(
        "--submitter",
        heading=RESULTS,
        help=f"Whose row this is; else ${SUBMITTER_VARIABLE}, else git's user.name.",
    )
    outputs: Path = option(
        "--outputs",
        "-o",
        heading=RESULTS,
        default=Path("outputs"),
        hidden_names=("--output-dir",),
        type=click.Path(path_type=Path, file_okay=False),
        help="The folder in which the run's own folder is created.",
    )
    as_json: bool = option(
        "--json",
        heading=RESULTS,
        default=False,
        is_flag=True,
        show_default=False,
        help="Print the summaries as JSON and nothing else.",
    )
    quiet: bool = option(
        "--quiet",
        "-q",
        heading=RESULTS,
        default=False,
        is_flag=True,
        show_default=False,
        help="Print nothing but errors; the exit code says whether the run is valid.",
    )
    lang: Language | None = option(
        "--lang",
        heading=RESULTS,
        type=OneOf(LANGUAGES),
        help="The language of the screen and the report.  [default: the locale's]",
    )
    opened: bool | None = option(
        "--open/--no-open",
        heading=RESULTS,
        help="Open report.html at the end; on a desktop, you are asked.",
    )

    given: frozenset[str] = field(default=frozenset())
    """The fields that the command line states, whatever it says in them."""
