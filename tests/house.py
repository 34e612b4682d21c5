"""What the tests of the house share: where it stands, and an environment without the caller's make and nox in it."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Inherited where the tests themselves run under make, nox or a git hook.
CALLERS = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "NOX_", "GIT_", "GITHUB_", "GH_TOKEN")
GIVEN = ("PYTHON", "MODEL", "BASE_URL", "WORKLOAD", "ENGINE", "OFFLINE", "YES", "ARGS")


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment as a user's shell would have it, and `more`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(CALLERS) and name not in GIVEN
    }
    return kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull} | more
