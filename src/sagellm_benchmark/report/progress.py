"""One line that moves, on a terminal only: in a pipe or a log it stays quiet."""

from __future__ import annotations

import sys
from typing import TextIO

from sagellm_benchmark.client.terms import Progress
from sagellm_benchmark.text import duration


class ProgressLine:
    """Shows `label 3/5 requests, 12 s, 8 s to go` and wipes it when it is done; use it as a context manager."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.shown = self.stream.isatty()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.say("")

    def say(self, text: str) -> None:
        """Replace the line."""
        if self.shown:
            self.stream.write(f"\r\x1b[2K{text[:110]}")
            self.stream.flush()

    def load(self, label: str, progress: Progress) -> None:
        """Replace the line by how far a load has come."""
        self.say(f"{label}: {progress_text(progress)}")


def progress_text(progress: Progress) -> str:
    """How far a load is, and when it will end if it goes on like this."""
    done = f"{progress.done}/{progress.total}" if progress.total else f"{progress.done}"
    failed = f", {progress.failed} failed" if progress.failed else ""
    text = f"{done} requests{failed}, {duration(progress.elapsed_s)}"
    if progress.ends_s is not None:
        text += f", {duration(max(progress.ends_s - progress.elapsed_s, 0.0))} to go"
    elif progress.total and progress.done:
        text += f", {duration(progress.elapsed_s / progress.done * (progress.total - progress.done))} to go"
    return text
