"""The board's page beside the board, in every kind of store."""

from __future__ import annotations

from sagellm_benchmark.hub.page import put_page
from sagellm_benchmark.hub.retry import Pace
from sagellm_benchmark.hub.store import CARD, PAGE, Store


def test_a_page_is_written_once(store: Store, pace: Pace) -> None:
    first = put_page(store, lambda: b"<p>1", pace)
    assert put_page(store, lambda: b"<p>1", pace) == first
    assert put_page(store, lambda: b"<p>2", pace) != first
    assert store.read([PAGE]).files == {PAGE: b"<p>2"}


def test_a_page_is_made_again_where_others_were_quicker(store: Store, pace: Pace) -> None:
    made: list[bytes] = []

    def make() -> bytes:
        if not made:
            store.commit({CARD: b"1"}, store.read([PAGE]).commit, "quicker")
        made.append(b"<p>%d" % len(made))
        return made[-1]

    put_page(store, make, pace)
    assert store.read([PAGE]).files == {PAGE: made[-1]}
    assert len(made) == 2
