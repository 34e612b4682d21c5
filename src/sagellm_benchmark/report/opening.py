"""Showing report.html in the browser: asked for, or offered where somebody sits at a desktop. Never waits in a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from sagellm_benchmark.words import t


def offer(page: Path, wanted: bool | None, environ: Mapping[str, str] = os.environ) -> None:
    """Open the page where that is wanted; where nothing was said, ask, unless nobody is there to be asked."""
    if wanted is None:
        wanted = at_a_desktop(environ) and click.confirm(
            "  " + t("open {page} in the browser?", page=page.name), default=False, err=True
        )
    if wanted:
        click.launch(str(page.absolute()))


def at_a_desktop(environ: Mapping[str, str]) -> bool:
    """Return whether a person looks at this terminal on a machine that has a screen."""
    seen = sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()
    screen = sys.platform in {"darwin", "win32"} or any(
        environ.get(one) for one in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return seen and screen and not any(environ.get(one) for one in ("CI", "SSH_CONNECTION"))
