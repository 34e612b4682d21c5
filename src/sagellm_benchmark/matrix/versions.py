"""Which version of an engine a cell would measure, so that a new version is measured again."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from sagellm_benchmark.engines import environment, packages, registry
from sagellm_benchmark.engines.base import Engine
from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.errors import BenchmarkError
from sagellm_benchmark.matrix.plan import Options

EMBEDDED = "xllamacpp"


def version_of(options: Options) -> str | None:
    """Return the version of the server at `base-url`, of the engine to be started, or of the embedded one.

    None if it is unknown. That includes a server that does not answer and an engine that is not installed: their cells
    fail later, each with its reason.
    """
    if (base_url := options.get("base-url")) is not None:
        model = options.get("model")
        endpoint = Endpoint(base_url=str(base_url), model=None if model is None else str(model))
        try:
            with endpoint.open() as server:
                return server.engine_version
        except BenchmarkError:
            return None
    if (name := options.get("engine")) is not None or "launch" in options:
        engine = None if name is None else registry.find(str(name))
        return None if engine is None or engine.launch is None else _of_started(engine, options)
    try:
        return importlib.metadata.version(EMBEDDED)
    except importlib.metadata.PackageNotFoundError:
        return None


def _of_started(engine: Engine, options: Options) -> str | None:
    """Return the installed version, or the pinned one for an environment that we make; None if it is unknown."""
    try:
        if (python := options.get("engine-python")) is not None:
            where = environment.stated(Path(str(python)), engine)
        else:
            found = environment.find(engine)
            ours = found is None or found.prefix == environment.home(engine)
            if ours and options.get("engine-env") == "create":
                return environment.pinned(engine)
            if found is None:
                return None
            where = found
    except BenchmarkError:
        return None
    return packages.version(where.prefix, engine.distribution or engine.name)
