"""Every message is there in both languages, and the user's locale chooses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import sagellm_benchmark
from sagellm_benchmark.chinese import CHINESE
from sagellm_benchmark.report import html
from sagellm_benchmark.report.terminal import render_terminal
from sagellm_benchmark.report.view import view
from sagellm_benchmark.verdict.metrics import METRICS
from sagellm_benchmark.words import _fitting, _pattern, of_locale, places, retold, speaking, t
from tests.fakes.records import a_record

pytestmark = pytest.mark.no_cover

SOURCE = Path(sagellm_benchmark.__file__).parent
HAN = re.compile(r"[\u4e00-\u9fff：]")  # a full-width colon is the whole of what some change


def messages() -> Iterator[str]:
    """Every text that the source and the templates say by `t`."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
                yield from (one.value for one in node.args if isinstance(one, ast.Constant))  # type: ignore[misc]
    for path in (SOURCE / "report").rglob("*.html"):
        yield from re.findall(r"""\bt\("([^"]+)\"""", path.read_text())


def test_every_message_is_there_in_chinese() -> None:
    assert {one for one in messages() if one not in CHINESE} == set()


def test_every_translation_is_chinese() -> None:
    assert [english for english, chinese in CHINESE.items() if not HAN.search(chinese)] == []


def test_every_translation_fills_the_same_places() -> None:
    unlike = [english for english, chinese in CHINESE.items() if places(chinese) != places(english)]
    assert unlike == []


def test_every_metric_that_is_shown_has_a_chinese_name() -> None:
    assert {metric.label for metric in METRICS if metric.shown != "never"} <= set(CHINESE)


def test_a_message_is_said_in_the_language_in_use() -> None:
    assert t("{done} requests", done="3/5") == "3/5 requests"
    with speaking("zh"):
        assert t("{done} requests", done="3/5") == "3/5 个请求"
    assert t("next") == "next"


def test_a_reason_of_a_record_is_retold_with_its_figures() -> None:
    with speaking("zh"):
        said = retold(
            "the run is not valid: the machine was busy: other programs used 74% of the processors, the host took 2%; "
            "the server waited an unknown part of the time it could have run, the client 78%; "
            "for 40% of the time a program waited for a processor; "
            "stop what else runs on it, then run again"
        )
    assert said.startswith("本次运行无效：机器繁忙：其他程序占用了 74% 的处理器")
    assert "未知部分" in said


def test_a_text_that_nobody_translated_stays_as_it_is() -> None:
    with speaking("zh"):
        assert retold("a text of tomorrow") == "a text of tomorrow"


def test_screen_and_report_speak_chinese() -> None:
    with speaking("zh"):
        screen = render_terminal(view(a_record()))
        page = html.render_html(view(a_record()))
    assert "吞吐" in screen
    assert "检查没有发现问题" in screen
    assert '<html lang="zh">' in page
    assert "<h2>延迟</h2>" in page


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "SAGELLM_LANG": "zh"}, "zh"),
        ({}, "en"),
    ],
)
def test_the_locale_chooses(environ: dict[str, str], language: str) -> None:
    assert of_locale(environ) == language


LONGEST_FIRST = [
    (re.split(r"\{\w*\}", one), one) for one in sorted(CHINESE, key=len, reverse=True) if places(one)
]


def tried_one_by_one(english: str) -> str:
    """The longest message that a sentence can be."""
    held = (one for texts, one in LONGEST_FIRST if all(text in english for text in texts))
    return next((one for one in held if _pattern(one).fullmatch(english)), "")


@pytest.mark.parametrize("value", ["7", "a b", "3,5 %; 2", ""])
def test_a_sentence_is_found_by_its_words_as_if_every_message_were_tried(value: str) -> None:
    for texts, _ in LONGEST_FIRST:
        english = value.join(texts)
        found = next((one for _, one in _fitting(english) if _pattern(one).fullmatch(english)), "")
        assert found == tried_one_by_one(english)


def test_few_messages_are_tried_for_a_sentence_that_nobody_translated() -> None:
    said = "the p99 of the run's rows is not what it was: 7 of 12 requests took more than 3 s; see the log"
    assert len(_fitting(said)) < 60
