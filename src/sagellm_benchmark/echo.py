"""The one way to a terminal, a pipe or a log: what comes from elsewhere is shown there, and never acted upon."""

from __future__ import annotations

import re
from typing import IO, Any

import click

from sagellm_benchmark.text import shown, writable

_OURS = re.compile(r"(\x1b\[(?:0|1|31|32|33)m)")  # the colours of our own reports, which hold no others


def echo(text: str = "", *, err: bool = False, mark: str = "", colour: str | None = None) -> None:
    """Print text of ours or of anybody's, behind a mark in colour if there is one."""
    said = "".join(part if _OURS.fullmatch(part) else shown(part) for part in _OURS.split(text))
    click.echo((click.style(mark, fg=colour, bold=True) if mark else "") + said, err=err)


def echo_json(value: Any, file: IO[str] | None = None) -> None:
    """Print a value as JSON, on standard output unless `file` is given.

    Its escapes are JSON's own, so that a script reads what was there.
    """
    from sagellm_benchmark.files import to_json  # noqa: PLC0415 - --help does not wait for its library

    try:
        said = to_json(value)
    except TypeError:  # a file's name need not be UTF-8
        said = to_json(writable(value))
    click.echo(said.decode(), nl=False, file=file)
