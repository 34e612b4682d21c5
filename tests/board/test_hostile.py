from __future__ import annotations

from typing import Any

import pytest

from sagellm_benchmark.board.hostile import MAX_PROBLEMS, is_deeper
from sagellm_benchmark.board.schema import problems
from tests.fakes.rows import new_row


def said(row: Any) -> str:
    return "; ".join(map(str, problems(row)))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a < b",
        "&lt;script&gt;",
        "&#60;img&#62;",
        "line\nbreak",
        "nul\x00",
        "\x1b[31mred",
        "\x85",
        "right\u202eleft",
        "\u2066isolated\u2069",
        "zero\u200bwidth",
        "\ufeffmark",
        "\u2028",
        "tag\U000e0041",
        "private\ue000",
        "\x7f",
        "javascript:alert(1)",
        "JaVaScRiPt : alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "ftp://host/file",
        "file:///etc/passwd",
        "x" * 8193,
    ],
)
@pytest.mark.parametrize("path", ["metadata__notes", "metadata__submitter", "hardware__cooling", "extra"])
def test_a_hostile_text_is_refused_wherever_it_stands(text: str, path: str) -> None:
    found = problems(new_row(**{path: text}))
    assert path.replace("__", ".") in {problem.field for problem in found}
    assert all(str(problem).isprintable() for problem in found)


@pytest.mark.parametrize(
    "text",
    [
        "AT&T and R&D",
        "Qwen2 7B: the quick one",
        "中文，全角：字符　空格",
        "naïve café 🚀",
        'it\'s "quoted" `code` 100 % (ok) [x] {y}',
        "sagellm-benchmark run --base-url http://127.0.0.1:8000/v1?a=1&b=2",
        "data: random tokens",
        "https://example.org/x#y",
        "no\u00a0break",
    ],
)
def test_a_harmless_text_is_not(text: str) -> None:
    assert problems(new_row(metadata__notes=text)) == []


@pytest.mark.parametrize("key", ["<b>", "a\x00b", "\u202e", "k" * 129])
def test_a_hostile_key_is_refused(key: str) -> None:
    assert "a key in hardware is" in said(
        new_row(hardware__extra=1) | {"hardware": {**new_row()["hardware"], key: 1}}
    )


def test_a_hostile_text_deep_inside_is_named_by_its_path() -> None:
    assert "extra[1].note is" in said(new_row(extra=["fine", {"note": "<b>"}]))


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "//host", "http://", "http://a b", 'https://x/"onclick=', "http:/x", "mailto:x"],
)
@pytest.mark.parametrize("path", ["metadata__changelog_url", "metadata__homepage_url"])
def test_only_web_links_are_links(link: str, path: str) -> None:
    assert path.replace("__", ".") in said(new_row(**{path: link}))


@pytest.mark.parametrize("value", [1e308, -1e308, 10**16, float("nan"), float("-inf"), 10**400])
def test_a_number_beyond_reason_is_refused_wherever_it_stands(value: float) -> None:
    assert "hardware.cooling is" in said(new_row(hardware__cooling=value))


def test_a_huge_row_is_refused_by_its_size() -> None:
    assert "the row is 10" in said(new_row(extra=["x" * 1000] * 10_000))


def test_a_deep_row_is_refused_whatever_its_depth() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert problems({"x": deep})[0].allowed == "at most 16 levels"
    while deep:  # taken apart by hand: letting it go at once would recurse as deep
        deep = deep.pop()


def test_depth_is_counted_to_the_level() -> None:
    assert is_deeper([[[]]], 2)
    assert not is_deeper([[[]]], 3)
    assert not is_deeper({"a": {"b": 1}}, 2)


def test_a_row_with_a_thousand_faults_is_told_of_a_few() -> None:
    assert len(problems(new_row(extra=["<"] * 1000))) == MAX_PROBLEMS
