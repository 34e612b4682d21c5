"""The options of the command `run` as keyword arguments of the library's `run`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, TypedDict

COMMAND_ONLY = frozenset(
    {
        *("as_json", "quiet", "lang", "opened"),  # what the command shows
        *("versus", "versus_engine", "versus_engine_args", "versus_engine_python", "fail_if"),
        *("on", "client_nodes"),
    }
)
"""Options that the library does not take."""


class RunArguments(TypedDict, total=False):
    """The options of `sagellm-benchmark run`, named with underscores; `--help` says what each one does.

    None means that the option is not given. Times are in seconds, as in the command.
    """

    api_key_env: str | None
    api: Literal["auto", "chat", "completions"]
    engine: str | None
    engine_args: Sequence[str] | None
    engine_python: str | os.PathLike[str] | None
    engine_env: Literal["create"] | None
    launch: Sequence[str] | None
    engine_version: str | None
    sagellm_version: str | None
    parameters: str | None
    precision: str | None
    quantization: str | None
    weights: Literal["real", "dummy"] | None
    tokenizer: str | None
    threads: int | None

    input_tokens: int | None
    output_tokens: int | None
    turns: int | None
    dataset: str
    time_scale: float
    seed: int | None

    arrival: Literal["poisson", "constant", "gamma"]
    burstiness: float
    ramp: float
    search_goodput: bool

    duration: float | None
    repeats: int
    warmup: int
    warmup_seconds: float
    cooldown_seconds: float

    client_processes: int
    keep_raw: bool
    request_timeout: float
    connect_timeout: float
    timeout: float | None
    calibrate: bool
    accept_busy: bool

    hardware: str | os.PathLike[str] | None
    vendor: str | None
    chip_model: str | None
    chip_count: int | None
    node_count: int | None
    comm_backend: str | None
    topology_type: str | None
    topology: str | None
    interconnect: str | None
    memory_per_chip_gb: float | None
    price_per_hour: float | None

    submitter: str | None
