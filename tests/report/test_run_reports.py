from __future__ import annotations

import io
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from sagellm_benchmark.client.terms import Progress
from sagellm_benchmark.report import html, markdown, plot, terminal
from sagellm_benchmark.report.progress import ProgressLine, progress_text
from sagellm_benchmark.report.view import view
from sagellm_benchmark.text import duration
from sagellm_benchmark.verdict.figures import NOTHING
from sagellm_benchmark.verdict.summarize import Histogram
from sagellm_benchmark.verdict.timeline import Timeline
from tests.fakes.records import MODEL, a_record
from tests.fakes.samples import closed_loop

HOSTILE = "<img src=x onerror=alert(1)>|`*_[a](javascript:b)\n# no"


class Tags(HTMLParser):
    """Collects the elements of a page, and complains about an end without a beginning."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)


def test_the_terminal_shows_what_was_measured_and_dashes_for_what_was_not() -> None:
    lines = terminal.render_terminal(view(a_record())).splitlines()
    assert lines[0] == "Q1 5×(32→64), one at a time"
    assert lines[1].strip() == "Qwen2-7B (real weights, BF16) on vllm 0.11.0"
    ttft = next(line.split() for line in lines if line.split()[:1] == ["TTFT"])
    assert ttft[3:5] == ["–", "–"]


def test_the_terminal_shows_how_sure_a_mean_is() -> None:
    lines = terminal.render_terminal(view(a_record(samples=closed_loop(30)))).splitlines()
    interval = next(line.split()[-1] for line in lines if line.split()[:1] == ["TTFT"])
    assert [100 <= float(end) <= 103 for end in interval.split("–")] == [True, True]


def test_a_single_run_says_how_sure_its_throughput_is_by_its_course() -> None:
    course = Timeline(
        bin_s=0.1,
        tokens_per_s=(90.0, 90.0, 110.0, 110.0) * 15,
        in_flight=(1.0,) * 60,
        ttft_ms=(100.0,) * 60,
        errors=(0,) * 60,
        windows=((0.0, 6.0),),
        requests=(),
    )
    record = replace(a_record(samples=closed_loop(30)), timeline=course)
    throughput, *_ = view(record).headlines
    low, high = (float(end) for end in throughput.note.removeprefix("95 %: ").split()[0:3:2])
    assert low < float(throughput.value.split()[0]) < high
    assert view(a_record(samples=closed_loop(30))).headlines[0].note == ""


def test_the_terminal_names_every_reason_against_a_run() -> None:
    text = terminal.render_terminal(view(a_record(valid=False, reasons=("too late; start earlier",))))
    assert "INVALID" in text
    assert "✗ too late; start earlier" in text


def test_dummy_weights_are_said_in_the_second_line() -> None:
    record = a_record(model=replace(MODEL, weights="dummy", quantization="Q4_0"))
    assert "(dummy weights, BF16 Q4_0)" in terminal.render_terminal(view(record)).splitlines()[1]


def test_a_run_without_answers_can_be_shown() -> None:
    assert "–" in terminal.render_terminal(view(a_record(samples=[])))


def test_hostile_text_stays_text_in_html() -> None:
    record = a_record(reasons=(HOSTILE,), description=HOSTILE, valid=False)
    page = html.render_html(view(record))
    assert "img" not in Tags(page).seen
    assert "&lt;img" in page


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = html.render_html(view(a_record(samples=closed_loop(200))))
    assert not {"script", "link", "img", "iframe"} & set(Tags(page).seen)
    assert Tags(page).seen.count("svg") == 2


def test_hostile_text_stays_text_in_markdown() -> None:
    text = markdown.render_markdown(view(a_record(reasons=(HOSTILE,), valid=False)))
    assert "<img" not in text
    assert "\n# no" not in text
    assert "[a](" not in text


def test_every_markdown_table_row_has_as_many_cells_as_its_head() -> None:
    text = markdown.table(("what", "value"), (("a|b", "c"), ("d", "e")))
    assert {line.replace("\\|", "").count("|") for line in text.splitlines()} == {3}


def test_a_histogram_has_a_bar_for_each_bin() -> None:
    drawn = plot.distribution(Histogram((1.0, 2.0, 3.0), (3, 1)), NOTHING)
    assert drawn.count('class="bar"') == 2


def test_a_curve_has_a_dot_for_each_point() -> None:
    line = plot.Line("p50", [plot.Point(1, 10), plot.Point(2, 15, valid=False)])
    drawn = plot.curve([line], "streams", "tokens/s")
    assert (drawn.count("<circle"), drawn.count("hollow")) == (2, 1)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0 s"), (42, "42 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")]
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_progress_says_when_it_will_end() -> None:
    assert progress_text(Progress(2, 1, 8, 10.0)) == "2/8 requests, 1 failed, 10 s, 30 s to go"


def test_progress_without_a_known_end_makes_none_up() -> None:
    assert progress_text(Progress(2, 0, None, 10.0)) == "2 requests, 10 s"


def test_a_terminal_is_left_with_a_clean_line() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    with ProgressLine(screen) as line:
        line.say("working")
    assert screen.getvalue() == "\r\x1b[2Kworking\r\x1b[2K"
