"""`python scripts/merge_and_upload.py …` is `sagellm-benchmark publish --merge-only …` in the checkout's root.

It merges hf_data/ with the published board and writes the result into hf_data/; upload_to_hf.py sends it.
A Python that does not have the program goes through its nox session, which installs it first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

if __name__ == "__main__":
    os.chdir(ROOT)
    arguments = ["--merge-only", *sys.argv[1:]]
    try:
        from sagellm_benchmark.cli import main
    except ModuleNotFoundError:
        sys.stdout.flush()
        os.execv("/bin/sh", ["sh", "scripts/nox.sh", "-s", "publish", "--", *arguments])  # noqa: S606
    main(["publish", *arguments], prog_name="sagellm-benchmark")
