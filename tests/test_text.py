"""Text from elsewhere is shown and never acted upon."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.text import columns, count_of, inert_markdown, markdown, one_line, plain

ANY = st.text(alphabet=st.characters(codec="utf-8"))


@given(ANY)
def test_a_terminal_only_prints_what_it_is_given(text: str) -> None:
    assert plain(text).isprintable()
    assert len(plain(text)) == len(text)


@given(ANY | st.binary())
def test_a_line_is_short_and_printable_whatever_comes(text: str | bytes) -> None:
    line = one_line(text, 40)
    assert line.isprintable()
    assert len(line) <= 40


def test_one_thing_is_not_called_several() -> None:
    assert [count_of(number, "row") for number in (0, 1, 1000)] == ["0 rows", "1 row", "1,000 rows"]


def test_a_line_keeps_the_words_and_leaves_the_control_characters_out() -> None:
    assert one_line("a\x1b[31m\n\tb\u202e") == "a b"
    assert one_line("x" * 5000) == "x" * 199 + "…"
    assert one_line(b"caf\xc3\xa9 \xff") == "café �"


def test_markdown_shows_markup_as_it_is_written() -> None:
    assert markdown("<b> *x* `y` [z](u)\n| a_b") == "&lt;b&gt; \\*x\\* \\`y\\` \\[z\\](u) \\| a\\_b"


@given(ANY)
def test_inert_markdown_holds_nothing_that_a_code_host_would_link(text: str) -> None:
    shown = inert_markdown(text)
    assert not set(shown) & set("@:<>`*_|[]()\n")


def test_columns_line_up() -> None:
    assert columns([("a", "1"), ("long", "1,000")]) == ["  a          1", "  long   1,000"]
    assert columns([("a", "b"), ("long", "c")], figures=False) == ["  a     b", "  long  c"]
    assert columns([]) == []
