"""`python scripts/aggregate_for_hf.py …` is `sagellm-benchmark aggregate …` in the checkout's root.

A Python that does not have the program goes through its nox session, which installs it first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    os.chdir(ROOT)
    try:
        from sagellm_benchmark.cli import main
    except ModuleNotFoundError:
        sys.stdout.flush()
        os.execv("/bin/sh", ["sh", "scripts/nox.sh", "-s", "aggregate", "--", *sys.argv[1:]])  # noqa: S606
    main(["aggregate", *sys.argv[1:]], prog_name="sagellm-benchmark")
