"""What tests in a real browser share: the browser itself, and what they ask of any page of ours."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = (
    "chromium-headless-shell",  # the same engine without what a window needs: 40 % less work
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--renderer-process-limit=1",  # a new process for each page would take a third of the time
    "--disable-site-isolation-trials",
)

OVERLAPS = "(() => document.documentElement.scrollWidth - innerWidth)()"
"""How many pixels of the page are beyond the window's edge."""

POOR_CONTRASTS = """(within) => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const behind = (node) => {
    for (let one = node; one; one = one.parentElement) {
      const color = rgb(getComputedStyle(one).backgroundColor);
      if (color.length < 4 || color[3] > .99) return color;
    }
    return rgb(getComputedStyle(document.documentElement).backgroundColor);
  };
  const written = (node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())
    && node.getClientRects().length && !["OPTION", "TITLE", "NOSCRIPT"].includes(node.tagName.toUpperCase());
  const ratio = (node) => {
    const style = getComputedStyle(node), ink = node.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [low, high] = [light(rgb(ink)), light(behind(node))].sort((a, b) => a - b);
    return (high + .05) / (low + .05);
  };
  return [...document.querySelectorAll(within + " *")].filter((node) => written(node) && ratio(node) < 4.5)
    .map((node) => `${node.tagName}.${node.getAttribute("class")}: ${node.textContent.slice(0, 30)}`);
}"""
"""The texts in an element whose contrast is below 4.5."""


Visit = Callable[..., "Page"]
"""`visit("sort=tps", width=390, locale="zh-CN")`: a file at that fragment, in a window of that width."""


class Pages:
    """The pages of one browser; one that a test is done with is used again: a new one costs three times as much."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: defaultdict[str, list[Page]] = defaultdict(list)
        self._complaints: list[str] = []

    @contextmanager
    def visiting(self, file: Path) -> Iterator[Visit]:
        """Open a file as often as wanted; it may ask for nothing and complain of nothing."""
        taken: list[tuple[str, Page]] = []
        self._complaints.clear()

        def visit(fragment: str = "", *, width: int = 1280, **settings: Any) -> Page:
            kind = json.dumps(settings, sort_keys=True)
            page = self._free[kind].pop() if self._free[kind] else self._new(settings)
            taken.append((kind, page))
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{file.as_uri()}#{fragment}")
            return page

        yield visit
        allowed = tuple(f"request: {address}" for address in (file.as_uri(), "data:"))
        complaints = [one for one in self._complaints if not one.startswith(allowed)]
        for kind, page in taken:
            page.goto("about:blank")
            self._free[kind].append(page)
        assert complaints == []

    def _new(self, settings: dict[str, Any]) -> Page:
        page = self._browser.new_context(**settings).new_page()
        page.set_default_timeout(20_000)
        complain = self._complaints.append
        page.on("console", lambda message: complain(f"console: {message.text}"))
        page.on("pageerror", lambda error: complain(f"error: {error}"))
        page.on("dialog", lambda dialog: complain(f"dialog: {dialog.message}"))
        page.on("request", lambda request: complain(f"request: {request.url}"))
        return page


@contextmanager
def chromium() -> Iterator[Pages]:
    """A headless Chromium with a profile of its own; its absence is said in the summary of the tests."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("NO BROWSER: no page was tested in one; apt-get install chromium, or set CHROMIUM")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not installed everywhere

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield Pages(found)
        found.close()


def barriers(page: Page) -> list[str]:
    """What axe-core, the field's checker, finds that keeps people out who see, hear or move otherwise."""
    return [
        f"{rule['id']}: {node['html'][:80]}"
        for rule in _axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        for node in rule["nodes"]
    ]


@cache
def _axe() -> Any:
    reason = "NO AXE: no page was tested for accessibility; pip install axe-playwright-python"
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason=reason).Axe()
