from __future__ import annotations

import subprocess
from pathlib import Path

from sagellm_benchmark import provenance


def test_the_commit_of_the_checkout_is_known() -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    expected = head.stdout.strip() if head.returncode == 0 else None
    assert (provenance.git_commit() or "").removesuffix("-dirty") == (expected or "")
