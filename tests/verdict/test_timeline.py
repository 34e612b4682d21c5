from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import pytest

from sagellm_benchmark.client.sample import Failure, Sample
from sagellm_benchmark.machine.readings import Readings
from sagellm_benchmark.verdict.marks import Asked
from sagellm_benchmark.verdict.timeline import (
    MOST_BINS,
    MOST_READINGS,
    MOST_REQUESTS,
    Gauge,
    Recorder,
    Timeline,
    at_most,
)
from tests.fakes.samples import sample


def of(*repeats: Iterable[Sample]) -> Timeline:
    recorder = Recorder()
    for samples in repeats:
        kept = list(recorder.through(samples))
        recorder.end_repeat((0.0, max((one.end_s for one in kept), default=0.0)))
    timeline = recorder.timeline()
    assert timeline is not None
    return timeline


def steadily(count: int, every_s: float = 1.0) -> list[Sample]:
    return [sample(start=every_s * i, ttft=0.1, itl=0.01, tokens=11) for i in range(count)]


def test_every_token_is_in_some_bin_however_long_the_run_is() -> None:
    for count in (1, 7, 500, 5000):
        timeline = of(steadily(count))
        assert sum(timeline.tokens_per_s) * timeline.bin_s == pytest.approx(11 * count, rel=1e-3)
        assert len(timeline.tokens_per_s) <= MOST_BINS


def test_the_time_in_flight_is_that_of_the_requests() -> None:
    timeline = of(steadily(100))
    assert sum(timeline.in_flight) * timeline.bin_s == pytest.approx(100 * 0.2, rel=1e-2)


def test_an_event_of_several_tokens_counts_for_all_of_them() -> None:
    timeline = of([sample(tokens=4, completion_tokens=32)])
    assert sum(timeline.tokens_per_s) * timeline.bin_s == pytest.approx(32)


def test_bins_in_which_nothing_began_have_no_ttft() -> None:
    timeline = of([sample(start=0.0, ttft=0.05), sample(start=1.0, ttft=0.15)])
    known = [value for value in timeline.ttft_ms if value is not None]
    assert known == [50.0, 150.0]


def test_failures_stand_where_they_came() -> None:
    timeline = of([sample(), sample(start=2.0, failure=Failure.TIMEOUT, event_s=(), end_s=3.0)])
    assert [i * timeline.bin_s for i, count in enumerate(timeline.errors) if count] == [pytest.approx(3.0)]
    assert [span.failed for span in timeline.requests] == [False, True]


def test_repeats_stand_back_to_back() -> None:
    timeline = of(steadily(2), steadily(2))
    assert [end for window in timeline.windows for end in window] == pytest.approx([0.0, 1.2, 1.2, 2.4])
    assert timeline.requests[2].start_s == pytest.approx(1.2)


def test_marks_stand_on_the_run_s_clock_and_end_with_their_repeat() -> None:
    recorder = Recorder()
    for _ in range(2):
        list(recorder.through(steadily(3)))
        recorder.end_repeat((1.0, 2.2), Asked(measured_s=(1.0, math.inf)))
    timeline = recorder.timeline()
    assert timeline is not None
    assert [(mark.kind, mark.begin_s, mark.end_s) for mark in timeline.marks] == [
        ("warm-up", 0.0, 1.0),
        ("warm-up", 2.2, 3.2),
    ]


def test_requests_are_thinned_out_evenly() -> None:
    spans = of(steadily(3000)).requests
    assert MOST_REQUESTS / 2 <= len(spans) <= MOST_REQUESTS
    gaps = {round(b.start_s - a.start_s) for a, b in pairwise(spans)}
    assert len(gaps) == 1


def test_what_ctrl_c_caught_is_left_out() -> None:
    recorder = Recorder()
    list(recorder.through([sample(failure=Failure.INTERRUPTED)]))
    assert recorder.timeline() is None


def test_fewer_bins_hold_the_same_tokens() -> None:
    timeline = of(steadily(400))
    fewer = at_most(timeline, 100)
    assert len(fewer.tokens_per_s) <= 100
    whole = sum(timeline.tokens_per_s) / len(timeline.tokens_per_s)
    assert sum(fewer.tokens_per_s) / len(fewer.tokens_per_s) == pytest.approx(whole, rel=0.02)


def test_readings_stand_on_the_run_s_clock_and_those_between_repeats_are_left_out() -> None:
    recorder = Recorder()
    for started_at in (1000.0, 2000.0):
        list(recorder.through(steadily(3)))
        recorder.end_repeat((0.0, 2.2), started_at=started_at)
    timeline = recorder.timeline(
        [Readings("running", (999.0, 1000.0, 1002.0, 1500.0, 2001.0, 2003.0), (9.0, 1.0, 2.0, 9.0, 3.0, 9.0))]
    )
    assert timeline is not None
    assert timeline.gauges == (Gauge("running", (0.0, 2.0, 3.2), (1.0, 2.0, 3.0)),)
    assert at_most(timeline, 2).gauges == timeline.gauges


def test_what_was_read_outside_of_every_repeat_is_no_gauge() -> None:
    recorder = Recorder()
    list(recorder.through(steadily(3)))
    recorder.end_repeat((0.0, 2.2), started_at=1000.0)
    timeline = recorder.timeline([Readings("running", (5.0,), (1.0,))])
    assert timeline is not None
    assert timeline.gauges == ()


def test_of_many_readings_every_so_many_th_is_kept() -> None:
    recorder = Recorder()
    list(recorder.through(steadily(100)))
    recorder.end_repeat((0.0, 100.0), started_at=0.0)
    moments = tuple(i / 100 for i in range(10_000))
    timeline = recorder.timeline([Readings("power_w", moments, moments)])
    assert timeline is not None
    (gauge,) = timeline.gauges
    assert MOST_READINGS / 2 < len(gauge.at_s) <= MOST_READINGS
    assert gauge.at_s[0] == 0
    assert gauge.values[-1] == pytest.approx(100, abs=0.3)
