"""JSON on a terminal, in a pipe or a log, apart from `echo` because `--help` does not wait for what makes it."""

from __future__ import annotations

from typing import IO, Any

import click

from sagellm_benchmark.files import to_json
from sagellm_benchmark.text import writable


def echo_json(value: Any, file: IO[str] | None = None) -> None:
    """Print a value as JSON, on standard output unless `file` is given.

    Its escapes are JSON's own, so that a script reads what was there.
    """
    try:
        said = to_json(value)
    except TypeError:  # a file's name need not be UTF-8
        said = to_json(writable(value))
    click.echo(said.decode(), nl=False, file=file)
