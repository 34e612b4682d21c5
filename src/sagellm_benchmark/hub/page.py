"""Put the board's page beside the board: a file of the dataset that a static Space, or a browser, can show."""

from __future__ import annotations

from collections.abc import Callable

from sagellm_benchmark.hub.retry import Pace, retrying
from sagellm_benchmark.hub.store import PAGE, Store


def put_page(store: Store, make: Callable[[], bytes], pace: Pace | None = None) -> str | None:
    """Commit what `make` returns on top of the newest commit; if others were quicker, make it again.

    If the page is already there, nothing is written. Return the commit that has it. Raise what `retrying` raises.
    """

    def once() -> str | None:
        before = store.read([PAGE])
        page = make()
        if before.files.get(PAGE) == page:
            return before.commit
        return store.commit({PAGE: page}, before.commit, "Show the board as a page")

    return retrying(once, pace)
