"""A run as a terminal shows it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import click

from sagellm_benchmark.report.view import HEAD, View
from sagellm_benchmark.text import columns, plain
from sagellm_benchmark.words import retold, t


def render_terminal(view: View) -> str:
    """Return a few lines that fit a terminal; dashes stand for what the run was too short to say."""
    view = replace(view, **{one.name: _plain(getattr(view, one.name)) for one in fields(view)})
    lines = [view.title, f"  {view.subject}", ""]
    lines += columns([tuple(map(retold, HEAD)), *view.latencies])
    lines += ["", *columns(view.figures, figures=False), "", f"  {colored(view)}"]
    lines += [click.style(f"    ✗ {reason}", fg="red") for reason in view.reasons]
    lines += [f"  {t('not publishable')}: {why}" for why in view.otherwise_unpublishable]
    lines += [f"    ? {t('not checked')}: {what}" for what in view.not_checked]
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    """Texts, and tuples of them, without what a terminal acts upon: only our own colours are left."""
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    return plain(value) if isinstance(value, str) else value


def colored(view: View) -> str:
    """Return the verdict: green where the checks found nothing, red where they did; a pipe gets the word alone."""
    if view.valid:
        return (
            f"{click.style(view.verdict, fg='green', bold=True)}: {t('its checks found nothing against it')}"
        )
    return click.style(view.verdict, fg="red", bold=True)
