"""What the tests of the house share: where it stands, and an environment without the caller's make and nox in it."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from nox import registry

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


def load_noxfile() -> ModuleType:
    """The noxfile as a module of its own, new with each call."""
    registry._REGISTRY.clear()  # nox warns of sessions that are defined twice
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["noxfile"] = module  # its dataclass looks its own module up
    spec.loader.exec_module(module)
    return module
