"""A real browser, where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sagellm_benchmark.site.gather import Board
from sagellm_benchmark.site.page import page

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

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium with a profile of its own; its absence is said in the summary of the tests.

    Not for a whole session: while it is open an event loop runs, and other modules' tests run loops of their own.
    """
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("NO BROWSER: the page was not tested in one; apt-get install chromium, or set CHROMIUM")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not installed everywhere

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        yield found
        found.close()


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a board's page, as `visit(board, "sort=tps", width=390)`; it may ask for nothing and complain of nothing."""
    contexts, complaints = [], []
    address = (tmp_path / "index.html").as_uri()

    def visit(board: Board, fragment: str = "", *, width: int = 1360, **settings: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        opened = context.new_page()
        opened.set_default_timeout(20_000)
        opened.on("console", lambda message: complaints.append(f"console: {message.text}"))
        opened.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        opened.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        opened.on(
            "request",
            lambda request: (
                complaints.append(f"request: {request.url}")
                if not request.url.startswith((address, "data:,"))
                else None
            ),
        )
        (tmp_path / "index.html").write_bytes(page(board))
        opened.goto(f"{address}#{fragment}")
        return opened

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []
