"""The folder for what we fetch or make for later runs: ~/.cache/sagellm-benchmark/; `make clean` empties it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal


def folder(kind: Literal["dummy", "engines", "weights"]) -> Path:
    """Return the folder for dummy weights, engines' environments, or the default model's weights.

    It need not exist yet.
    """
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "sagellm-benchmark" / kind
