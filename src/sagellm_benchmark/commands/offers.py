"""What the Tab key offers for the values of options. The imports wait until somebody presses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from sagellm_benchmark.options.declare import Completer


def completer(words: Callable[[], Iterable[str]] = tuple, *, files: bool = False) -> Completer:
    """Return a completer that offers the words that begin as typed, or, with `files`, files if there are none."""

    def offer(_context: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
        found = [CompletionItem(word) for word in words() if word.lower().startswith(begun.lower())]
        return found or ([CompletionItem(begun, type="file")] if files else [])

    return offer


def _engines() -> tuple[str, ...]:
    """Return every engine's name, including those that other installed packages add."""
    from sagellm_benchmark.engines import registry

    return tuple(one.name for one in registry.engines())


def _workloads() -> tuple[str, ...]:
    """Return every word that --workload takes."""
    from sagellm_benchmark.workload.workloads import WORKLOADS

    return (*WORKLOADS, "all", "custom")


OF_RUN = {
    "model": completer(files=True),
    "engine": completer(_engines),
    "versus_engine": completer(_engines),
    "workload": completer(_workloads, files=True),
}
"""The completers of `run`'s options, by the field of `RunOptions`."""
