"""The real command, in a process of its own, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests import forked

PROGRAM = (sys.executable, "-m", "sagellm_benchmark")


def environment(home: Path, **changes: str) -> dict[str, str]:
    """Nothing of this machine's user: an empty HOME, no tokens, no hub in reach."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR")}
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    hub = {"HF_ENDPOINT": "http://127.0.0.1:1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    busy = {"SAGELLM_ACCEPT_BUSY": "1"}  # what else runs beside the tests decides nothing
    english = {"LC_ALL": "C.UTF-8"}
    return {**kept, **english, **coverage, **hub, **busy, "HOME": str(home), **changes}


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run `sagellm-benchmark` with `arguments` in `cwd`, which is its HOME too; `env` is added to."""
    changed = environment(cwd, **(env or {}))
    if any(name.startswith("PYTHON") for name in env or ()):  # the interpreter reads these when it starts
        return subprocess.run(
            [*PROGRAM, *arguments],
            cwd=cwd,
            env=changed,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    return forked.start(arguments, cwd, changed).ended(timeout)


def start(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> forked.Running:
    """Start what `run` runs, for a test that does something meanwhile."""
    return forked.start(arguments, cwd, environment(cwd, **(env or {})))
