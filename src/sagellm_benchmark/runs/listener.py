"""The interface through which a run reports its progress."""

from __future__ import annotations

from typing import Protocol

from sagellm_benchmark.client.terms import Progress


class Listener(Protocol):
    """Hears how a run goes; the terminal shows it, a pipe does not."""

    def say(self, text: str) -> None:
        """Say what the run does next."""
        ...

    def note(self, text: str) -> None:
        """Report something that the user must know, even where progress is not shown."""
        ...

    def progress(self, label: str, progress: Progress) -> None:
        """Report the progress of a load."""
        ...
