"""Plans that a matrix measures on a Ray cluster, and the command that does it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.cluster.simulated import HEAD
from tests.fakes.engine_install import Behaviour, install


def plan(
    folder: Path,
    venvs: Sequence[Path],
    cpus: int,
    *,
    repeats: int = 1,
    loads: Sequence[int] = (1, 2),
    head: str = HEAD,
) -> list[str]:
    """Engines that are started, two loads; and the command that measures them on the cluster."""
    lines = ['name = "m"', f"repeats = {repeats}", "[options]", f"num_cpus = {cpus}"]
    lines += ['workload = "custom"', "requests = 6"]
    lines += ["input-tokens = 8", "output-tokens = 4", "warmup = 0", "no-calibrate = true"]
    for venv in venvs:
        lines += ["[[engines]]", f'name = "{venv.name}"', 'engine = "vllm"', 'model = "tiny"']
        lines += [f'engine-python = "{venv}"']
    for load in loads:
        lines += ["[[loads]]", f"concurrency = {load}"]
    (folder / "plan.toml").write_text("\n".join(lines))
    return [sys.executable, "-m", "sagellm_benchmark", "matrix", "plan.toml", "--on", f"ray://{head}"]


def engines(folder: Path, **behaviour: Any) -> list[Path]:
    """Two engines that can be started."""
    return [install(folder / name, "vllm", Behaviour(**behaviour)) for name in ("a", "b")]


@contextlib.contextmanager
def begun(folder: Path, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The command while it runs; what it says goes to `said` and `complaint`. Nothing of it outlives the test."""
    with (folder / "said").open("wb") as said, (folder / "complaint").open("wb") as complaint:
        driver = subprocess.Popen([*command, "--json"], cwd=folder, stdout=said, stderr=complaint)
    try:
        yield driver
    finally:
        driver.kill()
        driver.wait()


def run(folder: Path, command: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """What the command measured, and what it said beside that."""
    ended = subprocess.run([*command, "--json"], cwd=folder, capture_output=True, text=True, check=False)
    return json.loads(ended.stdout or "[]"), ended.stderr
