"""The page as people use it: in a real browser, from a file, with nothing else in reach."""

from __future__ import annotations

import json
import re
import sys
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sagellm_benchmark.site.page import page as made
from tests.board.boards import published_rows
from tests.browser import OVERLAPS, POOR_CONTRASTS, barriers
from tests.fakes.rows import new_row
from tests.site import boards
from tests.site.conftest import Open

playwright = pytest.importorskip(
    "playwright.sync_api", reason="NO PLAYWRIGHT: no page was tested in a browser"
)
expect = playwright.expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.no_cover]

ROW = "#body tr:not(.reason)"
NAMELESS = """() => [...document.querySelectorAll("button, input, select")]
  .filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).length"""
CLICKS = {
    "sort": ['#head button[data-sort="tps"]', '#head button[data-sort="model"]'],
    "filter": ['[data-nodes="single"]', '[data-nodes=""]'],
}
CLICK = """(selector) => {
  document.querySelector(selector).click();
  document.body.getBoundingClientRect();  // what is drawn is laid out, too
}"""
WORK = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")

OPEN_EACH = """() => [...document.querySelectorAll("#body .open")].map((button) => {
  button.click();
  const dialog = document.querySelector("dialog[open]");
  const seen = {
    record: dialog.querySelector("#record").textContent.length > 0,
    fits: document.documentElement.scrollWidth <= innerWidth && dialog.scrollWidth <= dialog.clientWidth,
    markup: dialog.querySelectorAll("img, script, iframe, a, svg").length,
  };
  dialog.close();
  return seen;
})"""


def column(page: Page, name: str) -> list[str]:
    return page.locator(f"{ROW} td.{name}").all_inner_texts()


def numbers(page: Page, name: str) -> list[float]:
    return [float(text.replace(",", "")) for text in column(page, name)]


def fragment(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).fragment)


