"""What tests in a real browser share: the browser itself, and what they ask of any page of ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
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


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium with a profile of its own; its absence is said in the summary of the tests."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("NO BROWSER: no page was tested in one; apt-get install chromium, or set CHROMIUM")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not installed everywhere

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield found
        found.close()


def barriers(page: Page) -> list[str]:
    """What axe-core, the field's checker, finds that keeps people out who see, hear or move otherwise."""
    return [
        f"{rule['id']}: {node['html'][:80]}"
        for rule in _axe().run(page).response["violations"]
        for node in rule["nodes"]
    ]


@cache
def _axe() -> Any:
    reason = "NO AXE: no page was tested for accessibility; pip install axe-playwright-python"
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason=reason).Axe()
