"""The report as people read it: in a real browser, from a file, with nothing else in reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sagellm_benchmark.report import folder, html, sweep
from sagellm_benchmark.report.view import view
from sagellm_benchmark.runs.record import Record
from sagellm_benchmark.words import Language, speaking
from tests.browser import OVERLAPS, POOR_CONTRASTS, Pages, barriers, chromium
from tests.evidence.support import PUBLISHABLE, measured
from tests.fakes.records import MODEL, a_record
from tests.fakes.samples import closed_loop

pytest.importorskip("playwright.sync_api", reason="NO PLAYWRIGHT: no report was tested in a browser")

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.no_cover]

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(1)</script>" + "w" * 300
Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Pages]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A run of a real server, with its course over time."""
    return folder.load(measured(tmp_path_factory.mktemp("run"), *PUBLISHABLE, "--requests", "30"))


@pytest.fixture
def visit(browser: Pages, tmp_path: Path) -> Iterator[Open]:
    """Open a page at a width, in a colour scheme."""
    path = tmp_path / "report.html"
    with browser.visiting(path) as visited:

        def visit(text: str, *, width: int = 1280, scheme: str = "light") -> Page:
            path.write_text(text)
            return visited(width=width, color_scheme=scheme)

        yield visit


def pages(run: Record, language: Language) -> dict[str, str]:
    invalid = a_record(samples=closed_loop(40), valid=False, reasons=("not streamed; switch it on",))
    with speaking(language):
        return {
            "valid": html.render_html(view(run)),
            "invalid": html.render_html(view(invalid)),
            "without figures": html.render_html(view(a_record(samples=[]))),
            "sweep": sweep.render_sweep_page([run, invalid, run]),
        }


@pytest.mark.parametrize(
    ("scheme", "language", "widths"), [("light", "en", (390, 1280)), ("dark", "zh", (1280, 390))]
)
def test_it_fits_can_be_read_and_keeps_nobody_out(
    visit: Open, run: Record, scheme: str, language: Language, widths: tuple[int, int]
) -> None:
    for name, text in pages(run, language).items():
        page = visit(text, scheme=scheme)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(OVERLAPS) <= 0, name
            assert page.evaluate(POOR_CONTRASTS, "body") == [], name
        assert barriers(page) == [], name


def test_the_verdict_is_in_sight_at_once_on_a_phone(visit: Open, run: Record) -> None:
    page = visit(html.render_html(view(run)), width=390)
    box = page.get_by_text("VALID", exact=False).first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 844


@pytest.mark.parametrize("width", [390, 700, 860, 1280])
def test_no_headline_stands_alone_below_the_others(visit: Open, run: Record, width: int) -> None:
    tops = visit(html.render_html(view(run)), width=width).evaluate(
        "[...document.querySelectorAll('.headlines div')].map((one) => one.offsetTop)"
    )
    assert len(tops) == 5
    assert tops[-1] == tops[-2]


def test_hostile_names_are_only_text(visit: Open) -> None:
    record = a_record(
        model=replace(MODEL, name=HOSTILE), description=HOSTILE, valid=False, reasons=(HOSTILE,)
    )
    page = visit(html.render_html(view(record)), width=390)
    assert page.locator("img, script, iframe, a[href^=javascript]").count() == 0
    assert page.evaluate(OVERLAPS) <= 0
