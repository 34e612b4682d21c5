"""A run of another client beside ours: its figures computed by our formulas, its requests judged by our checks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.client.terms import ClientHealth
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.runs.foreign.base import Foreign
from sagellm_benchmark.runs.quantities import QUANTITIES
from sagellm_benchmark.runs.side import Side, estimate
from sagellm_benchmark.verdict import checks
from sagellm_benchmark.verdict.columns import Columns, collect, known
from sagellm_benchmark.verdict.compare import Estimate
from sagellm_benchmark.verdict.evidence import Evidence
from sagellm_benchmark.verdict.figures import Measurement
from sagellm_benchmark.verdict.summarize import summarize
from sagellm_benchmark.verdict.timeline import Recorder, Timeline

UNSEEN = ClientHealth(loop_lag_p99_s=None, loop_lag_max_s=None, cpu_share=None, cpu_s=None)
LONGEST_S = 1e7
OF_ALL = {"throughput", "request_rate", "goodput"}  # figures that need every request


def side(name: str, run: Foreign) -> Side:
    """Return the run as one side of a comparison. Raise DataError if nothing was answered."""
    course = Recorder()
    columns = collect(course.through(filter(_can_be, run.samples)), lambda one: one.completion_tokens)
    if not columns.answered:
        raise DataError(f"{name} holds no answered request", hint=f"measure again with {run.tool}")
    course.end_repeat((columns.first_start_s, columns.last_end_s))
    judged = checks.judge(_evidence(run, columns))
    return Side(
        name=f"{name} ({run.tool})",
        configuration=dict(_configuration(run, columns)),
        against=judged.reasons,
        estimates=dict(_estimates(run, columns, course.timeline())),
        not_checked=(*judged.not_checked, *_not_kept(run)),
        client=run.tool,
    )


def _can_be(sample: Sample) -> bool:
    """Return whether a sample's times are possible: not before the run or months after it, no end before the start."""
    moments = (sample.start_s, sample.end_s, *sample.event_s)
    return all(0 <= moment < LONGEST_S for moment in moments) and sample.start_s <= sample.end_s


def _evidence(run: Foreign, columns: Columns) -> Evidence:
    """Return what the other client's files tell; the rest is None, and the checks say what they could not check."""
    return Evidence(
        columns=columns,
        concurrency=run.concurrency,
        asked_rate_rps=run.rate_rps if run.concurrency is None else None,
        prompts_repeated=False,
        asked_input_tokens=None,
        asked_output_tokens=None,
        shared_prefix_tokens=0,
        may_cache=False,
        repeat_test=None,
        interrupted=False,
        timed_out=False,
        health=UNSEEN,
    )


def _configuration(run: Foreign, columns: Columns) -> Iterator[tuple[str, str]]:
    for name, tokens in (("input_length", columns.prompt_tokens), ("output_length", columns.tokens)):
        lengths = known(tokens)
        if len(lengths) and np.ptp(lengths) == 0:
            yield name, str(int(lengths[0]))
    if run.concurrency is not None:
        yield "concurrency", str(run.concurrency)


def _estimates(run: Foreign, columns: Columns, timeline: Timeline | None) -> Iterator[tuple[str, Estimate]]:
    numbers = summarize([columns], Measurement(columns, streams=run.concurrency))
    for quantity in QUANTITIES:
        if (quantity.name in OF_ALL and not run.whole) or (
            quantity.name.startswith("itl.") and quantity.name != "itl.mean" and not run.gaps_known
        ):
            continue
        known = estimate(quantity, numbers, timeline, columns)
        if known is not None:
            yield quantity.name, known


def _not_kept(run: Foreign) -> Iterator[str]:
    yield "answers' texts and lengths asked for: the files do not hold them"
    if not run.gaps_known:
        yield f"gaps between events: {run.tool} keeps the first and the last event of an answer"
    if not run.whole:
        yield f"throughput: {run.tool} kept only some of the requests"
