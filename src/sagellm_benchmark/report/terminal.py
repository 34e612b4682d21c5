"""A run as text for the terminal."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import click

from sagellm_benchmark.report.view import HEAD, View
from sagellm_benchmark.text import columns, plain
from sagellm_benchmark.words import retold, t


def render_terminal(view: View) -> str:
    """Return a few lines that fit a terminal; a dash stands for a figure that was not measured."""
    view = replace(view, **{one.name: _plain(getattr(view, one.name)) for one in fields(view)})
    lines = [view.title, f"  {view.subject}", ""]
    lines += columns([tuple(map(retold, HEAD)), *view.latencies])
    lines += ["", *columns(view.figures, figures=False), "", f"  {colored(view)}"]
    lines += [click.style(f"    ✗ {reason}", fg="red") for reason in view.reasons]
    lines += [f"  {t('not publishable')}: {why}" for why in view.otherwise_unpublishable]
    lines += [f"    ? {t('not checked')}: {what}" for what in view.not_checked]
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    """Return texts, and tuples of them, without characters that a terminal would obey, except our own colours."""
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    return plain(value) if isinstance(value, str) else value


def colored(view: View) -> str:
    """Return the verdict, green if the run is valid and red if not; in a pipe, only the word."""
    if view.valid:
        return (
            f"{click.style(view.verdict, fg='green', bold=True)}: {t('its checks found nothing against it')}"
        )
    return click.style(view.verdict, fg="red", bold=True)
