"""The command that a row carries, parsed as options by our own parser and never given to a shell.

Whoever published the row wrote the command, so it may only say what a server is asked, and how. The user has to allow
everything else that an option can do, such as starting a program, reading a file here or sending a key.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sagellm_benchmark.address import Address
from sagellm_benchmark.errors import DataError, UsageError
from sagellm_benchmark.options import rules
from sagellm_benchmark.options.declare import flag, parse, spellings, without
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.options.spec import HARDWARE
from sagellm_benchmark.text import one_line
from sagellm_benchmark.workload.sources import RANDOM

OWNERS = ("submitter", "outputs", "lang")  # options that concern only whoever published the row
HARMLESS = {
    *("model", "base_url", "api", "engine", "engine_version", "sagellm_version"),
    *("parameters", "precision", "quantization", "weights", "threads"),
    *("workload", "requests", "input_tokens", "output_tokens", "turns", "dataset", "time_scale", "seed"),
    *("concurrency", "rate", "arrival", "burstiness", "ramp", "search_goodput"),
    *("duration", "repeats", "warmup", "warmup_seconds", "cooldown_seconds", "slo"),
    *("client_processes", "keep_raw", "request_timeout", "connect_timeout", "timeout", "calibrate"),
    *("accept_busy", "price_per_hour", "as_json", "quiet", "opened", *HARDWARE),
}
"""Options that a row may state, unless their value names a file. A new option is harmless only once it is added."""
_PLAIN_MODEL = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Again:
    """A row's command for this machine: its options, and the words of the command line that state them."""

    options: RunOptions
    words: tuple[str, ...]
    without_effect: tuple[str, ...] = ()  # options, as they are typed, that only the row's command has


def again(row: Any, *, base_url: str | None, same_hardware: bool, files_allowed: bool) -> Again:
    """Return the row's command, without its owner's name and folders, for the server at `base_url`.

    `base_url` is None if the row was measured with the embedded engine. The hardware that the row states is kept only
    with `same_hardware`; options that have no effect are left out. Raise DataError if the row has no `sagellm-benchmark
    run` that this version knows, UsageError if `base_url` is missing or not wanted, or if the command needs
    `files_allowed`.
    """
    left_out = OWNERS if same_hardware else (*OWNERS, *HARDWARE)
    spelled = set().union(*(spellings(RunOptions, name) for name in left_out))
    words = without(_command(row), spelled)
    options = _parsed(words)
    if options.base_url is not None:
        if base_url is None:
            raise UsageError(
                "the row was measured on a server, and only you know where to find one like it",
                hint="start the same engine with the same model, and add --base-url URL",
            )
        Address.parse(base_url)
        options = replace(options, base_url=base_url)
    elif base_url is not None:
        raise UsageError(
            "the row was measured with the embedded engine, which needs no server",
            hint="leave out --base-url",
        )
    if not files_allowed and (asks := _of_this_machine(options)):
        raise UsageError(
            f"the row's command uses something of this machine: {', '.join(asks)}",
            hint=f"add --allow-files only if you agree to all of {one_line(shlex.join(words), 2000)}",
        )
    idle = rules.idle(options)  # an older version accepted them, so the row is the same without them
    words = without(words, set().union(*(spellings(RunOptions, name) for name in idle)))
    options = replace(_parsed(words), base_url=options.base_url)
    return Again(options, tuple(words), tuple(flag(RunOptions, name) for name in idle))


def _command(row: Any) -> list[str]:
    metadata = row.get("metadata") if isinstance(row, dict) else None
    said = metadata.get("reproducible_cmd") if isinstance(metadata, dict) else None
    try:
        words = shlex.split(said) if isinstance(said, str) else []
    except ValueError:
        words = []
    if words[:2] != ["sagellm-benchmark", "run"]:
        raise DataError(
            "the row has no command of `sagellm-benchmark run`", hint="rows of other tools have none"
        )
    return words[2:]


def _parsed(words: list[str]) -> RunOptions:
    try:
        return parse(RunOptions, words)
    except UsageError as error:
        raise DataError(
            f"this version does not know the row's command: {error.message}",
            hint="use the version of this tool that the row names",
        ) from error


def _of_this_machine(options: RunOptions) -> list[str]:
    """Return the options, as they are typed, that may do more than ask something of a server."""
    named = {
        "dataset": options.dataset != RANDOM,
        "workload": ".toml" in options.workload.lower(),
        "model": options.model is not None and not _is_a_name(options.model),
    }
    asks = (options.given - HARMLESS) | {name for name, is_file in named.items() if is_file}
    return sorted(flag(RunOptions, name) for name in asks)


def _is_a_name(model: str) -> bool:
    """Return whether `model` can only be a name or a repository of the Hub, not a file."""
    plain = _PLAIN_MODEL.fullmatch(model) is not None and not model.endswith(".gguf") and ".." not in model
    return plain and not Path(model).exists()
