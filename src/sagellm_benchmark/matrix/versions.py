"""Which version of an engine a cell would measure, so that a new version is measured anew."""

from __future__ import annotations

import importlib.metadata

from sagellm_benchmark.engines.endpoint import Endpoint
from sagellm_benchmark.errors import BenchmarkError
from sagellm_benchmark.matrix.plan import Options

EMBEDDED = "xllamacpp"


def version_of(options: Options) -> str | None:
    """Return the version that the server at `base-url` states, or that of the embedded engine; None where nobody says.

    A server that does not answer has none: its cells then fail by themselves, each with its reason.
    """
    if (base_url := options.get("base-url")) is not None:
        model = options.get("model")
        endpoint = Endpoint(base_url=str(base_url), model=None if model is None else str(model))
        try:
            with endpoint.open() as server:
                return server.engine_version
        except BenchmarkError:
            return None
    try:
        return importlib.metadata.version(EMBEDDED)
    except importlib.metadata.PackageNotFoundError:
        return None
