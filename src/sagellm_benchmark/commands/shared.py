"""What several commands share: the options that say where the shared board is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from sagellm_benchmark.errors import UsageError
from sagellm_benchmark.options.help import ToldCommand

DATASET = "intellistream/sagellm-benchmark-results"
FOLDER = click.Path(path_type=Path, file_okay=False)

command = partial(click.command, cls=ToldCommand)


@contextmanager
def needing_ray() -> Iterator[None]:
    """Allow the block to import Ray. Raise UsageError if it is not installed, since only --on needs it."""
    # a cluster that does not answer is given up after 40 s
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
    try:
        yield
    except ImportError as error:
        raise UsageError(
            "--on needs Ray, which is not installed", hint="pip install 'isagellm-benchmark[cluster]'"
        ) from error


def _shared_folder(context: click.Context, option: click.Parameter, value: str | None) -> Path | None:
    """Return the folder; refuse an empty name, which is an unset variable, not this folder or the dataset."""
    if value == "":
        raise click.BadParameter("the folder has no name")
    return None if value is None else Path(FOLDER.convert(value, option, context))


REPO = click.option("--repo", default=DATASET, show_default=True, help="The dataset.")


def of_store(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where the shared board is."""
    for option in (
        click.option("--to", callback=_shared_folder, help="A shared folder instead of the dataset."),
        REPO,
    ):
        command = option(command)
    return command
