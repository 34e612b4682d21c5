"""Which Python packages an environment or a running process has, by their metadata."""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path

import psutil

from sagellm_benchmark.engines.base import Engine
from sagellm_benchmark.machine.processes import Pids

ENGINE = "engine"
FRAMEWORKS = {
    "torch": "torch",
    "torch_npu": "torch-npu",
    "transformers": "transformers",
    "cuda": "nvidia-cuda-runtime",
    "cuda 12": "nvidia-cuda-runtime-cu12",
}
"""The packages with which an engine computes, by their names in records."""

_PLACES = ("lib*/python3*/site-packages", "lib*/python3*/dist-packages", "local/lib/python3*/dist-packages")


def folders(prefix: Path) -> list[str]:
    """Return the folders with a Python's packages; `prefix` is an environment, or the system's, as /usr."""
    return [str(path) for place in _PLACES for path in sorted(prefix.glob(place))]


def version(prefix: Path, distribution: str) -> str | None:
    """Return the version of a package that is installed under `prefix`; None if it is not."""
    found = importlib.metadata.distributions(name=distribution, path=folders(prefix))
    return next((one.version for one in found if one.version), None)


def versions(prefix: Path, engine: Engine) -> Mapping[str, str]:
    """Return the versions of the engine, its components and FRAMEWORKS, by their names in records."""
    wanted = {**engine.components, **FRAMEWORKS}
    if engine.distribution is not None:
        wanted[ENGINE] = engine.distribution
    found = {name: version(prefix, package) for name, package in wanted.items()}
    return {name: text for name, text in found.items() if text is not None}


def of_processes(pids: Pids, engine: Engine) -> Mapping[str, str]:
    """Return the versions in the processes' environments; a gateway and its engine may have different ones."""
    prefixes = {prefix for pid in pids if (prefix := of_process(pid)) is not None}
    return {name: text for prefix in sorted(prefixes) for name, text in versions(prefix, engine).items()}


def of_process(pid: int) -> Path | None:
    """Return the prefix of the Python that a process runs; None for another program, or if it cannot be seen."""
    try:
        process = psutil.Process(pid)
        words = process.cmdline()
        found = shutil.which(words[0], path=process.environ().get("PATH")) if words else None
    except psutil.Error:
        return None
    if found is None or not Path(found).name.startswith("python"):
        return None
    return Path(found).absolute().parent.parent
