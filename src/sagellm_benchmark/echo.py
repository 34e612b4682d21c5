"""The one way to a terminal, a pipe or a log: what comes from elsewhere is shown there, and never acted upon."""

from __future__ import annotations

import re

import click

from sagellm_benchmark.text import shown

_OURS = re.compile(r"(\x1b\[(?:0|1|31|32|33)m)")  # the colours of our own reports, which hold no others


def echo(text: str = "", *, err: bool = False, mark: str = "", colour: str | None = None) -> None:
    """Print text of ours or of anybody's, behind a mark in colour if there is one."""
    said = "".join(part if _OURS.fullmatch(part) else shown(part) for part in _OURS.split(text))
    click.echo((click.style(mark, fg=colour, bold=True) if mark else "") + said, err=err)
