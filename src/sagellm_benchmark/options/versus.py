"""`run --versus`: one command line gives two specifications that differ only in the server."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sagellm_benchmark.options.declare import flag, without
from sagellm_benchmark.options.run import BASE_URL_VARIABLE, RunOptions
from sagellm_benchmark.options.spec import run_spec
from sagellm_benchmark.runs.spec import RunSpec
from sagellm_benchmark.runs.versus import ROUNDS

OF_B = ("versus", "versus_engine", "versus_engine_args", "versus_engine_python", "fail_if")
OF_A = ("base_url", "engine", "engine_args", "engine_python", "engine_version", "launch")


def versus_specs(
    options: RunOptions, argv: Sequence[str], environ: Mapping[str, str]
) -> tuple[RunSpec, RunSpec]:
    """Return the runs of the first and the second server, each with a command that measures it alone.

    Raise what `run_spec` raises.
    """
    asked = replace(options, base_url=options.base_url or environ.get(BASE_URL_VARIABLE) or None)
    run_spec(asked, argv, environ)  # only checks the options, all together
    words = without(argv, _flags(OF_B))
    words += [] if "repeats" in options.given else [flag(RunOptions, "repeats"), str(ROUNDS)]
    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    is_one_server = options.versus is not None and options.versus == asked.base_url
    a = replace(_alone(asked), repeats=options.repeats if "repeats" in options.given else ROUNDS)
    b = replace(
        a,
        base_url=options.versus,
        engine=options.versus_engine,
        engine_args=options.versus_engine_args,
        engine_python=options.versus_engine_python,
        engine_version=None,
        launch=None,
        seed=seed + 1 if is_one_server else seed,  # its cache must not hold B's prompts because A sent them
    )
    at_a = [] if options.base_url or not asked.base_url else [flag(RunOptions, "base_url"), asked.base_url]
    b_words = without(words, _flags((*OF_A, "seed"))) + _said(b)
    nowhere = {name: value for name, value in environ.items() if name != BASE_URL_VARIABLE}
    return (
        run_spec(replace(a, seed=seed), [*without(words, _flags(("seed",))), *at_a, *_seed(seed)], nowhere),
        run_spec(b, [*b_words, *_seed(b.seed or 0)], nowhere),
    )


def _alone(options: RunOptions) -> RunOptions:
    return replace(
        options,
        versus=None,
        versus_engine=None,
        versus_engine_args=None,
        versus_engine_python=None,
        fail_if=(),
        given=options.given - set(OF_B),
    )


def _flags(names: Sequence[str]) -> set[str]:
    return {flag(RunOptions, name) for name in names}


def _seed(seed: int) -> list[str]:
    return [flag(RunOptions, "seed"), str(seed)]


def _said(b: RunOptions) -> list[str]:
    """Return the options that name B's server, for a command that measures it alone."""
    python = None if b.engine_python is None else str(b.engine_python)
    values = {
        "base_url": b.base_url,
        "engine": b.engine,
        "engine_args": None if b.engine_args is None else shlex.join(b.engine_args),
        "engine_python": python,
    }
    return [word for name, value in values.items() if value for word in (flag(RunOptions, name), value)]
