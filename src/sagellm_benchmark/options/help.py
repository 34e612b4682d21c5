"""--help and usage errors in the user's language: click writes them in English, and they are translated on the way."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.text import wide
from sagellm_benchmark.words import language, t

_EXTRA = re.compile(r"(.*?)  \[(.*)\]", re.DOTALL)  # an option's help, and its default
_EXAMPLE = re.compile(r"(\S.*?\s{2,})(\S.*)")  # a command, and what it does
_WORDS = re.compile(r"[\x21-\x7e]+ ?|\s+|.")
_NEVER_FIRST = "，。；：、）」"


class ToldFormatter(click.HelpFormatter):
    """A page of help with every text translated; English stays as it is."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that shows how the command is typed."""
        super().write_usage(prog, args, prefix or t("Usage: "))

    def write_heading(self, heading: str) -> None:
        """Write a section's name."""
        super().write_heading(t(heading))

    def write_text(self, text: str) -> None:
        """Write paragraphs; of an example, only the explanation is translated."""
        super().write_text(text if language() == "en" else self._told(text))

    def _told(self, text: str) -> str:
        room = max(self.width - self.current_indent, 10)
        return "\n\n".join(
            "\n".join(map(_example, part.splitlines()))
            if part.startswith("\b")
            else "\b\n" + wrapped(t(" ".join(part.split())), room)
            for part in text.split("\n\n")
        )

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write options or commands, each with its purpose beside it."""
        rows = list(rows)
        if language() != "en":
            first = min(max((len(name) for name, _ in rows), default=0), col_max) + col_spacing
            room = max(self.width - self.current_indent - first - 2, 10)
            rows = [(name, "\b\n" + wrapped(told_option(text), room)) for name, text in rows]
        super().write_dl(rows, col_max, col_spacing)


class ToldContext(click.Context):
    """A command's context, which formats its help in the user's language."""

    formatter_class = ToldFormatter


class ToldCommand(click.Command):
    """A command whose help is in the user's language."""

    context_class = ToldContext

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002 - a sentence that is cut says little
        """Return the first paragraph of the help, uncut, for the list of commands."""
        return t(" ".join((self.help or "").split("\n\n")[0].split()))


def told_option(text: str) -> str:
    """Return an option's help, including its default, in the user's language."""
    whole = " ".join(text.split())
    if (known := t(whole)) != whole or (found := _EXTRA.fullmatch(text)) is None:
        return known
    extra = found[2].replace("default: ", t("default: ")).replace("required", t("required"))
    return f"{t(' '.join(found[1].split()))}  [{extra}]"


def _example(line: str) -> str:
    found = _EXAMPLE.fullmatch(line)
    return line if found is None else found[1] + t(found[2])


def wrapped(text: str, columns: int) -> str:
    """Break text into lines of at most `columns` columns; a Chinese character takes two."""
    lines, line, used = [], "", 0
    for word in _WORDS.findall(text):
        if used + wide(word) > columns and line and word not in _NEVER_FIRST:
            lines.append(line.rstrip())
            line, used = "", 0
        line, used = line + word, used + wide(word)
    return "\n".join([*lines, line])


def misuse(error: click.ClickException) -> UsageError:
    """Return click's complaint about a command line as a UsageError that says where to find help."""
    context = getattr(error, "ctx", None)
    command = "sagellm-benchmark" if context is None else context.command_path
    return UsageError(error.format_message(), hint=f"see what it takes: {command} --help")
