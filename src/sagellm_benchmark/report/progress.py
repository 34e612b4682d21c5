"""The progress of a command: a changing line on a terminal, a line every ten seconds in a pipe, or none if quiet."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from typing import TextIO

from sagellm_benchmark.client.terms import Progress
from sagellm_benchmark.text import cut, duration, plain, shown, wide
from sagellm_benchmark.words import t

EVERY_S = 10.0  # between two lines in a pipe or a log
_COLUMNS = 80  # of a terminal of unknown width
_RATE_S = 5.0  # the time over which live tokens/s are counted


class ProgressLine:
    """Shows `label: 3/5 requests, 12 s, 8 s to go`, and clears it at the end; use it as a context manager."""

    def __init__(
        self, stream: TextIO | None = None, *, quiet: bool = False, every_s: float = EVERY_S
    ) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.quiet = quiet
        self.moves = self.stream.isatty()
        self.text = ""
        self._every_s = every_s
        self._ended = threading.Event()
        self._teller = threading.Thread(target=self._tell, name="progress", daemon=True)
        self._rate = TokenRate()

    def __enter__(self) -> ProgressLine:
        if not self.moves and not self.quiet:
            self._teller.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.say("")
        self._ended.set()
        if self._teller.is_alive():
            self._teller.join()

    def say(self, text: str) -> None:
        """Replace the line."""
        self.text = text
        if self.moves and not self.quiet:
            self.stream.write(f"\r\x1b[2K{cut(plain(text), self._columns())}")
            self.stream.flush()

    def load(self, label: str, progress: Progress) -> None:
        """Replace the line by the progress of a load; if there is little room, the label is cut."""
        far = progress_text(progress, self._rate(progress))
        self.say(f"{cut(label, self._columns() - wide(far) - 2) if self.moves else label}: {far}")

    def _columns(self) -> int:
        """Return the terminal's width less one column, because some terminals begin a new line after the last one."""
        try:
            return (os.get_terminal_size(self.stream.fileno()).columns or _COLUMNS) - 1
        except OSError:  # it claims to be a terminal, but has no size
            return _COLUMNS - 1

    def _tell(self) -> None:
        while not self._ended.wait(self._every_s):
            if self.text:
                self.stream.write(f"{shown(self.text)}\n")
                self.stream.flush()


class TokenRate:
    """Tokens per second over the last few seconds of a load."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def __call__(self, progress: Progress) -> float | None:
        """Return the current rate; None at the beginning of a load."""
        now = (progress.elapsed_s, progress.tokens)
        if self._seen and now < self._seen[-1]:  # another load has begun
            self._seen.clear()
        self._seen.append(now)
        while len(self._seen) > 2 and self._seen[1][0] <= now[0] - _RATE_S:
            self._seen.popleft()
        elapsed_s, tokens = self._seen[0]
        return (now[1] - tokens) / (now[0] - elapsed_s) if now[0] > elapsed_s else None


def progress_text(progress: Progress, tokens_per_s: float | None = None) -> str:
    """Return how far a load is, its tokens per second, and the time left at this pace."""
    total = f"/{progress.total}" if progress.total else ""
    parts = [t("{done} requests", done=f"{progress.done}{total}")]
    if progress.failed:
        parts.append(t("{failed} failed", failed=progress.failed))
    if tokens_per_s:
        parts.append(f"≈ {tokens_per_s:,.0f} tokens/s")
    parts.append(duration(progress.elapsed_s))
    if (left_s := _left_s(progress)) is not None:
        parts.append(t("{duration} to go", duration=duration(left_s)))
    return ", ".join(parts)


def _left_s(progress: Progress) -> float | None:
    if progress.ends_s is not None:
        return max(progress.ends_s - progress.elapsed_s, 0.0)
    if progress.total and progress.done:
        return progress.elapsed_s / progress.done * (progress.total - progress.done)
    return None
