"""Samples that lay on several nodes, each with a clock of its own, give the figures of one place, to the last bit."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.client import decoded
from sagellm_benchmark.client.connection import Exchange
from sagellm_benchmark.client.events import Answer
from sagellm_benchmark.client.health import worst
from sagellm_benchmark.client.process import Recorded
from sagellm_benchmark.client.spool import Reading
from sagellm_benchmark.client.terms import ClientHealth
from sagellm_benchmark.verdict import stats
from sagellm_benchmark.verdict.columns import collect
from sagellm_benchmark.verdict.metrics import LATENCIES

TICK_S = 2.0**-20  # a clock's step: what is a whole number of them is exact on every clock
READING = Reading(exact_output=True)

# One request: when it started, and how long after that, and after each other, its events came. In ticks.
REQUESTS = st.tuples(
    st.integers(0, 2**22), st.lists(st.integers(1, 2**20), min_size=2, max_size=12).map(tuple)
)


def _answers(request: tuple[int, tuple[int, ...]]) -> npt.NDArray[np.float64]:
    start, steps = request
    return (start + np.cumsum(steps)) * TICK_S


def _due(start: int, steps: tuple[int, ...]) -> float:
    return (start - steps[-1]) * TICK_S


def _node(folder: Path, number: int, zero: float, requests: Sequence[tuple[int, tuple[int, ...]]]) -> str:
    """Write what one process has seen, on its clock and in the order in which its requests ended."""
    path = folder / str(number)
    with path.open("wb") as file:
        for start, steps in sorted(requests, key=lambda one: one[0] + sum(one[1])):
            events = tuple((zero + _answers((start, steps))).tolist())
            exchange = Exchange(
                0, 0, 0, zero + _due(start, steps), 8, len(events), zero + start * TICK_S, events[-1], 200
            )
            answer = Answer(events, "x", "x", completion_tokens=len(events), finish_reason="length")
            file.write(decoded._frame(exchange, answer, READING))
    return str(path)


@given(
    dealt=st.lists(st.lists(REQUESTS, min_size=1, max_size=60), min_size=1, max_size=4),
    days=st.lists(st.integers(0, 2**30), min_size=4, max_size=4),
)
def test_every_percentile_of_the_record_is_numpys_over_the_union(
    dealt: list[list[tuple[int, tuple[int, ...]]]], days: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        zeros = [day * TICK_S for day in days]
        parts = tuple(
            (decoded.RunClock(zero), (_node(Path(name), number, zero, requests),))
            for number, (zero, requests) in enumerate(zip(zeros, dealt, strict=False))
        )
        health = worst([ClientHealth(None, None, None, None)], cpu_s=sum)
        columns = collect(
            Recorded(0.0, 1.0, interrupted=False, health=health, parts=parts).samples(),
            lambda one: one.completion_tokens,
        )
    union = [one for requests in dealt for one in requests]
    events = [_answers(one) for one in union]
    starts = np.array([start * TICK_S for start, _ in union])
    due = np.array([_due(*one) for one in union])
    firsts, lasts = np.array([each[0] for each in events]), np.array([each[-1] for each in events])
    expected = {
        "ttft_ms": firsts - starts,
        "itl_ms": np.concatenate([np.diff(each) for each in events]),
        "tpot_ms": (lasts - firsts) / np.array([len(each) - 1 for each in events]),
        "e2e_ms": lasts - starts,
        "scheduled_ttft_ms": firsts - due,
        "scheduled_e2e_ms": lasts - due,
    }
    assert {one.name for one in LATENCIES} == set(expected)
    for latency in LATENCIES:
        figures = stats.distribution(latency.of(columns), {}, latency.name)
        values = expected[latency.name] * 1e3
        assert figures.count == len(values)
        assert (figures.min, figures.max) == (values.min(), values.max())
        for q, least in ((50, 2), (90, 10), (99, 100)):
            wanted = float(np.percentile(values, q)) if len(values) >= least else None
            assert getattr(figures, f"p{q}") == wanted
