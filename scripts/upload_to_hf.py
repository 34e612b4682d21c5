"""`python scripts/upload_to_hf.py …` is `sagellm-benchmark publish …` in the checkout's root.

It merges once more while it sends, so nobody's row is lost; merge_and_upload.py only merges.
A Python that does not have the program goes through its nox session, which installs it first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    os.chdir(ROOT)
    arguments = [*sys.argv[1:]]
    try:
        from sagellm_benchmark.cli import main
    except ModuleNotFoundError:
        sys.stdout.flush()
        os.execv("/bin/sh", ["sh", "scripts/nox.sh", "-s", "publish", "--", *arguments])  # noqa: S606
    main(["publish", *arguments], prog_name="sagellm-benchmark")
