from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.report import plot
from sagellm_benchmark.verdict.figures import NOTHING
from sagellm_benchmark.verdict.marks import Mark
from sagellm_benchmark.verdict.stats import distribution
from sagellm_benchmark.verdict.summarize import Histogram, histogram
from sagellm_benchmark.verdict.timeline import Span, Timeline
from sagellm_benchmark.words import speaking


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_and_inside(low: float, span: float) -> None:
    chosen = plot.ticks(low, low + span)
    assert 1 <= len(chosen) <= plot.MOST_TICKS + 1
    assert all(low - span * 1e-6 <= tick <= (low + span) * (1 + 1e-6) for tick in chosen)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 68_780, [0, 20_000, 40_000, 60_000]),
        (3, 3, [3]),
        (0, 0.7, [0, 0.2, 0.4, 0.6]),
    ],
)
def test_ticks_are_those_a_person_would_choose(low: float, high: float, expected: list[float]) -> None:
    assert plot.ticks(low, high) == pytest.approx(expected)


@given(st.floats(1e-3, 1e3), st.floats(1.001, 1e6))
def test_logarithmic_axes_have_ticks_too(low: float, ratio: float) -> None:
    chosen = plot.log_ticks(low, low * ratio)
    assert chosen
    assert chosen == sorted(chosen)
    assert len(chosen) <= plot.MOST_TICKS + 2


@pytest.mark.parametrize(
    ("value", "said"), [(0.0, "0"), (0.25, "0.25"), (5000.0, "5,000"), (68_780.0, "68.78k"), (2.5e6, "2.5M")]
)
def test_a_ticks_label_is_never_cut(value: float, said: str) -> None:
    assert plot.number(value) == said
    assert len(said) <= 7


def test_a_distribution_has_ticks_and_its_percentiles() -> None:
    values = np.random.default_rng(1).lognormal(-3, 0.5, 500)
    drawn = histogram(values)
    assert drawn is not None
    svg = plot.distribution(drawn, distribution(values, {}, "ttft_ms"))
    assert {"p50", "p90", "p99", "50", "ms"} <= set(texts(svg))


def test_the_name_of_a_percentile_at_the_end_of_the_axis_is_neither_cut_nor_hidden() -> None:
    values = np.array([0.1] * 10 + [1.0] * 90)
    drawn = histogram(values)
    assert drawn is not None
    svg = plot.distribution(drawn, distribution(values, {}, "ttft_ms"))
    places = re.findall(r'<text x="([\d.]+)"[^>]*>(p\d\d)<', svg)
    assert [(name, float(at)) for at, name in places] == [("p50", 372.0), ("p90", 400.0), ("p99", 428.0)]


def test_the_label_of_a_tick_at_the_end_of_the_axis_is_not_cut() -> None:
    drawn = plot.distribution(Histogram((10.0, 1000.0), (1,)), distribution(np.array([0.1]), {}, "ttft_ms"))
    place = re.search(r'<text x="([\d.]+)"[^>]*>1,000<', drawn)
    assert place
    assert float(place[1]) + 5 * 7 / 2 <= 440


def test_one_outlier_does_not_flatten_a_distribution() -> None:
    values = np.append(np.random.default_rng(1).normal(0.03, 0.002, 500), 30.0)
    drawn = histogram(values)
    assert drawn is not None
    assert sum(drawn.counts) == 501
    assert sum(count > 5 for count in drawn.counts) >= 8


def test_a_percentile_of_nothing_is_marked_at_the_edge_of_a_logarithmic_axis() -> None:
    gaps_s = np.array([0.0, 0.0, 0.0, 0.001, 0.004])
    drawn = histogram(gaps_s)
    assert drawn is not None
    refused: dict[str, str] = {}
    assert f'x1="{plot.LEFT}' in plot.distribution(drawn, distribution(gaps_s, refused, "itl_ms"))


