"""A real browser, where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sagellm_benchmark.site.gather import Board
from sagellm_benchmark.site.page import page
from tests.browser import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium.

    Not for a whole session: while it is open an event loop runs, and other modules' tests run loops of their own.
    """
    with chromium() as found:
        yield found


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
