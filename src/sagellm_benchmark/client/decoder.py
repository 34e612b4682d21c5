"""Decodes segments of a load while it goes on, out of its way: a process that gives way to every other.

Its standard input is a line that says how, then a line for each segment; it ends with that input.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import orjson

from sagellm_benchmark.client.decoded import decode
from sagellm_benchmark.client.spool import Reading
from sagellm_benchmark.errors import DataError

_NICE = 10


def main() -> None:
    """Decode segments until standard input ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the load decides; its end is ours
    if hasattr(os, "nice"):
        os.nice(_NICE)
    exact_output, secret, keep_raw = orjson.loads(sys.stdin.buffer.readline())
    reading = Reading(exact_output, secret, keep_raw)
    for line in sys.stdin.buffer:
        try:
            decode([Path(orjson.loads(line))], reading)
        except DataError:  # whoever reads the samples tries again, and says what is wrong
            return


if __name__ == "__main__":
    main()
