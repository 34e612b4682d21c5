"""Watch whether the head of a Ray cluster still answers during a load.

Nodes talk to each other without it, but one minute after it has gone, Ray ends every process that belongs to the
cluster, including the one with the results.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from sagellm_benchmark.cluster import greeting

SILENT_S = 3.0  # a head that has not answered for this long is lost
_ASKED_S = 0.5
_ANSWERS_S = 2.0


def speaks_tls() -> bool:
    """Return whether heads speak TLS by Ray's own setting, so that they do not answer our greeting."""
    return os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")


@dataclass(slots=True)
class Head:
    """The head of a cluster; `heard_s` is when it last answered, by our monotonic clock."""

    host: str
    port: int
    heard_s: float = field(default_factory=time.monotonic)
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        """The head's address, as it is shown to users."""
        return f"{self.host}:{self.port}"

    def gone(self) -> str | None:
        """Return why the head counts as lost; None while it answers."""
        if time.monotonic() - self.heard_s <= SILENT_S:
            return None
        return f"no answer for {SILENT_S:g} s"

    def ask_on(self) -> None:
        """Ask the head again and again, until `end` is called."""
        while not self._ended.wait(_ASKED_S):
            with contextlib.suppress(OSError):
                if greeting.is_head(self.host, self.port, _ANSWERS_S) or speaks_tls():
                    self.heard_s = time.monotonic()

    def end(self) -> None:
        """Stop asking."""
        self._ended.set()


@contextlib.contextmanager
def watched(host: str, port: int) -> Iterator[Head]:
    """Watch the head at an address during the block."""
    head = Head(host, port)
    threading.Thread(target=head.ask_on, daemon=True).start()
    try:
        yield head
    finally:
        head.end()
