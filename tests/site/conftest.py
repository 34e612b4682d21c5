"""A real browser, where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sagellm_benchmark.site.gather import Board
from sagellm_benchmark.site.page import page
from tests.browser import Pages, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Pages]:
    """A headless Chromium.

    Not for a whole session: while it is open an event loop runs, and other modules' tests run loops of their own.
    """
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Pages, tmp_path: Path) -> Iterator[Open]:
    """Open the page of a board, or one that was made before, as `visit(board, "sort=tps", width=390)`."""
    path = tmp_path / "index.html"
    with browser.visiting(path) as visited:

        def visit(board: Board | bytes, fragment: str = "", *, width: int = 1360, **settings: Any) -> Page:
            path.write_bytes(board if isinstance(board, bytes) else page(board))
            return visited(fragment, width=width, **settings)

        yield visit
