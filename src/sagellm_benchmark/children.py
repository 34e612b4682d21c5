"""Child processes: each in a session of its own, heard with a timeout, and gone with everything it started.

A session of its own keeps the terminal's Ctrl-C away from the child: it reaches us alone, and we decide when the
child ends. It also makes the child the leader of a process group, so that its own children can be stopped with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

KILLED_S = 5.0  # within which the system takes a killed process away
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a child is given to end: after its standard input was closed, and after SIGTERM."""

    closed_s: float = 5.0
    terminated_s: float = 5.0


@dataclass(slots=True)
class Child:
    """A running child; `stop` ends it together with whatever it has started."""

    process: subprocess.Popen[bytes]
    unread: bytes = field(default=b"", repr=False)  # what came behind the first line

    @property
    def pid(self) -> int:
        """The id of the process, and of its process group."""
        return self.process.pid

    @property
    def output(self) -> IO[bytes]:
        """Its standard output, where that was asked for."""
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe unless `output` said otherwise
        return self.process.stdout

    def tell(self, content: bytes) -> bool:
        """Write to its standard input; False if the child has gone."""
        if self.process.stdin is None:
            return False
        try:
            self.process.stdin.write(content)
            self.process.stdin.flush()
        except (OSError, ValueError):  # ValueError: we have closed it
            return False
        return True

    def first_line(self, limit_s: float) -> bytes | None:
        """Return the first line that it writes: empty when it ended instead, None when time ran out."""
        deadline = time.monotonic() + limit_s
        with selectors.DefaultSelector() as selector:
            selector.register(self.output, selectors.EVENT_READ)
            while b"\n" not in self.unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return None
                part = os.read(self.output.fileno(), 65536)
                if not part:
                    return b""
                self.unread += part
        line, _, self.unread = self.unread.partition(b"\n")
        return line

    def ended(self, limit_s: float) -> bool:
        """Return whether the process itself ends within `limit_s`; it is reaped if so."""
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the child and to all that it has started in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says it so
            os.killpg(self.pid, number)


@contextlib.contextmanager
def child(
    command: Sequence[str | Path],
    *,
    stdin: bool = True,
    output: IO[bytes] | int = subprocess.PIPE,
    errors: IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    patience: Patience = Patience(),
) -> Iterator[Child]:
    """Start `command` and yield it; on every way out it is stopped with its whole group, and reaped.

    `output` and `errors` say where its standard output and error go: a pipe to us and our own, unless given.
    Raises OSError if the command cannot be started.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )
    started = Child(process)
    try:
        yield started
    finally:
        stop([started], patience)


def stop(children: Sequence[Child], patience: Patience = Patience()) -> None:
    """End children side by side: their pipes are closed, then comes SIGTERM, then SIGKILL. Reaps every one.

    One that is frozen by a signal is woken, so that it can end like the others.
    """
    for one in children:
        for pipe in (one.process.stdin, one.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # unsent words, to a child that is gone
                    pipe.close()
        one.signal_group(signal.SIGCONT)
    left = _left([one for one in children if one.process.stdin is not None], patience.closed_s)
    left += [one for one in children if one.process.stdin is None]
    for one in left:
        one.signal_group(signal.SIGTERM)
    _left(left, patience.terminated_s)
    for one in children:  # also those that have ended: what they started may not have
        one.signal_group(signal.SIGKILL)
    _left(children, KILLED_S)


def _left(children: Sequence[Child], within_s: float) -> list[Child]:
    """Return those that have not ended when the time, which is one for all of them, is up."""
    deadline = time.monotonic() + within_s
    return [one for one in children if not one.ended(max(0.0, deadline - time.monotonic()))]


def die_with(parent: int) -> None:
    """In a child: have Linux kill us when `parent` dies, and take us first when memory runs out.

    It outlives exec. Elsewhere a child must watch its standard input, which works while it is not too busy to.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
    with contextlib.suppress(OSError):  # the user's other programs should stay
        Path("/proc/self/oom_score_adj").write_text("1000")
