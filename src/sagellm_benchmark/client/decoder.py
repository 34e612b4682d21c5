"""A process of low priority that decodes segments of a load while the load goes on.

Its standard input is one line that says how to decode, then a line for each segment; the process ends with its input.
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
        signal.signal(number, signal.SIG_IGN)  # the parent handles them, and this process ends when it does
    if hasattr(os, "nice"):
        os.nice(_NICE)
    exact_output, secret, keep_raw = orjson.loads(sys.stdin.buffer.readline())
    reading = Reading(exact_output, secret, keep_raw)
    for line in sys.stdin.buffer:
        try:
            decode([Path(orjson.loads(line))], reading)
        except DataError:  # whoever needs the samples decodes again, and reports the error
            return


if __name__ == "__main__":
    main()
