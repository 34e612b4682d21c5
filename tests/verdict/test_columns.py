"""The measured requests as arrays, and what each one took."""

from __future__ import annotations

import numpy as np
import pytest

from sagellm_benchmark.client.sample import Failure, Phase
from sagellm_benchmark.verdict import stats
from sagellm_benchmark.verdict.columns import joined
from tests.fakes.samples import closed_loop, columns, sample


def test_ttft_tpot_and_e2e_follow_their_definitions() -> None:
    one = columns([sample(start=1.0, ttft=0.25, itl=0.01, tokens=11)])
    assert one.ttft_s == pytest.approx([0.25])
    assert one.tpot_s == pytest.approx([0.01])
    assert one.e2e_s == pytest.approx([0.35])
    assert one.gap_s == pytest.approx([0.01] * 10)


def test_tpot_counts_tokens_where_itl_counts_events() -> None:
    one = columns([sample(itl=0.02, tokens=11, completion_tokens=22)])
    assert one.tpot_s == pytest.approx([0.01])
    assert one.itl_s == pytest.approx([0.02])


def test_tpot_divides_by_the_tokens_after_the_first_event() -> None:
    """Eight tokens an event, 40 ms apart: 24 tokens in three events are 5 ms a token."""
    one = columns([sample(itl=0.04, tokens=3, completion_tokens=24)])
    assert one.tpot_s == pytest.approx([0.005])


def test_a_first_event_of_one_token_before_others_of_several_is_told_by_its_part_of_the_text() -> None:
    """One token from the prefill, then ten steps of three: 30 tokens came in 0.3 s after the first event."""
    times = tuple(0.1 + 0.03 * i for i in range(11))
    one = sample(event_s=times, completion_tokens=31, first_share=1 / 31)
    assert columns([one]).tpot_s == pytest.approx([0.01])


def test_first_events_like_the_others_are_told_by_all_answers_together() -> None:
    """Three events of eight tokens each, whose words are of different lengths."""
    shares = (0.25, 0.41, 0.36)
    samples = [sample(event_s=(0.1, 0.14, 0.18), completion_tokens=24, first_share=one) for one in shares]
    assert columns(samples).tpot_s == pytest.approx([0.005] * 3)


def test_a_one_token_answer_has_no_tpot() -> None:
    assert np.isnan(columns([sample(tokens=1)]).tpot_s).all()


def test_only_measured_requests_count() -> None:
    phases = [sample(phase=Phase.WARMUP), sample(), sample(phase=Phase.COOLDOWN)]
    assert columns(phases).attempted == 1


def test_requests_caught_by_ctrl_c_are_not_counted_as_failures() -> None:
    caught = columns([sample(), sample(failure=Failure.INTERRUPTED)])
    assert (caught.attempted, caught.failures) == (1, {})


def test_repeats_join_back_to_back() -> None:
    one, two = columns(closed_loop(10)), columns(closed_loop(10, seed=1))
    both = joined([one, two])
    assert both.window_s == pytest.approx(one.window_s + two.window_s)
    assert both.attempted == 20
    assert stats.throughput_tps(both) == pytest.approx(220 / both.window_s)


def test_an_answer_in_one_event_has_no_tpot() -> None:
    whole = sample(tokens=1, completion_tokens=7)
    assert np.isnan(columns([whole]).tpot_s).all()
