"""Show report.html in the browser: if asked to, or after asking a person at a desktop; never wait in a pipe."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Mapping
from pathlib import Path

import click

from sagellm_benchmark.echo import echo
from sagellm_benchmark.words import t


def offer(page: Path, wanted: bool | None, environ: Mapping[str, str] = os.environ) -> None:
    """Open the page if that is `wanted`; if that is None, ask, provided that somebody is there to answer."""
    if wanted is None:
        wanted = at_a_desktop(environ) and click.confirm(
            "  " + t("open {page} in the browser?", page=page.name), default=False, err=True
        )
    if wanted and not webbrowser.open(page.absolute().as_uri()):
        echo("  " + t("no browser was found; the page is {page}", page=page), err=True)


def at_a_desktop(environ: Mapping[str, str]) -> bool:
    """Return whether a person uses this terminal on a machine with a screen."""
    seen = sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()
    screen = sys.platform in {"darwin", "win32"} or any(
        environ.get(one) for one in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return seen and screen and not any(environ.get(one) for one in ("CI", "SSH_CONNECTION"))
