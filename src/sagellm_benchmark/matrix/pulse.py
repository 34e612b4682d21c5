"""A sign of life from a child process, so that a frozen one does not hold up a whole matrix.

The child touches the file that is its standard error once a second; its parent looks at the file's time.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import dataclass, field
from typing import IO

from sagellm_benchmark.errors import DataError

BEAT_S = 1.0
SILENT_S = 60.0
"""A child without a beat for this long is frozen; a child that is only busy still beats."""


def beat() -> None:
    """Give signs of life for as long as this process runs; meant for its own thread."""
    with contextlib.suppress(OSError):  # if standard error is not our file, nobody looks at its time
        while True:
            os.utime(sys.stderr.fileno())
            time.sleep(BEAT_S)


@dataclass(slots=True)
class Pulse:
    """A child's signs of life, by the file to which its standard error goes."""

    file: IO[bytes]
    _last_ns: int = field(default=0, init=False)
    _heard_s: float = field(default_factory=time.monotonic, init=False)

    def check(self) -> None:
        """Raise DataError if earlier calls show that there was no beat for SILENT_S seconds."""
        touched_ns = os.fstat(self.file.fileno()).st_mtime_ns
        if touched_ns != self._last_ns:
            self._last_ns, self._heard_s = touched_ns, time.monotonic()
        if time.monotonic() - self._heard_s > SILENT_S:
            raise DataError(f"its process gave no sign of life for {SILENT_S:g} s", hint="was it frozen?")
