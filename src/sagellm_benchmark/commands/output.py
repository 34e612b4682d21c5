"""What every command has in common: --json, --quiet and --lang, and one way to show its result."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from sagellm_benchmark import words
from sagellm_benchmark.echo import echo
from sagellm_benchmark.options.values import OneOf


@dataclass(frozen=True, slots=True)
class Output:
    """How a command's result is shown: as text, as JSON and nothing else on standard output, or not at all."""

    as_json: bool = False
    quiet: bool = False

    def show(self, text: Callable[[], str], data: Callable[[], Any]) -> None:
        """Print the result. JSON is printed even with --quiet, because it was asked for."""
        if self.as_json:
            from sagellm_benchmark.json_echo import echo_json

            echo_json(data())
        elif not self.quiet:
            echo(words.retold_lines(text()))

    def wait(self, text: str) -> None:
        """Say why nothing happens for a while, both in a terminal and in a pipe."""
        if not self.quiet:
            echo(words.retold_lines(text), err=True, mark=words.t("wait:  "), colour="yellow")


def shows(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --json, --quiet and --lang, and pass it an Output as `out`."""

    @functools.wraps(command)
    def called(*, as_json: bool, quiet: bool, lang: words.Language | None, **values: Any) -> Any:
        speak(lang)
        return command(out=Output(as_json=as_json, quiet=quiet), **values)

    decorated: Callable[..., Any] = called
    for option in (
        click.option("--lang", type=OneOf(words.LANGUAGES), help="The language.  [default: the locale's]"),
        click.option(
            "--quiet", "-q", is_flag=True, help="Print nothing but errors; the exit code tells the result."
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON and nothing else."),
    ):
        decorated = option(decorated)
    return decorated


def confirm(question: str) -> bool:
    """Ask the person at the terminal, in the user's language, and return whether the answer is yes."""
    return click.confirm(words.retold(question), err=True)


def speak(lang: words.Language | None) -> None:
    """Use the language that was asked for, before or after the command's name, or else that of the locale."""
    words.choose(lang or words.asked(sys.argv[1:]) or words.of_locale(os.environ))
