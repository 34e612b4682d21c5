"""`regress`: the options of `run`, for one load that is repeated often enough to be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.options import rules
from sagellm_benchmark.options.declare import flag, parse
from sagellm_benchmark.options.run import RunOptions
from sagellm_benchmark.options.spec import run_spec
from sagellm_benchmark.runs.spec import RunSpec

REPEATS = 5  # unless --repeats says otherwise


def regress_spec(words: Sequence[str], environ: Mapping[str, str]) -> RunSpec:
    """Return the run that the words ask for, with REPEATS repeats unless they say how many.

    Raise UsageError for more than one load, and what `parse` and `run_spec` raise.
    """
    options, argv = parse(RunOptions, words), ["run", *words]
    if "repeats" not in options.given:
        options = replace(options, repeats=REPEATS)
        argv += [flag(RunOptions, "repeats"), str(REPEATS)]
    spec = run_spec(options, argv, environ)
    if len(spec.workloads) * len(spec.shapes) > 1 or spec.search_goodput or rules.is_versus(options):
        raise UsageError(
            "a baseline is one run of one load", hint="name one --workload and one --concurrency or --rate"
        )
    return spec