def cost_of(page: Page, selector: str) -> dict[str, float]:
    """What a click costs the page's own thread: its processor time, which does not grow with what else runs."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _metrics(session)
    page.evaluate(CLICK, selector)
    after = _metrics(session)
    session.detach()
    return {name: after[name] - before[name] for name in (*WORK, "LayoutCount")}


def _metrics(session: Any) -> dict[str, float]:
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


def sort(page: Page, name: str) -> None:
    page.locator(f'#head button[data-sort="{name}"]').click()


def test_the_rows_published_long_ago_are_shown_grey_with_their_reasons(visit: Open) -> None:
    page = visit(boards.published())
    count = len(boards.published().best)
    assert page.locator(f"{ROW}.failing").count() == page.locator("#body tr.reason").count() == count
    assert set(column(page, "rank")) == {"no rank"}
    assert "not streamed: TTFT is" in page.locator("#body").inner_text()


def test_a_header_sorts_and_says_so_and_the_link_keeps_it(visit: Open) -> None:
    page = visit(boards.fresh())
    sort(page, "tps")
    assert numbers(page, "tps") == sorted(numbers(page, "tps"), reverse=True)
    assert page.locator('th[aria-sort="descending"]').inner_text().startswith("Tokens/s")
    sort(page, "tps")
    assert numbers(page, "tps") == sorted(numbers(page, "tps"))
    assert page.locator("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    assert fragment(page)["sort"] == ["tps"]
    sort(page, "load")
    assert [int(load) for load in column(page, "load")] == sorted(int(load) for load in column(page, "load"))


def test_every_text_filters(visit: Open) -> None:
    page = visit(boards.of(*boards.fresh_rows(), *published_rows()))
    data = json.loads(page.locator("#data").text_content() or "")
    page.locator("#filter").click()
    for name in (
        "engine",
        "version",
        "model",
        "hardware",
        "precision",
        "workload",
        "load",
        "weights",
        "tier",
    ):
        box = page.locator(f'fieldset[data-filter="{name}"] input').first
        value = box.input_value()
        box.check()
        assert page.locator(ROW).count() == sum(row[name] == value for row in data) > 0
        assert fragment(page) == {name: [value]}
        assert page.locator("#filter").inner_text() == "Filters (1)"
        page.locator("#reset").click()


def test_every_number_and_the_date_filter_by_range(visit: Open) -> None:
    page = visit(boards.fresh(), "tps=100..500&ttft=..40&errors=0..1&date=2026-01-01..2026-12-31&tbt=1..")
    assert page.locator(ROW).count() == sum(100 <= value <= 500 for value in numbers(page, "tps")) > 0
    assert max(numbers(page, "ttft")) <= 40
    page.locator("#filter").click()
    page.locator('fieldset[data-filter="date"] [data-end="from"]').fill("2026-12-01")
    assert page.locator(ROW).count() == 0
    assert page.locator("#nothing").is_visible()
    page.locator("#reset").click()
    assert page.locator(ROW).count() == len(boards.fresh().best)
    assert fragment(page) == {}


def test_nodes_and_words_narrow_the_rows(visit: Open) -> None:
    page = visit(boards.fresh())
    page.locator('[data-nodes="multi"]').click()
    assert column(page, "engine") == ["vllm"]
    page.locator('[data-nodes="single"]').click()
    page.locator("#search").fill("SGLANG qwen")
    expect(page.locator(ROW)).to_have_count(5)
    assert set(column(page, "engine")) == {"sglang"}
    assert fragment(page) == {"nodes": ["single"], "q": ["SGLANG qwen"]}


def test_rows_are_ranked_only_among_their_like_and_share_a_rank_where_intervals_overlap(visit: Open) -> None:
    page = visit(boards.fresh(), "load=1&nodes=single")
    assert column(page, "engine") == ["sglang", "vllm", "sagellm"]
    assert column(page, "rank") == ["1= of 3", "1= of 3", "3 of 3"]
    assert "95 % interval" in (page.locator("td.rank").first.get_attribute("title") or "")


def test_a_row_opens_to_its_record_command_checks_and_beaten_rows(visit: Open) -> None:
    worse = new_row(metrics__throughput_tps=75.0)
    best = new_row(metadata__reproducible_cmd="sagellm-benchmark run --seed 7", evidence={"sha256": "e" * 64})
    page = visit(boards.of(worse, best))
    page.locator(f"{ROW} .open").click()
    dialog = page.locator("dialog[open]")
    text = dialog.inner_text()
    assert json.loads(dialog.locator("#record").inner_text()) == best
    for shown in ("--seed 7", "passes today's checks", "e" * 64, worse["entry_id"], "interval unknown"):
        assert shown in text
    assert fragment(page)["open"] == [best["entry_id"]]
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    expect(page).not_to_have_url(re.compile("open="))


def test_a_row_is_copied_as_json_and_as_markdown(visit: Open) -> None:
    row = new_row(engine="a|b")
    page = visit(boards.of(row), f"open={row['entry_id']}", permissions=["clipboard-read", "clipboard-write"])
    as_json, as_markdown = (page.locator(".actions button").nth(at) for at in (0, 1))
    as_json.click()
    expect(as_json).to_have_text("Copied")
    assert json.loads(page.evaluate("navigator.clipboard.readText()")) == row
    as_markdown.click()
    expect(as_markdown).to_have_text("Copied")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert lines[0].startswith(r"| a\|b b6000 |")
    assert all(line.replace(r"\|", "").count("|") == 3 for line in lines)


def test_two_rows_stand_head_to_head(visit: Open) -> None:
    page = visit(boards.fresh(), "nodes=single&load=1")
    for at in (0, 2):
        page.locator(f"{ROW} input[type=checkbox]").nth(at).check()
    duel = page.locator("#duel")
    assert "A · sglang 0.4.2" in duel.inner_text()
    assert "0.907×" in duel.inner_text()
    assert duel.locator(".unlike").count() == 0
    assert len(fragment(page)["pick"]) == 2


def test_the_largest_ratio_of_two_rows_has_a_bar_of_all_the_room(visit: Open) -> None:
    page = visit(boards.fresh(), "nodes=single&load=1")
    for at in (0, 2):
        page.locator(f"{ROW} input[type=checkbox]").nth(at).check()
    bars = page.locator("#duel .ratio rect")
    widths = bars.evaluate_all("nodes => nodes.map((node) => Number(node.getAttribute('width')))")
    assert max(widths) > 50
    assert page.locator("#duel .ratio svg").first.evaluate("node => node.getBoundingClientRect().width") >= 60


def test_names_of_versions_do_not_cover_each_other(visit: Open) -> None:
    page = visit(boards.fresh(), "nodes=single&load=1")
    boxes = page.locator("#time text.version").evaluate_all(
        "nodes => nodes.map((node) => node.getBoundingClientRect()).map((b) => [b.left, b.right, b.top, b.bottom])"
    )
    assert boxes
    for at, (left, right, top, bottom) in enumerate(boxes):
        for other in boxes[:at]:
            assert right <= other[0] or other[1] <= left or bottom <= other[2] + 2 or other[3] <= top + 2


def test_a_version_of_several_rows_of_one_day_is_named_once(visit: Open) -> None:
    page = visit(boards.fresh(), "nodes=single&engine=vllm")
    assert page.locator("#time .mark[data-open]").count() == 5
    assert page.locator("#time text.version").count() == 1


def test_unlike_rows_are_called_unlike_and_neither_is_better(visit: Open) -> None:
    first, second = new_row(), new_row(model__name="other")
    page = visit(boards.of(first, second), f"pick={first['entry_id']}&pick={second['entry_id']}")
    assert page.locator("#duel .unlike").inner_text() == "Not the same work (Model): the ratios mean little."
    assert page.locator("#duel .better").count() == 0
    heads = page.locator("#duel thead small").all_inner_texts()
    assert heads == [f"Model {first['model']['name']}", "Model other"]  # what tells them apart


def test_the_frontier_joins_what_nothing_beats(visit: Open) -> None:
    page = visit(boards.fresh(), "nodes=single")
    assert page.locator("#pareto .mark[data-open]").count() == 15
    assert page.locator("#pareto polyline").count() == 3
    points = (page.locator("#pareto polyline").first.get_attribute("points") or "").split()
    places = [tuple(map(float, point.split(","))) for point in points]
    assert places == sorted(places, reverse=True), "from the fastest for one user to the most for all"
    assert [y for _, y in places] == sorted((y for _, y in places), reverse=True)


def test_a_point_opens_its_row_by_mouse_and_by_key(visit: Open) -> None:
    page = visit(boards.fresh(), "nodes=single&load=1&engine=vllm")
    for chart in ("#pareto", "#time"):
        page.locator(f"{chart} .mark[data-open]").focus()
        page.keyboard.press("Enter")
        assert "vllm 0.9.2" in page.locator("dialog[open] h2").inner_text()
        page.locator("#close").click()


def test_it_speaks_chinese_by_the_browser_and_by_a_switch(visit: Open) -> None:
    page = visit(boards.fresh(), locale="zh-CN")
    assert page.locator("h1").inner_text() == "大模型推理引擎有多快"
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.locator('[data-lang="en"]').click()
    assert page.locator("h1").inner_text() == "How fast LLM engines answer"
    assert fragment(page)["lang"] == ["en"]
    assert visit(boards.fresh(), "lang=zh").locator("#filter").inner_text() == "筛选"


def test_why_a_row_is_grey_is_told_in_chinese_in_the_table_and_in_its_record(visit: Open) -> None:
    row = new_row(
        metrics__throughput_tps=-5,
        validity__not_checked=["steadiness: fewer than 100 answered requests, or than 10 per stream"],
    )
    page = visit(boards.of(row), f"open={row['entry_id']}", locale="zh-CN")
    for place in ("#body tr.reason", "dialog ul >> nth=0"):
        assert "metrics.throughput_tps 是 -5，应为：" in page.locator(place).inner_text()
    assert (
        page.locator("dialog li").last.inner_text() == "稳定性：少于 100 个得到回答的请求，或每路少于 10 个"
    )
    page.locator("#close").click()
    page.locator('[data-lang="en"]').click()
    assert "metrics.throughput_tps is -5; it must be" in page.locator("#body tr.reason").inner_text()


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_every_column_is_in_sight_on_a_laptop(visit: Open, locale: str) -> None:
    rows = [{**row, "engine_version": "2026.10.11549"} for row in boards.fresh_rows()]
    page = visit(boards.of(*rows, *published_rows()), width=1280, locale=locale)
    assert page.locator("#table").evaluate("table => table.scrollWidth - table.clientWidth") <= 0


def test_a_link_shows_what_its_sender_saw(visit: Open) -> None:
    page = visit(boards.fresh())
    page.locator("#filter").click()
    page.locator(
        'fieldset[data-filter="engine"] input[value="vllm"], fieldset[data-filter="engine"] label'
    ).last.click()
    sort(page, "ttft")
    page.locator(f"{ROW} .open").first.click()
    sent, seen = urlsplit(page.url).fragment, (column(page, "tps"), page.locator("dialog h2").inner_text())
    other = visit(boards.fresh(), sent)
    assert (column(other, "tps"), other.locator("dialog[open] h2").inner_text()) == seen
    assert urlsplit(other.url).fragment == sent


def test_links_that_make_no_sense_do_no_harm(visit: Open) -> None:
    page = visit(boards.fresh())
    for wrong in (
        "sort=nothing&page=x&lang=constructor&pick=%00",
        "page=999&group=none",
        "open=none&tps=a..b&%ZZ=1",
        "__proto__=1",
    ):
        page.goto(f"{page.url.partition('#')[0]}#{wrong}")
        assert page.locator("h1").is_visible()
        assert page.locator("#count").inner_text().endswith("of 16 rows")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1360])
def test_it_fits_and_can_be_read(visit: Open, scheme: str, width: int) -> None:
    rows = (*boards.fresh_rows(), *published_rows())
    page = visit(boards.of(*rows), width=width, color_scheme=scheme)
    page.locator("#filter").click()
    assert page.evaluate(OVERLAPS) <= 0
    assert page.evaluate(POOR_CONTRASTS, "body") == []
    page.locator(f"{ROW} .open").first.click()
    assert page.evaluate(OVERLAPS) <= 0
    assert page.evaluate(POOR_CONTRASTS, "dialog") == []


def test_a_keyboard_reaches_everything_and_keeps_its_place(visit: Open) -> None:
    page = visit(boards.fresh())
    page.locator('#head button[data-sort="tps"]').focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.sort") == "tps"
    page.locator(f"{ROW} .open").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "open"


def test_a_chart_is_one_stop_for_tab_and_arrows_move_between_its_points(visit: Open) -> None:
    page = visit(boards.fresh())
    stops = page.locator('#strip .mark[data-open][tabindex="0"]')
    assert stops.count() == 2, "one for each chart"
    points = page.locator("#pareto .mark[data-open]")
    lefts = points.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().left)")
    stops.first.focus()
    page.keyboard.press("Home")
    left = "document.activeElement.getBoundingClientRect().left"
    seen = [page.evaluate(left)]
    for _ in lefts[1:]:
        page.keyboard.press("ArrowRight")
        seen.append(page.evaluate(left))
    assert seen == sorted(lefts)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(left) == max(lefts), "the last one stays"
    assert stops.count() == 2
    page.keyboard.press("Enter")
    assert page.locator("dialog[open]").count() == 1


def test_the_tools_fit_the_narrowest_phone_and_both_last_buttons_share_a_line(visit: Open) -> None:
    page = visit(boards.fresh(), width=320)
    assert page.evaluate(OVERLAPS) <= 0
    tops = [page.locator(one).evaluate("(one) => one.offsetTop") for one in ("#reset", "#share")]
    assert tops[0] == tops[1]


def test_on_a_phone_tab_stops_at_nothing_that_is_not_seen(visit: Open) -> None:
    page = visit(boards.fresh(), width=390)
    assert page.locator('#head button:not([tabindex="-1"])').count() == 0
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(page.locator('#head button:not([tabindex="-1"])')).to_have_count(15)


def test_a_screen_reader_finds_a_table_with_named_columns(visit: Open) -> None:
    page = visit(boards.fresh(), width=390)
    assert page.locator("#table").get_by_role("columnheader").count() == 16
    assert page.locator("thead th:not([scope=col])").count() == 0
    assert page.locator("caption").count() == 1
    assert page.evaluate(NAMELESS) == 0
    assert page.locator("#table").get_by_role("cell").count() == 16 * 16


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_nothing_keeps_out_who_uses_it_otherwise(visit: Open, locale: str) -> None:
    rows = (*boards.fresh_rows(), *published_rows()[:6])
    page = visit(boards.of(*rows), width=390 if locale == "en" else 1360, locale=locale)
    page.locator("#filter").click()
    assert barriers(page) == []
    page.locator(f"{ROW} .open").first.click()
    assert barriers(page) == []


def test_hostile_rows_are_only_text(visit: Open) -> None:
    board = boards.hostile()
    page = visit(board, width=390)
    assert page.locator(ROW).count() == len(board.best)
    assert page.locator("img, iframe, object, embed, svg script, body a[href]:not(.skip)").count() == 0
    assert page.evaluate(OVERLAPS) <= 0
    opened = page.evaluate(OPEN_EACH)
    assert opened == [{"record": True, "fits": True, "markup": 0}] * len(board.best)
    page.locator("#filter").click()
    assert page.locator("#filters img, #filters script").count() == 0


@pytest.fixture(scope="module")
def large() -> bytes:
    """A page of 5,000 rows, which takes two seconds to make."""
    return made(boards.large())


def test_five_thousand_rows_are_sorted_and_filtered_in_a_tenth_of_a_second(
    visit: Open, large: bytes, record_property: Any
) -> None:
    page = visit(large)
    for kind, clicks in CLICKS.items():
        costs = [cost_of(page, selector) for selector in clicks * 3]
        times = [round(1000 * sum(cost[name] for name in WORK)) for cost in costs]
        record_property(f"{kind}_ms", times)  # in the report of `--junit-xml`
        sys.stdout.write(f"5,000 rows, {kind}: {times} ms of processor time\n")  # shown by `-rP`
        assert median(times) < 100, kind
        assert [cost["LayoutCount"] for cost in costs] == [1] * 6, (
            f"{kind}: each click lays the page out once"
        )


def test_five_thousand_rows_are_shown_one_page_at_a_time(visit: Open, large: bytes) -> None:
    page = visit(large)
    page.locator('[data-step="1"]').click()
    assert page.locator(ROW).count() == 50
    assert "of 5,000 rows" in page.locator("#count").inner_text()
    assert page.locator("#pareto .mark[data-open]").count() < 1_000
    assert fragment(page)["page"] == ["2"]


def test_a_sorted_header_keeps_the_focus_and_its_button(visit: Open) -> None:
    page = visit(boards.fresh())
    button = page.locator('#head button[data-sort="tps"]').element_handle()
    sort(page, "tps")
    assert page.evaluate("(button) => document.activeElement === button && button.isConnected", button)
