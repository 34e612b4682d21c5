"""The process between us and an engine that we start: however we end, it then ends all processes of the engine.

It is started as `python -m sagellm_benchmark.engines.supervisor SECONDS COMMAND…`. It writes the engine's process id as
one line to standard output; everything that the engine prints goes to standard error. It ends when the engine does,
with the same status, and when its standard input ends: then the engine's group gets SIGTERM, and SIGKILL after that
many seconds. On Linux, it also adopts orphaned processes of the engine, so that none escapes into its own session.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading

import psutil

from sagellm_benchmark.children import die_with

PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
COULD_NOT_START = 127


def main() -> None:
    """Run the engine for as long as our standard input is open."""
    for number in (signal.SIGTERM, signal.SIGINT):  # not ignored, because the engine would inherit that
        signal.signal(number, lambda _number, _frame: None)
    _adopt_orphans()
    grace_s, command, ours = float(sys.argv[1]), sys.argv[2:], os.getpid()
    try:
        engine = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            preexec_fn=lambda: die_with(ours),  # noqa: PLW1509 - no thread runs yet
        )
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror or error}\n")
        sys.exit(COULD_NOT_START)
    sys.stdout.write(f"{engine.pid}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_stdin, args=(engine, grace_s), daemon=True).start()
    code = engine.wait()
    _kill_family()
    sys.stderr.flush()
    os._exit(code if code >= 0 else 128 - code)  # a regular exit would wait for the thread that reads


def _adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that our children include all of them."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_with_stdin(engine: subprocess.Popen[bytes], grace_s: float) -> None:
    """End the engine when nobody holds the other end of our standard input any more."""
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGTERM)  # this process is in the group, too, and handles it
    with contextlib.suppress(subprocess.TimeoutExpired):
        engine.wait(grace_s)
    _kill_family()
    os.killpg(0, signal.SIGKILL)


def _kill_family() -> None:
    """Kill every descendant, in rounds, because some may start others meanwhile."""
    while family := [one for one in psutil.Process().children(recursive=True) if _runs(one)]:
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=1.0)


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


if __name__ == "__main__":
    main()