def test_an_old_runs_linear_histogram_is_drawn() -> None:
    assert plot.distribution(Histogram((0.0, 1.0, 2.0), (3, 1)), NOTHING).count('class="bar"') == 2


def test_requests_that_follow_each_other_share_a_line() -> None:
    one_after_another = [Span(None, at, at + 0.25, at + 1.0, failed=False) for at in (0.0, 1.0, 2.0)]
    beside_them = Span(None, 0.5, 0.75, 2.5, failed=False)
    heights = re.findall(
        r'y="([\d.]+)"[^>]* class="decode"', plot.requests([*one_after_another, beside_them])
    )
    assert len(heights) == 4
    assert len(set(heights)) == 2


def test_a_request_waits_is_prefilled_and_decodes() -> None:
    spans = [Span(0.0, 0.5, 1.0, 2.0, failed=False), Span(None, 1.0, None, 2.0, failed=True)]
    svg = plot.requests(spans)
    assert [svg.count(f'class="{kind}"') for kind in ("wait", "prefill", "decode", "failed")] == [1, 1, 1, 1]


def test_what_was_measured_is_shaded() -> None:
    timeline = Timeline(1.0, (1.0, 2.0), (1.0, 1.0), (5.0, None), (0, 0), ((0.5, 1.5),), ())
    assert plot.over_time(timeline, timeline.tokens_per_s).count('class="window"') == 1
    assert plot.over_time(timeline, timeline.ttft_ms).count("<circle") == 1


def test_what_is_not_like_the_rest_is_shaded_and_named_where_there_is_room() -> None:
    marks = (Mark("warm-up", 0.0, 2.0), Mark("burst", 2.1, 2.2), Mark("tail", 9.5, 10.0))
    timeline = Timeline(1.0, (1.0,) * 10, (1.0,) * 10, (5.0,) * 10, (0,) * 10, ((2.0, 10.0),), (), marks)
    svg = plot.over_time(timeline, timeline.tokens_per_s)
    assert svg.count('class="phase"') == 3
    assert {"warm-up", "burst", "tail"} <= set(texts(svg))
    crowd = replace(timeline, marks=(Mark("burst", 2.1, 2.2), Mark("burst", 2.3, 2.4)))
    assert texts(plot.over_time(crowd, crowd.tokens_per_s)).count("burst") == 1


def test_there_is_no_tick_at_one_and_a_half_streams() -> None:
    line = plot.Line("mean", [plot.Point(1, 10), plot.Point(4, 30)])
    said = texts(plot.curve([line], "streams", "tokens/s"))
    assert said == ["1", "2", "3", "4", "streams", "0", "5", "10", "15", "20", "25", "30", "tokens/s"]


def test_no_bar_is_as_high_as_half_a_request() -> None:
    bars = Histogram((1.0, 10.0, 100.0), (1, 2))
    assert not {"0.5", "1.5"} & set(texts(plot.distribution(bars, NOTHING)))


def test_the_words_of_a_picture_are_in_the_language_in_use() -> None:
    lines = [plot.Line(name, [plot.Point(1, 2), plot.Point(2, 3)]) for name in ("mean", "p50")]
    with speaking("zh"):
        curves = texts(plot.curve(lines, "streams", "ms"))
        bars = texts(plot.distribution(Histogram((1.0, 10.0, 100.0), (1, 2)), NOTHING))
    assert {"并发数", "均值", "p50"} <= set(curves)
    assert "个数" in bars


def test_text_in_a_picture_is_escaped() -> None:
    svg = plot.curve([plot.Line("<b>", [plot.Point(1, 1), plot.Point(2, 2)])] * 2, "<i>", '"')
    assert "<b>" not in svg
    assert "<i>" not in svg


def test_a_scale_that_has_one_value_does_not_divide_by_nothing() -> None:
    assert math.isfinite(plot.Scale(3, 3, 0, 10)(3))
