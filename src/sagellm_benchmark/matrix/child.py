"""One cell in a process of its own, which ends when the matrix does, however the matrix ends.

python -m sagellm_benchmark.matrix.child run …      with a pipe as standard input
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading

from sagellm_benchmark.matrix import pulse

_GRACE_S = 30.0
_INTERRUPTED = 130


def main() -> None:
    """Run the program; when standard input ends, end as by Ctrl-C, which keeps what was measured and stops engines."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored if started in the background
    for work in (_end_with_stdin, pulse.beat):
        threading.Thread(target=work, daemon=True).start()
    runpy.run_module("sagellm_benchmark", run_name="__main__", alter_sys=True)


def _end_with_stdin() -> None:
    stdin = sys.stdin.fileno()
    while os.read(stdin, 4096):  # not through Python's buffer, whose lock would be held at exit
        pass
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(_GRACE_S)
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
