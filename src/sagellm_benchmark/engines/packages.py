"""Which Python packages an environment or a running process has, read from their own metadata."""

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
"""What an engine computes with, by the name under which a record states it."""

_PLACES = ("lib*/python3*/site-packages", "lib*/python3*/dist-packages", "local/lib/python3*/dist-packages")


def folders(prefix: Path) -> list[str]:
    """Tell where a Python keeps packages: of an environment, or of a system's Python such as /usr."""
    return [str(path) for place in _PLACES for path in sorted(prefix.glob(place))]


def version(prefix: Path, distribution: str) -> str | None:
    """Return the version of a package that is installed under `prefix`; None where it is not."""
    found = importlib.metadata.distributions(name=distribution, path=folders(prefix))
    return next((one.version for one in found if one.version), None)


def versions(prefix: Path, engine: Engine) -> Mapping[str, str]:
    """Return the engine, its components and what it computes with, each by its name in the record."""
    wanted = {**engine.components, **FRAMEWORKS}
    if engine.distribution is not None:
        wanted[ENGINE] = engine.distribution
    found = {name: version(prefix, package) for name, package in wanted.items()}
    return {name: text for name, text in found.items() if text is not None}


def of_processes(pids: Pids, engine: Engine) -> Mapping[str, str]:
    """Return what is installed where processes run; a gateway and its engine may live in environments of their own."""
    prefixes = {prefix for pid in pids if (prefix := of_process(pid)) is not None}
    return {name: text for prefix in sorted(prefixes) for name, text in versions(prefix, engine).items()}


def of_process(pid: int) -> Path | None:
    """Return the prefix of the Python that a process runs; None for another program, or one that we may not look at."""
    try:
        process = psutil.Process(pid)
        words = process.cmdline()
        found = shutil.which(words[0], path=process.environ().get("PATH")) if words else None
    except psutil.Error:
        return None
    if found is None or not Path(found).name.startswith("python"):
        return None
    return Path(found).absolute().parent.parent
