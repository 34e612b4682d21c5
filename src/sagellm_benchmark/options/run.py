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
    completed,
    counts,
    rates,
    slo,
    words,
)
from sagellm_benchmark.words import LANGUAGES, Language

BASE_URL_VARIABLE = "SAGELLM_BASE_URL"
SUBMITTER_VARIABLE = "SAGELLM_SUBMITTER"
BUSY_VARIABLE = "SAGELLM_ACCEPT_BUSY"
KNOWN_ENGINES = ("sagellm", "vllm", "sglang", "lmdeploy", "transformers", "llama.cpp", "llama-cpp-python")
KNOWN_WORKLOADS = ("Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q7", "Q8", "all", "custom")
PRECISIONS = ("FP32", "FP16", "BF16", "INT8", "INT4", "FP8")

MEASURED = "What is measured"
ASKED = "What is asked of it"
LOAD = "How it is asked"
WINDOW = "What counts"
VERSUS = "Against another, in turn"
CLIENT = "The client"
MACHINE = "What it runs on"
RESULTS = "Results"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the command line of `run` says, option by option; whether it goes together is for `rules` to say."""

    model: str | None = option(
        "--model",
        "-m",
        heading=MEASURED,
        shell_complete=completed(files=True),
        help="A GGUF file or folder, a Hub repository, or a name such as Qwen2-7B.",
    )
    base_url: str | None = option(
        "--base-url",
        heading=MEASURED,
        help=f"An OpenAI-compatible server that runs already; else ${BASE_URL_VARIABLE}.",
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
        help="The API to measure; auto takes completions where the server has it.",
    )
    engine: str | None = option(
        "--engine",
        heading=MEASURED,
        shell_complete=completed(*KNOWN_ENGINES),
        help="sagellm, vllm, sglang, lmdeploy, transformers or llama.cpp: the engine to start;"
        " with --base-url the server's, where it does not say so itself.",
    )
    engine_args: tuple[str, ...] | None = option(
        "--engine-args",
        heading=MEASURED,
        type=Parsed(words),
        metavar="'…'",
        help="More options of the engine that is started.",
    )
    engine_python: Path | None = option(
        "--engine-python",
        heading=MEASURED,
        type=click.Path(path_type=Path, exists=True),
        metavar="VENV",
        help="The environment that holds the engine, or the Python in it.",
    )
    engine_env: Literal["create"] | None = option(
        "--engine-env",
        heading=MEASURED,
        type=OneOf(["create"]),
        help="Make the engine's environment where there is none (gigabytes).",
    )
    launch: tuple[str, ...] | None = option(
        "--launch",
        heading=MEASURED,
        type=Parsed(words),
        metavar="'CMD {model} {port}'",
        help="Start a server by a command of your own.",
    )
    engine_version: str | None = option(
        "--engine-version", heading=MEASURED, help="The engine's version, where it does not say so itself."
    )
    sagellm_version: str | None = option(
        "--sagellm-version", heading=MEASURED, metavar="X.Y.Z", help="The sageLLM release this belongs to."
    )
    parameters: str | None = option(
        "--parameters",
        heading=MEASURED,
        help="The model's size, such as 7B, where the server does not say it.",
    )
    precision: str | None = option(
        "--precision",
        heading=MEASURED,
        type=OneOf(PRECISIONS, case_sensitive=False),
        metavar="|".join(PRECISIONS),
        help="Of the weights.",
    )
    quantization: str | None = option(
        "--quantization",
        heading=MEASURED,
        help="Such as AWQ; for our own weights the type to fetch or write, such as Q4_0.",
    )
    weights: Literal["real", "dummy"] | None = option(
        "--weights",
        heading=MEASURED,
        type=OneOf(["real", "dummy"]),
        help="What a server was started with, where it does not say so itself.",
    )
    tokenizer: str | None = option(
        "--tokenizer",
        heading=MEASURED,
        metavar="PATH|NAME",
        help="Counts tokens where the server does not: a tokenizer.json, its folder, or a Hub name.",
    )
    threads: int | None = option(
        "--threads", heading=MEASURED, type=COUNT, help="Processor threads of the embedded engine."
    )

    workload: str = option(
        "--workload",
        "-w",
        heading=ASKED,
        default="Q1",
        shell_complete=completed(*KNOWN_WORKLOADS, files=True),
        help="Q1 … Q8, all, custom, or a .toml file.",
    )
    requests: int | None = option(
        "--requests",
        "-n",
        heading=ASKED,
        type=COUNT,
        help="How many requests, instead of the workload's own number.",
    )
    input_tokens: int | None = option(
        "--input-tokens", heading=ASKED, type=COUNT, help="Prompt length of a custom workload."
    )
    output_tokens: int | None = option(
        "--output-tokens", heading=ASKED, type=COUNT, help="Answer length of a custom workload."
    )
    turns: int | None = option(
        "--turns", heading=ASKED, type=COUNT, help="Turns of a conversation of a custom workload."
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
        help="Of a trace's times: 0.5 sends it twice as fast.",
    )
    seed: int | None = option(
        "--seed",
        heading=ASKED,
        type=Count(0, 2**31 - 1),
        help="Repeats a run's prompts.  [default: a new one, recorded]",
    )

    concurrency: tuple[int, ...] | None = option(
        "--concurrency",
        "-c",
        heading=LOAD,
        type=Parsed(counts),
        metavar="N[,N…]",
        help="Streams of a closed loop; several make a sweep.",
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
        help="How the requests of an open loop are spread.",
    )
    burstiness: float = option(
        "--burstiness", heading=LOAD, default=1.0, type=POSITIVE, help="Shape of the gamma arrivals."
    )
    ramp: float = option(
        "--ramp",
        heading=LOAD,
        default=0.0,
        type=SECONDS_OR_NONE,
        show_default=False,
        help="Spread the streams' first requests over so many seconds.",
    )
    search_goodput: bool = option(
        "--search-goodput",
        heading=LOAD,
        default=False,
        is_flag=True,
        show_default=False,
        help="Find the highest rate that keeps --slo, by bisection.",
    )

    duration: float | None = option(
        "--duration",
        heading=WINDOW,
        type=SECONDS,
        help="Measure for so many seconds instead of so many requests.",
    )
    repeats: int = option(
        "--repeats",
        heading=WINDOW,
        default=1,
        type=Count(1, 1000),
        help="Measure so many times, for an interval.",
    )
    warmup: int = option(
        "--warmup",
        heading=WINDOW,
        default=1,
        type=Count(0, 10_000),
        help="Requests before the measured ones.",
    )
    warmup_seconds: float = option(
        "--warmup-seconds",
        heading=WINDOW,
        default=0.0,
        type=SECONDS_OR_NONE,
        show_default=False,
        help="With --duration: not measured at the start.",
    )
    cooldown_seconds: float = option(
        "--cooldown-seconds",
        heading=WINDOW,
        default=0.0,
        type=SECONDS_OR_NONE,
        show_default=False,
        help="With --duration: not measured at the end.",
    )
    slo: Mapping[str, float] | None = option(
        "--slo",
        heading=WINDOW,
        type=Parsed(slo),
        metavar="ttft=200ms,…",
        help="Objectives on ttft, tpot, itl, e2e: gives the goodput.",
    )

    versus: str | None = option(
        "--versus",
        heading=VERSUS,
        metavar="URL",
        help="A second server: both are measured in turn, round by round, by the same prompts.",
    )
    versus_engine: str | None = option(
        "--versus-engine",
        heading=VERSUS,
        shell_complete=completed(*KNOWN_ENGINES),
        metavar="ENGINE",
        help="A second engine to start; with --versus the second server's, where it does not say so itself.",
    )
    versus_engine_args: tuple[str, ...] | None = option(
        "--versus-engine-args",
        heading=VERSUS,
        type=Parsed(words),
        metavar="'…'",
        help="More options of the second engine.",
    )
    versus_engine_python: Path | None = option(
        "--versus-engine-python",
        heading=VERSUS,
        type=click.Path(path_type=Path, exists=True),
        metavar="VENV",
        help="The environment that holds the second engine: another version of the first, for one.",
    )
    fail_if: tuple[str, ...] = option(
        "--fail-if",
        heading=VERSUS,
        default=(),
        multiple=True,
        show_default=False,
        metavar="LIMIT",
        help="Exit 6 on a regression of the second, such as 'ttft.p99>+5%'.",
    )

    client_processes: int = option(
        "--client-processes",
        heading=CLIENT,
        default=1,
        type=Count(1, 256),
        help="Spread the streams over processor cores.",
    )
    on: str | None = option(
        "--on",
        heading=CLIENT,
        metavar="ray://auto",
        help="Send the load from the nodes of the Ray cluster that this machine is one of (docs/cluster.md).",
    )
    client_nodes: int = option(
        "--client-nodes",
        heading=CLIENT,
        default=2,
        type=Count(1, 256),
        help="With --on: on so many nodes, --client-processes on each.",
    )
    keep_raw: bool = option(
        "--keep-raw",
        heading=CLIENT,
        default=False,
        is_flag=True,
        show_default=False,
        help="Keep each answer's bytes as they came, too: some 200 bytes a token.",
    )
    request_timeout: float = option(
        "--request-timeout", heading=CLIENT, default=600.0, type=SECONDS, help="Seconds for one answer."
    )
    connect_timeout: float = option(
        "--connect-timeout", heading=CLIENT, default=10.0, type=SECONDS, help="Seconds for a connection."
    )
    timeout: float | None = option(
        "--timeout",
        heading=CLIENT,
        type=SECONDS,
        help="Seconds for one load, such as each repeat; what has finished by then is kept.",
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
        help=f"Do not hold other programs on this machine against the run, but say it; also ${BUSY_VARIABLE}.",
    )

    hardware: Path | None = option(
        "--hardware",
        heading=MACHINE,
        type=click.Path(path_type=Path, dir_okay=False),
        help="A TOML file that describes the hardware of a server elsewhere.",
    )
    vendor: str | None = option(
        "--vendor",
        heading=MACHINE,
        type=OneOf(VENDORS, case_sensitive=False),
        metavar="|".join(VENDORS),
        help="The maker of its chips.",
    )
    chip_model: str | None = option("--chip-model", heading=MACHINE, help="Such as 'NVIDIA A100 80GB PCIe'.")
    chip_count: int | None = option("--chip-count", heading=MACHINE, type=COUNT, help="Over all nodes.")
    node_count: int | None = option(
        "--node-count",
        heading=MACHINE,
        type=COUNT,
        help="More than one needs the three below, or a --hardware file.",
    )
    comm_backend: str | None = option(
        "--comm-backend", heading=MACHINE, metavar="TEXT", help="Of several nodes, such as NCCL."
    )
    topology_type: str | None = option(
        "--topology-type", heading=MACHINE, metavar="TEXT", help="Of several nodes, such as fat-tree."
    )
    topology: str | None = option(
        "--topology", heading=MACHINE, metavar="TEXT", help="Of several nodes, such as '2 × 8 chips'."
    )
    interconnect: str | None = option(
        "--interconnect", heading=MACHINE, help="Between chips: NVLink, PCIe, HCCS, None, …"
    )
    memory_per_chip_gb: float | None = option(
        "--memory-per-chip-gb", heading=MACHINE, type=POSITIVE, help="Of one chip."
    )

    price_per_hour: float | None = option(
        "--price-per-hour",
        heading=MACHINE,
        type=Number("DOLLARS"),
        help="What the server's hardware costs an hour: gives the cost of a million tokens, in and out.",
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
        help="Where the run's folder is made.",
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
        help="The language of screen and report; else the locale's.",
    )
    opened: bool | None = option(
        "--open/--no-open",
        heading=RESULTS,
        help="Open report.html when the run is over; on a desktop it is asked.",
    )

    given: frozenset[str] = field(default=frozenset())
    """The fields that the command line states, whatever it says in them."""
