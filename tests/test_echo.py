"""Names and messages of others on a terminal, in a log and in JSON."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagellm_benchmark.echo import echo
from sagellm_benchmark.files import to_json
from sagellm_benchmark.json_echo import echo_json
from sagellm_benchmark.text import shown

ANY = st.text(alphabet=st.characters(codec="utf-8"))
OSC, CSI, C1, TURNED = "\x1b]0;owned\x07", "\x1b[2J", "\x9b31m", "\u202egnp"


@given(ANY)
def test_lines_stay_and_nothing_else_is_acted_upon(text: str) -> None:
    cleaned = shown(text)
    assert cleaned.count("\n") == text.count("\n")
    assert all(character == "\n" or character.isprintable() for character in cleaned)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("::stop-commands::x", ": :stop-commands::x"),
        ("fine\n  ::error::x", "fine\n  : :error::x"),
        ("model ##[error]x", "model # #[error]x"),
        ("##vso[task.complete]x", "# #vso[task.complete]x"),
        ("std::vector, a::b", "std::vector, a::b"),
        ("VALID\rINVALID", "VALID\ufffdINVALID"),
        ("a\tb", "a       b"),
    ],
)
def test_a_workflow_takes_nothing_for_a_command(text: str, safe: str) -> None:
    assert shown(text) == safe


def test_what_is_printed_holds_no_escape(capsys: pytest.CaptureFixture[str]) -> None:
    echo(f"model {OSC}{CSI}{C1}{TURNED}", err=True, mark="error: ", colour="red")
    assert capsys.readouterr().err == "error: model \ufffd]0;owned\ufffd\ufffd[2J\ufffd31m\ufffdgnp\n"


@given(ANY)
def test_json_has_the_same_content_and_nothing_to_act_upon(text: str) -> None:
    written = to_json({"name": text})
    assert json.loads(written) == {"name": text}
    assert b"##[" not in written
    assert not {*map(chr, range(0x7F, 0xA0)), "\x1b", "\u202e", "\u2066"} & set(written.decode())


def test_json_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json({"name": f"{C1}##[error]"})
    assert capsys.readouterr().out == '{\n  "name": "\\u009b31m\\u0023\\u0023[error]"\n}\n'


def test_a_file_s_name_that_is_not_utf_8_is_written_with_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    echo_json({"said": [os.fsdecode(b"\xff.json") + " is damaged"]})
    assert json.loads(capsys.readouterr().out) == {"said": ["\\udcff.json is damaged"]}
