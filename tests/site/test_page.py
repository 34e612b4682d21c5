from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from sagellm_benchmark.board.entry import Entry
from sagellm_benchmark.board.identity import identity, slug
from sagellm_benchmark.board.standing import Standing, Withdrawal
from sagellm_benchmark.errors import DataError
from sagellm_benchmark.site.gather import Board
from sagellm_benchmark.site.page import page
from tests.fakes.rows import new_row
from tests.site import boards


class Elements(HTMLParser):
    """What a browser would make of the page: its elements with their attributes, and the texts in script and style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] in self.inside and data.strip():
            self.inside[self.found[-1][0]].append(data)

    def names(self) -> list[str]:
        return [name for name, _ in self.found]


def elements(board: Board) -> Elements:
    return Elements(page(board).decode())


def policy(found: Elements) -> str:
    (said,) = [a["content"] for _, a in found.found if a.get("http-equiv") == "Content-Security-Policy"]
    return said or ""


def test_the_page_is_small() -> None:
    assert len(page(Board(()))) < 300_000


def test_the_same_rows_give_the_same_bytes() -> None:
    assert page(boards.fresh()) == page(boards.of(*reversed(boards.fresh_rows())))


def test_nothing_of_it_lies_elsewhere() -> None:
    attributes = {name for _, given in elements(boards.fresh()).found for name in given}
    assert not attributes & {"src", "srcset", "action", "data", "onclick", "onload", "style"}
    links = [given["href"] for _, given in elements(boards.fresh()).found if "href" in given]
    assert links == ["data:,", "#table"]


def test_the_policy_lets_only_this_script_and_this_style_in() -> None:
    found = elements(boards.fresh())
    script, style = found.inside["script"][-1], found.inside["style"][0]
    for text, directive in ((script, "script-src"), (style, "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy(found)
    assert "default-src 'none'" in policy(found)
    assert "unsafe" not in policy(found)


def test_no_text_of_a_row_becomes_an_element() -> None:
    assert elements(boards.hostile()).names() == elements(boards.fresh()).names()


def test_no_text_of_a_row_stands_in_the_page_as_markup() -> None:
    html = page(boards.hostile()).decode()
    assert not [text for text in boards.HOSTILE if "<" in text and text in html]
    assert not re.search("[\u2028\u2029]", html)


def test_withdrawn_rows_are_counted_and_shown_with_who_and_why() -> None:
    row = new_row()
    said = Withdrawal(slug(identity(row)), "ann", boards.HOSTILE[0])
    standing = Standing().withdrawing(row["entry_id"], said)
    board = Board.of(map(Entry.of, [row, *boards.fresh_rows()]), standing)
    html = page(board).decode()
    assert "Withdrawn rows</span> (1)" in html
    assert "<td>ann</td><td>&lt;img src=x onerror=alert(1)&gt;</td>" in html
    assert f"<summary>{row['entry_id']}</summary>" in html
    assert "Withdrawn rows</span>" not in page(boards.fresh()).decode()


def test_what_is_embedded_is_what_rows_say() -> None:
    cards, records = map(json.loads, elements(boards.hostile()).inside["script"][:2])
    assert len(cards) == len(records) == len(boards.hostile().best)
    assert boards.HOSTILE[1].lower() in [card["engine"] for card in cards]


def test_the_code_makes_no_markup_out_of_text() -> None:
    script = elements(boards.fresh()).inside["script"][-1]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|DOMParser", script
    )


def test_both_languages_say_the_same_things() -> None:
    script = elements(boards.fresh()).inside["script"][-1]
    words = script[script.index("const WORDS") : script.index("let language")]
    english, chinese = words.split("\n  zh: {")
    names = [set(re.findall(r"(?:^|[{,])\s*(\w+): (?:\"|\()", part)) for part in (english, chinese)]
    assert names[0] == names[1]
    assert len(names[0]) > 80


def test_a_row_nested_without_end_is_said_and_no_traceback() -> None:
    deep = Entry.of({**new_row(), "x": 1})
    text = deep.text.replace(b'"x": 1', b'"x": ' + b"[" * 600 + b"]" * 600)
    with pytest.raises(DataError, match="cannot be written as JSON"):
        page(Board.of([Entry.parse(memoryview(text))]))
