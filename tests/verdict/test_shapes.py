from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.client.sample import Sample
from sagellm_benchmark.verdict.shapes import ENOUGH_EVENTS, TOGETHER_S, Shapes
from tests.fakes.samples import columns, sample

GAPS = st.lists(st.sampled_from([0.0, 0.00001, 0.01, 0.02, 0.5]), min_size=0, max_size=40)


def answer(gaps: list[float], ttft: float = 0.1) -> Sample:
    times = tuple(float(one) for one in np.cumsum([ttft, *gaps]))
    return sample(event_s=times, end_s=times[-1], completion_tokens=len(times))


@given(st.lists(GAPS, min_size=1, max_size=6))
def test_shapes_of_all_answers_are_those_of_each(answers: list[list[float]]) -> None:
    samples = [answer(gaps) for gaps in answers]
    long = [one for one in samples if len(one.event_s) >= ENOUGH_EVENTS]
    found = Shapes.of(columns(samples))
    assert (found is None) == (not long)
    for place, one in enumerate(long if found else ()):
        assert found is not None
        gaps = [after - before for before, after in pairwise(one.event_s)]
        early = gaps[: (len(gaps) + 1) // 2]
        at = early.index(max(early))
        runs = [len(list(run)) for together, run in groupby(gap < TOGETHER_S for gap in gaps) if together]
        span = one.event_s[-1] - one.event_s[0]
        assert found.wait_s[place] == pytest.approx(max(early))
        assert found.before_s[place] == pytest.approx(one.event_s[at] - one.start_s)
        assert found.largest[place] == pytest.approx(max(gaps) / max(span, 1e-9))
        assert found.together[place] == 1 + max(runs, default=0)


def test_a_wait_stands_beside_what_was_before_it_and_what_came_after() -> None:
    found = Shapes.of(columns([answer([0.01, 0.2, *[0.005] * 20], ttft=0.003)]))
    assert found is not None
    assert found.wait_s[0] == pytest.approx(0.2)
    assert found.before_s[0] == pytest.approx(0.013)
    assert found.other_s[0] == pytest.approx(0.11 / 21)
